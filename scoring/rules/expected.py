"""What a rule would match, take and cost a day, from the last 24 hours: a rough answer while its form is filled in.

`scoring.rules.testing` looks at each record and is exact; this counts what matches, in about a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from evalhub.models import Project
from records.search import Count, count, page
from scoring.models import Evaluator, EvaluatorType, Rule
from scoring.rules.matching import DAY, search_of
from scoring.runs.estimate import expected_cost

SECONDS = 1.0  # of counting
UNCAPPED = 10**9
FEW = 15  # scores a day: below it an interval says little
MANY = 2_000  # matching records a day: above it a low rate gives narrow intervals too
HIGH_RATE = 0.1
SAMPLE = 5  # records whose prompts tell the cost of a judge that was never asked


@dataclass(frozen=True, slots=True)
class Line:
    """USD of one call of an evaluator, None where it is not known."""

    evaluator: Evaluator
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Expected:
    """`matching` of the last 24 hours; of them about `scored` would be drawn. Money in USD, None where an evaluator's
    cost is not known yet."""

    matching: Count
    rate: float
    lines: list[Line]
    budget_usd_day: Decimal | None
    budget_calls_day: int | None

    @property
    def scored(self) -> int:
        return round(self.matching.n * self.rate)

    @property
    def calls(self) -> int:
        return self.scored * len(self.lines)

    @property
    def each(self) -> Decimal | None:
        """Of all evaluators on one record."""
        return total(self.lines)

    @property
    def cost(self) -> Decimal | None:
        return None if self.each is None else self.each * self.scored

    @property
    def reached_after(self) -> int | None:
        """Records after which the day's budget is used up, where that is before the day ends."""
        stops = []
        if self.budget_calls_day is not None and self.lines:
            stops.append(self.budget_calls_day // len(self.lines))
        if self.budget_usd_day is not None and self.each:
            stops.append(int(self.budget_usd_day / self.each))
        return min(stops) if stops and min(stops) < self.scored else None

    @property
    def is_too_few(self) -> bool:
        return self.matching.n > 0 and self.scored < FEW and self.rate < 1

    @property
    def is_more_than_needed(self) -> bool:
        return self.matching.n > MANY and self.rate > HIGH_RATE and bool(self.each)


def expected(project: Project, rule: Rule, evaluators: Sequence[Evaluator]) -> Expected:
    """`rule` may be one that is not saved. Raises FilterError, SearchTimeout."""
    search = search_of(project, rule, DAY)
    records = [row.id for row in page(search, limit=SAMPLE, budget=SECONDS).rows]
    return Expected(
        count(search, cap=UNCAPPED, budget=SECONDS), rule.rate, lines_of(project, evaluators, records),
        rule.budget_usd_day, rule.budget_calls_day,
    )  # fmt: skip


def lines_of(project: Project, evaluators: Sequence[Evaluator], records: Sequence[UUID]) -> list[Line]:
    """What each costs, by its last scores, else roughly by what it would be asked of some of the records."""
    return [Line(evaluator, _cost(project, evaluator, records)) for evaluator in evaluators]


def total(lines: Sequence[Line]) -> Decimal | None:
    """Of one record by all of them; None where one is not known."""
    costs = [line.cost for line in lines]
    return None if None in costs else sum(costs, Decimal(0))


def _cost(project: Project, evaluator: Evaluator, records: Sequence[UUID]) -> Decimal | None:
    cost = expected_cost(project.id, evaluator, records)
    return Decimal(0) if cost is None and evaluator.type != EvaluatorType.LLM else cost

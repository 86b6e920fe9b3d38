"""What a scoring run will take, before it begins: records, calls, cost, time, and what is there already."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from records.filterlang import FilterError
from records.search import SearchTimeout
from records.selection import Selection
from scoring.models import Evaluator, EvaluatorType, Provider, RunMode
from scoring.runs.rough import rough_cost
from scoring.runs.tasks import wanted

PAGE_SECONDS = 8.0
LAST_SCORES = 200  # whose mean cost and time are taken
NEWEST = 2_000  # current scores of the metric among which they are looked for
STORING_MS = 0.4  # a score, where the evaluator itself takes next to nothing
UNKNOWN_CALL_MS = 2_000  # of a judge that has never been asked

MEANS = """
SELECT avg(cost), avg(duration_ms) FROM (
  SELECT cost, duration_ms FROM (
    SELECT cost, duration_ms, evaluator, status FROM score
    WHERE project_id = %(p)s AND metric_id = %(metric)s AND is_current
    ORDER BY record_created_at DESC, record_id DESC LIMIT %(newest)s) n
  WHERE evaluator = %(slug)s AND status = 1 LIMIT %(last)s) x
"""

THERE = """
SELECT evaluator_version_id, count(DISTINCT record_id) FROM score
WHERE project_id = %(p)s AND record_id = ANY(%(records)s) AND evaluator_version_id = ANY(%(versions)s) AND status = 1
GROUP BY 1
"""

BY_PEOPLE = """
SELECT count(*) FROM score WHERE project_id = %(p)s AND record_id = ANY(%(records)s) AND metric_id = ANY(%(metrics)s)
  AND is_current AND status = 1 AND rank <= 1
"""


@dataclass(slots=True)
class Line:
    """One evaluator's share. `cost` USD a call, None where it is not known, `rough` where it follows from the lengths
    of prompts alone; `already` carry its present version."""

    evaluator: Evaluator
    cost: Decimal | None
    milliseconds: float
    calls: int = 0
    already: int = 0
    rough: bool = False

    @property
    def total(self) -> Decimal | None:
        return None if self.cost is None else self.cost * self.calls


@dataclass(slots=True)
class Estimate:
    """`exact` False: time ran out, so there are at least so many. `human`: scores by people that stay current."""

    records: int = 0
    exact: bool = True
    human: int = 0
    looked_at: int = 0
    lines: list[Line] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return sum(line.calls for line in self.lines)

    @property
    def already(self) -> int:
        return sum(line.already for line in self.lines)

    @property
    def cost(self) -> Decimal | None:
        """USD; None where one of the evaluators' costs is not known."""
        totals = [line.total for line in self.lines]
        return None if None in totals else sum(totals, Decimal(0))

    @property
    def rough(self) -> bool:
        return any(line.rough for line in self.lines)

    @property
    def seconds(self) -> float:
        return sum(line.calls * line.milliseconds for line in self.lines) / 1000

    def as_json(self) -> dict[str, Any]:
        return {
            "records": self.records, "exact": self.exact, "calls": self.calls,
            "cost": None if self.cost is None else float(round(self.cost, 6)), "seconds": round(self.seconds, 1),
            "already": self.already, "human": self.human, "rough": self.rough,
        }  # fmt: skip


def estimate(
    selection: Selection,
    evaluators: Sequence[Evaluator],
    mode: str = RunMode.ALL,
    limit: int | None = None,
    seconds: float = PAGE_SECONDS,
) -> Estimate:
    """Walks the selection for about so many seconds. Raises FilterError, SearchTimeout."""
    until = time.monotonic() + seconds
    found = Estimate(lines=[line_of(selection.project.id, evaluator) for evaluator in evaluators])
    for slice_ in selection.slices():
        records = [id for id, _ in slice_]
        if limit is not None and mode == RunMode.ALL:
            records = records[: limit - found.records]
        _add(found, selection.project.id, records, mode)
        if not found.looked_at:
            _guess(found, records)
        found.looked_at += len(records)
        if limit is not None and found.records >= limit:
            _cut(found, limit)
            return found
        if time.monotonic() > until:
            found.exact = False
            break
    if not found.exact and mode == RunMode.ALL:
        _count_the_rest(found, selection, limit, seconds / 4)
    return found


def expected_cost(project_id: int, evaluator: Evaluator, records: Sequence[UUID]) -> Decimal | None:
    """USD of one evaluation: the mean of its last scores, else roughly, from the prompts that some of these records
    would make. None where neither tells."""
    cost, _ = _means(project_id, evaluator)
    if cost is None and evaluator.type == EvaluatorType.LLM and records:
        return rough_cost(evaluator, records)
    return cost


def _means(project_id: int, evaluator: Evaluator) -> tuple[Decimal | None, Decimal | None]:
    """(USD, milliseconds) of its last scores."""
    params = {"metric": evaluator.metric_id, "slug": evaluator.slug, "newest": NEWEST, "last": LAST_SCORES}
    with connection.cursor() as cursor:
        cursor.execute(MEANS, {"p": project_id, **params})
        return cursor.fetchone()


def line_of(project_id: int, evaluator: Evaluator) -> Line:
    """What a call of the evaluator takes, by its last scores; no calls yet."""
    cost, duration = _means(project_id, evaluator)
    if evaluator.type != EvaluatorType.LLM:
        return Line(evaluator, Decimal(0) if cost is None else cost, float(duration or 0) + STORING_MS)
    call = float(duration or UNKNOWN_CALL_MS) * evaluator.current.definition.get("samples", 1)
    return Line(evaluator, cost, max(call / _at_once(evaluator), STORING_MS))


def _guess(found: Estimate, records: list[UUID]) -> None:
    """The costs of judges that were never asked."""
    for line in found.lines:
        if line.cost is None and records:
            line.cost = rough_cost(line.evaluator, records)
            line.rough = line.cost is not None


def _at_once(evaluator: Evaluator) -> float:
    provider = Provider.objects.filter(pk=evaluator.current.definition.get("provider_id")).first()
    return provider.concurrency if provider else 1


def _add(found: Estimate, project_id: int, records: list[UUID], mode: str) -> None:
    versions = [line.evaluator.current for line in found.lines]
    for line in found.lines:
        line.evaluator.current.evaluator = line.evaluator
    chosen = wanted(project_id, mode, versions, records)
    some = {id for _, ids in chosen for id in ids}
    calls = {version.pk: len(ids) for version, ids in chosen}
    metrics = [line.evaluator.metric_id for line in found.lines]
    params = {"p": project_id, "records": records, "versions": [v.pk for v in versions], "metrics": metrics}
    with connection.cursor() as cursor:
        cursor.execute(THERE, params)
        there = dict(cursor.fetchall())
        cursor.execute(BY_PEOPLE, params | {"records": list(some)})
        found.human += cursor.fetchone()[0]
    found.records += len(some)
    for line in found.lines:
        line.calls += calls[line.evaluator.current_id]
        line.already += there.get(line.evaluator.current_id, 0)


def _cut(found: Estimate, limit: int) -> None:
    """The last slice may hold more than the limit leaves room for: each evaluator has its share of them at the most."""
    found.records = limit
    for line in found.lines:
        line.calls = min(line.calls, limit)


def _count_the_rest(found: Estimate, selection: Selection, limit: int | None, seconds: float) -> None:
    """How many there are can often be told when what is there already cannot."""
    try:
        counted = selection.count(seconds)
    except (FilterError, SearchTimeout):
        return
    records = counted.n if limit is None else min(counted.n, limit)
    if records > found.records:
        found.records = records
        for line in found.lines:
            line.calls = records
        found.exact = counted.kind == "exact"

"""How far an evaluator and people agree on the records that both have scored, and what that says of its pass rate."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from records.models import Metric, Outcome, ValueType
from scoring.measured.sample import Sample
from scoring.measured.summary import mean_of, passes_of
from scoring.models import Evaluator
from scoring.stats.agreement import Confusion, confusion, kappa
from scoring.stats.corrected import corrected_mean
from scoring.stats.estimates import FEW, Estimate
from scoring.stats.means import mean_error
from scoring.stats.rates import rate

MOST = 10_000  # scores by people, the newest

# A record's value by people is the adjudicated one, else the newest; an evaluator's is the newest of each version.
PAIRS = """
SELECT h.record_id, coalesce(e.version_no, 0), h.outcome, e.outcome, h.value, e.value, h.choices, e.choices FROM (
  SELECT DISTINCT ON (record_id) record_id, outcome, value, categorical_value AS choices FROM (
    SELECT * FROM score WHERE project_id = %(project)s AND metric_id = %(metric)s AND rank < 2
    ORDER BY id DESC LIMIT %(most)s) newest
  WHERE status = 1 ORDER BY record_id, rank, completed_at DESC, id DESC) h
JOIN LATERAL (
  SELECT DISTINCT ON (version_no) version_no, outcome, value, categorical_value AS choices FROM score
  WHERE project_id = %(project)s AND record_id = h.record_id AND metric_id = %(metric)s
    AND evaluator = %(evaluator)s AND status = 1 AND rank >= 2
  ORDER BY version_no, id DESC) e ON true
"""
VERDICTS = {Outcome.PASS: "passes", Outcome.FAIL: "fails"}


class Pair(NamedTuple):
    """One record; outcomes, values and choices first of people, then of the evaluator."""

    record_id: UUID
    version: int
    person: int
    machine: int
    person_value: float | None
    machine_value: float | None
    person_choices: list[str] | None
    machine_choices: list[str] | None

    @property
    def judged(self) -> bool:
        return self.person in VERDICTS and self.machine in VERDICTS


@dataclass(frozen=True, slots=True)
class WithPeople:
    """Of one version. `table` is None where values have no labels to count by; `error` where they are no numbers.

    Of the `failing` records, which people fail, the evaluator passes `lenient`; it fails `strict` that people pass.
    """

    version: int
    n: int
    table: Confusion | None
    kappa: Estimate | None
    error: Estimate | None
    catches: Estimate
    lenient: int
    strict: int
    failing: int
    raw: Estimate
    corrected: Estimate
    of_passes: bool

    @property
    def rows(self) -> list[tuple[str, list[tuple[int, bool]], int]]:
        """(label by people, (records, whether both say the same) by label of the evaluator, sum)."""
        counts = self.table.counts if self.table else []
        return [
            (self.table.labels[i], [(n, i == j) for j, n in enumerate(row)], sum(row)) for i, row in enumerate(counts)
        ]


def pairs_with_people(evaluator: Evaluator) -> list[Pair]:
    """Of every version, on the records of people's newest scores."""
    params = {
        "project": evaluator.project_id, "metric": evaluator.metric_id, "evaluator": evaluator.slug, "most": MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, params)
        return [Pair(*row) for row in cursor.fetchall()]


def counts_by_version(pairs: Iterable[Pair]) -> dict[int, int]:
    """Newest version first."""
    counts: dict[int, int] = {}
    for pair in pairs:
        counts[pair.version] = counts.get(pair.version, 0) + 1
    return dict(sorted(counts.items(), reverse=True))


def telling_version(counts: dict[int, int]) -> int | None:
    """The newest version with enough records for a rate, else the one with the most."""
    return next((version for version, n in counts.items() if n >= FEW), max(counts, key=counts.get, default=None))


def with_people(evaluator: Evaluator, pairs: list[Pair], version: int, sample: Sample) -> WithPeople:
    found = [pair for pair in pairs if pair.version == version]
    judged = [pair for pair in found if pair.judged]
    table = table_of(evaluator.metric, found)
    numbers = [pair for pair in found if None not in (pair.person_value, pair.machine_value)]
    failing = [pair for pair in judged if pair.person == Outcome.FAIL]
    caught = sum(pair.machine == Outcome.FAIL for pair in failing)
    alone = list(sample.completed(version))
    of_passes = bool(judged) or not numbers
    return WithPeople(
        version, len(found), table, kappa(table, weighting_of(evaluator.metric)) if table else None,
        error_of(evaluator.metric, numbers), rate(caught, len(failing)), len(failing) - caught,
        sum(pair.person == Outcome.PASS and pair.machine == Outcome.FAIL for pair in judged), len(failing),
        passes_of(alone) if of_passes else mean_of(alone), _corrected(alone, found, of_passes), of_passes,
    )  # fmt: skip


def table_of(metric: Metric, pairs: list[Pair]) -> Confusion | None:
    """People's labels in rows, the evaluator's in columns."""
    if _by_choice(metric):
        labels = [choice["value"] for choice in _in_order(metric)]
        both = [(p.person_choices[0], p.machine_choices[0]) for p in pairs if p.person_choices and p.machine_choices]
        used = {label for pair in both for label in pair}
        return confusion(both, [label for label in labels if label in used])
    judged = [(VERDICTS[pair.person], VERDICTS[pair.machine]) for pair in pairs if pair.judged]
    return confusion(judged, list(VERDICTS.values())) if judged else None


def _by_choice(metric: Metric) -> bool:
    return metric.value_type == ValueType.CATEGORICAL and not metric.several


def _in_order(metric: Metric) -> list[dict]:
    choices = metric.categorical_choices
    if weighting_of(metric) == "linear":
        return sorted(choices, key=lambda choice: choice["number"])
    return choices


def weighting_of(metric: Metric) -> str:
    """Near misses count in part where every choice has a number, so that they have an order."""
    ordered = all(isinstance(choice.get("number"), (int, float)) for choice in metric.categorical_choices)
    return "linear" if _by_choice(metric) and metric.categorical_choices and ordered else "none"


def error_of(metric: Metric, numbers: list[Pair]) -> Estimate | None:
    if metric.value_type != ValueType.NUMERICAL or not numbers:
        return None
    return mean_error([pair.machine_value for pair in numbers], [pair.person_value for pair in numbers])


def _corrected(alone: list, found: list[Pair], of_passes: bool) -> Estimate:
    scored_by_people = {pair.record_id for pair in found}
    rest = [attempt for attempt in alone if attempt.record_id not in scored_by_people]
    if of_passes:
        judged = [float(attempt.passed) for attempt in rest if attempt.passed is not None]
        both = [
            (float(pair.machine == Outcome.PASS), float(pair.person == Outcome.PASS)) for pair in found if pair.judged
        ]
        return corrected_mean(judged, both)
    judged = [attempt.value for attempt in rest if attempt.value is not None]
    both = [(p.machine_value, p.person_value) for p in found if None not in (p.machine_value, p.person_value)]
    return corrected_mean(judged, both)

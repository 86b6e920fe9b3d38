"""Two versions of an evaluator on the same records: what the one says against what the other does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from records.models import Metric, Outcome, ValueType
from scoring.measured.people import VERDICTS, Pair
from scoring.measured.sample import Sample, Scored
from scoring.models import Evaluator
from scoring.stats.agreement import Confusion, confusion
from scoring.stats.estimates import Estimate, unknown
from scoring.stats.means import mean
from scoring.stats.rates import rate

MOST = 5_000  # records, those of the newer version's newest scores
SHOWN = 20

OLD = """
SELECT DISTINCT ON (record_id) record_id, outcome, value, categorical_value FROM score
WHERE project_id = %(project)s AND record_id = ANY(%(records)s) AND metric_id = %(metric)s
  AND evaluator = %(evaluator)s AND version_no = %(version)s AND status = 1
ORDER BY record_id, id DESC
"""


class Said(NamedTuple):
    """By one version of one record."""

    outcome: int
    value: float | None
    choices: list[str] | None


@dataclass(frozen=True, slots=True)
class Flip:
    record_id: UUID
    old: str
    new: str
    worse: bool


@dataclass(frozen=True, slots=True)
class Flips:
    """`table` has the old version in rows; None where the values have no labels. `people`: how often each agrees with
    people on the records that all three have scored. `cut`: the newer version has scored more records than were read.
    """

    old: int
    new: int
    n: int
    table: Confusion | None
    worse: int
    better: int
    passes: tuple[Estimate, Estimate]
    means: tuple[Estimate, Estimate] | None
    change: Estimate | None
    people: tuple[Estimate, Estimate]
    shown: list[Flip]
    cut: bool

    @property
    def rows(self) -> list[tuple[str, list[tuple[int, str]], int]]:
        """(old label, (records, agree where a failing one passes now, off the other way) by new label, sum)."""
        labels = self.table.labels if self.table else []
        return [
            (
                label,
                [(n, _kind(label, labels[j])) for j, n in enumerate(self.table.counts[i])],
                sum(self.table.counts[i]),
            )
            for i, label in enumerate(labels)
        ]

    @property
    def sums(self) -> list[int]:
        return [sum(column) for column in zip(*self.table.counts, strict=True)] if self.table else []


def flips(evaluator: Evaluator, old: int, new: int, sample: Sample, pairs: Sequence[Pair]) -> Flips:
    """`sample` is of the evaluator, `pairs` its values beside people's."""
    newer = {attempt.record_id: _said(attempt) for attempt in sample.completed(new)}
    cut = len(newer) > MOST
    newer = dict(list(newer.items())[:MOST])
    older = _older(evaluator, old, list(newer))
    both = [(record, older[record], said) for record, said in newer.items() if record in older]
    judged = [(a, b) for _, a, b in both if a.outcome in VERDICTS and b.outcome in VERDICTS]
    metric, numbers = evaluator.metric, [(a.value, b.value) for _, a, b in both if None not in (a.value, b.value)]
    is_number = metric.value_type == ValueType.NUMERICAL and bool(numbers)
    changed = [
        Flip(record, _label(metric, a), _label(metric, b), a.outcome == Outcome.PASS and b.outcome == Outcome.FAIL)
        for record, a, b in both
        if _label(metric, a) != _label(metric, b)
    ]
    labelled = [(_label(metric, a), _label(metric, b)) for _, a, b in both]
    return Flips(
        old, new, len(both), confusion(labelled, _labels(metric)) if any(map(any, labelled)) else None,
        sum((a.outcome, b.outcome) == (Outcome.PASS, Outcome.FAIL) for a, b in judged),
        sum((a.outcome, b.outcome) == (Outcome.FAIL, Outcome.PASS) for a, b in judged),
        (_rate([a for a, _ in judged]), _rate([b for _, b in judged])),
        (mean([a for a, _ in numbers]), mean([b for _, b in numbers])) if is_number else None,
        mean([b - a for a, b in numbers]) if is_number else None,
        _with_people(old, new, pairs, {record for record, _, _ in both}),
        sorted(changed, key=lambda flip: not flip.worse)[:SHOWN], cut,
    )  # fmt: skip


def _older(evaluator: Evaluator, version: int, records: list[UUID]) -> dict[UUID, Said]:
    if not records:
        return {}
    params = {
        "project": evaluator.project_id, "metric": evaluator.metric_id, "evaluator": evaluator.slug,
        "version": version, "records": records,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(OLD, params)
        return {record: Said(*said) for record, *said in cursor.fetchall()}


def _said(attempt: Scored) -> Said:
    return Said(attempt.outcome, attempt.value, attempt.choices)


def _label(metric: Metric, said: Said) -> str:
    """Empty for a number or a comment without a verdict: it has no label to count by."""
    if metric.value_type == ValueType.CATEGORICAL:
        return ", ".join(said.choices or ())
    return VERDICTS.get(said.outcome, "")


def _labels(metric: Metric) -> list[str]:
    if metric.value_type != ValueType.CATEGORICAL:
        return list(VERDICTS.values())
    return [] if metric.several else [choice["value"] for choice in metric.categorical_choices]


def _kind(old: str, new: str) -> str:
    return {("passes", "fails"): "off", ("fails", "passes"): "agree"}.get((old, new), "")


def _rate(said: list[Said]) -> Estimate:
    if not said:
        return unknown(0, "no verdicts")
    return rate(sum(one.outcome == Outcome.PASS for one in said), len(said))


def _with_people(old: int, new: int, pairs: Sequence[Pair], records: set[UUID]) -> tuple[Estimate, Estimate]:
    by_version = {
        version: {
            pair.record_id: pair.person == pair.machine for pair in pairs if pair.version == version and pair.judged
        }
        for version in (old, new)
    }
    shared = by_version[old].keys() & by_version[new].keys() & records
    return tuple(rate(sum(by_version[version][one] for one in shared), len(shared)) for version in (old, new))

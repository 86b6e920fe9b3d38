"""What one experiment came to: each metric with its interval and distribution, what it took, and slices. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from experiments.comparison.sides import Kind, Measure, Side, kind_of
from experiments.comparison.verdicts import is_share, side_estimate
from records.models import ScoreStatus, ValueType
from scoring.measured.summary import Bin, distribution
from scoring.stats.estimates import Estimate

MOST_SLICES = 30


@dataclass(frozen=True, slots=True)
class MetricResult:
    """`n` rows have a value; of the others the attempt `errored`, `skipped` or is `pending`, or there is none
    (`missing`; rows without an output too). `estimate` is the pass rate, or the mean where nothing passes or fails;
    `mean` beside a pass rate, of a number."""

    measure: Measure
    kind: Kind
    n: int
    errored: int
    skipped: int
    pending: int
    missing: int
    estimate: Estimate
    mean: Estimate | None
    bins: list[Bin]
    cost: Decimal

    @property
    def is_share(self) -> bool:
        return is_share(self.measure, self.kind)


@dataclass(frozen=True, slots=True)
class Spent:
    """Of the rows that know it. Latency in milliseconds, cost in USD: of making the outputs, and of judging them."""

    rows: int
    p50: int | None
    p95: int | None
    tokens: int
    cost: Decimal
    priced: int
    judging: Decimal

    @property
    def each(self) -> Decimal | None:
        return self.cost / self.priced if self.priced else None


@dataclass(frozen=True, slots=True)
class Slice:
    label: str
    cases: int
    measured: list[tuple[Measure, Estimate]]


def metric_results(side: Side) -> list[MetricResult]:
    return [_result(side, measure) for measure in side.measures]


def spent(side: Side) -> Spent:
    latencies = [run.latency_ms for run in side.runs if run.latency_ms is not None]
    p50, p95 = (round(value) for value in np.percentile(latencies, (50, 95))) if latencies else (None, None)
    costs = [run.cost for run in side.runs if run.cost is not None]
    judging = sum((one.cost for said in side.said.values() for one in said.values() if one.cost), Decimal(0))
    tokens = sum(run.tokens for run in side.runs if run.tokens is not None)
    return Spent(len(side.runs), p50, p95, tokens, sum(costs, Decimal(0)), len(costs), judging)


def slices(side: Side, measures: Sequence[Measure]) -> tuple[list[Slice], int]:
    """The largest groups of the runs' `groups`, and how many are left out."""
    cases: dict[str, dict[str, None]] = {}
    for run in side.runs:
        for label in run.groups:
            cases.setdefault(label, {})[run.case] = None
    chosen = sorted(cases, key=lambda label: (-len(cases[label]), label))
    kinds = {measure.key: kind_of(measure.key, [side]) for measure in measures}
    found = [
        Slice(
            label,
            len(cases[label]),
            [(one, side_estimate(side, one, kinds[one.key], list(cases[label]))) for one in measures],
        )
        for label in chosen[:MOST_SLICES]
    ]
    return found, len(chosen) - len(found)


def _result(side: Side, measure: Measure) -> MetricResult:
    said = side.said.get(measure.key, {})
    here = [said[run.record_id] for run in side.runs if run.record_id in said]
    states = Counter(one.status for one in here)
    kind = kind_of(measure.key, [side])
    number = kind == "passes" and measure.metric.value_type == ValueType.NUMERICAL
    return MetricResult(
        measure, kind, states[ScoreStatus.COMPLETED], states[ScoreStatus.ERRORED], states[ScoreStatus.SKIPPED],
        states[ScoreStatus.PENDING], len(side.runs) - len(here), side_estimate(side, measure, kind),
        side_estimate(side, measure, "mean") if number else None,
        distribution(measure.metric, [one for one in here if one.status == ScoreStatus.COMPLETED]),
        sum((one.cost for one in here if one.cost), Decimal(0)),
    )  # fmt: skip

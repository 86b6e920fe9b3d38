"""Experiments against a first one, the baseline: a verdict for each metric, the cases that changed, what to beware of.

Pure. Epochs are averaged first, cases are the units; cases that belong together count as one cluster.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from experiments.comparison.matching import Match, match
from experiments.comparison.sides import TOOK, Kind, Measure, Side, kind_of, shared_measures
from records.models import ValueType
from scoring.stats.decisions import Decision, Verdict, decide
from scoring.stats.estimates import Estimate
from scoring.stats.many import holm
from scoring.stats.means import mean, rate_of
from scoring.stats.paired import Paired, paired

NO_CLUSTERS = "No case has what they belong together by: each counts for itself."


@dataclass(frozen=True, slots=True)
class Line:
    """One metric, the second experiment against the first. `adjusted` is p for the number of metrics. Of `regressions`
    the share of passes fell. Without a pass condition or a direction there is no better: `neutral`."""

    measure: Measure
    kind: Kind
    found: Paired
    decision: Decision
    adjusted: float | None
    missing: int
    margin: float | None
    regressions: int
    improvements: int
    neutral: bool = False

    @property
    def shares(self) -> bool:
        return self.found.shares


@dataclass(frozen=True, slots=True)
class Took:
    """Latency in seconds, cost in USD or tokens a case: less is better."""

    what: str
    found: Paired
    decision: Decision


@dataclass(frozen=True, slots=True)
class Pairs:
    """The values of the matched cases that have one on both sides; `missing` have not; `fell` and `rose` of them."""

    cases: list[tuple[str, str]]
    before: list[float]
    after: list[float]
    missing: int

    @property
    def fell(self) -> int:
        return sum(b < a for a, b in zip(self.before, self.after, strict=True))

    @property
    def rose(self) -> int:
        return sum(b > a for a, b in zip(self.before, self.after, strict=True))

    def groups(self, clusters: Mapping[str, str] | None) -> list[Hashable] | None:
        """For `stats.paired`, which cases are one cluster."""
        return groups_of([case for case, _ in self.cases], clusters)


@dataclass(frozen=True, slots=True)
class Change:
    """What a metric says of a case on both sides; `by` is how much better it got (worse: negative), in the metric's
    widths where it has bounds."""

    measure: Measure
    before: float
    after: float
    by: float


@dataclass(frozen=True, slots=True)
class CaseChange:
    first: str
    second: str
    changes: list[Change]

    @property
    def worst(self) -> float:
        return min((change.by for change in self.changes), default=0.0)

    @property
    def best(self) -> float:
        return max((change.by for change in self.changes), default=0.0)


@dataclass(frozen=True, slots=True)
class Versus:
    """The second experiment against the first. Cases: the heaviest regressions first, then by id."""

    first: Side
    second: Side
    match: Match
    lines: list[Line]
    took: list[Took]
    regressions: list[CaseChange]
    improvements: list[CaseChange]
    unchanged: list[CaseChange]
    warnings: list[str]
    clustered: int | None

    def line(self, key: str) -> Line | None:
        return next((line for line in self.lines if line.measure.key == key), None)


def compare(
    first: Side, second: Side, *, margin: float | None = None, clusters: Mapping[str, str] | None = None
) -> Versus:
    """`margin` is a share (0.02: two points), of bounded numbers a share of their range; `clusters` name the group
    of each of the first's cases, cases without one stand by themselves. Then every interval is cluster-robust."""
    matched = match(first, second)
    measures = shared_measures([first, second])
    kinds = {measure.key: kind_of(measure.key, (first, second)) for measure in measures}
    pairs = [pairs_of(first, second, matched, measure.key, kinds[measure.key]) for measure in measures]
    found = [
        difference(both, measure, kinds[measure.key], clusters) for both, measure in zip(pairs, measures, strict=True)
    ]
    lines = [
        _line(measure, kinds[measure.key], both, one, p, margin)
        for measure, both, one, p in zip(measures, pairs, found, holm([one.p for one in found]), strict=True)
    ]
    changed = cases_of(first, second, matched, [line for line in lines if not line.neutral])
    return Versus(
        first, second, matched, lines, [_took(first, second, matched, what, clusters) for what in TOOK],
        sorted((case for case in changed if case.worst < 0), key=lambda case: (case.worst, case.first)),
        sorted((case for case in changed if case.worst >= 0 < case.best), key=lambda case: (-case.best, case.first)),
        [case for case in changed if case.worst == 0 == case.best],
        [*warnings_of(first, second, matched, measures), *([NO_CLUSTERS] if clusters == {} else [])],
        len(set(groups_of([case for case, _ in matched.pairs], clusters))) if clusters else None,
    )  # fmt: skip


def groups_of(cases: Sequence[str], clusters: Mapping[str, str] | None) -> list[Hashable] | None:
    """The cluster of each case: one without stands by itself, whatever it is called."""
    return [clusters.get(case, (case,)) for case in cases] if clusters else None


def pairs_of(first: Side, second: Side, matched: Match, key: str, kind: Kind) -> Pairs:
    return _pairs(matched, first.values_of(key, kind), second.values_of(key, kind))


def difference(both: Pairs, measure: Measure, kind: Kind, clusters: Mapping[str, str] | None = None) -> Paired:
    return paired(
        both.before, both.after, clusters=both.groups(clusters), shares=is_share(measure, kind),
        width=None if kind == "passes" else measure.width,
    )  # fmt: skip


def took_pairs(first: Side, second: Side, matched: Match, what: str) -> Pairs:
    """What each matched case took on both sides: seconds, USD or tokens."""
    return _pairs(matched, first.took(what), second.took(what))


def _pairs(matched: Match, before: dict[str, float], after: dict[str, float]) -> Pairs:
    both = [(a, b) for a, b in matched.pairs if a in before and b in after]
    return Pairs(both, [before[a] for a, _ in both], [after[b] for _, b in both], len(matched.pairs) - len(both))


def side_estimate(side: Side, measure: Measure, kind: Kind, cases: Sequence[str] | None = None) -> Estimate:
    """A side's own rate or mean over all its runs (or those of `cases`), clustered by case where there are epochs."""
    epochs = side.epochs_of(measure.key, kind)
    chosen = epochs if cases is None else {case: epochs[case] for case in cases if case in epochs}
    values = [value for repeats in chosen.values() for value in repeats]
    groups = [case for case, repeats in chosen.items() for _ in repeats] if len(values) > len(chosen) else None
    if is_share(measure, kind):
        return rate_of([value == 1.0 for value in values], clusters=groups)
    return mean(values, clusters=groups)


def cases_of(first: Side, second: Side, matched: Match, lines: Sequence[Line]) -> list[CaseChange]:
    """What changed in each matched case. Numbers count only where no metric has a verdict: they nearly always move."""
    judging = [line for line in lines if line.kind == "passes"] or list(lines)
    sides = [
        (line, first.values_of(line.measure.key, line.kind), second.values_of(line.measure.key, line.kind))
        for line in judging
    ]
    found = []
    for a, b in matched.pairs:
        changes = [
            Change(line.measure, before[a], after[b], _gain(line, after[b] - before[a]))
            for line, before, after in sides
            if a in before and b in after
        ]
        found.append(CaseChange(a, b, changes))
    return found


def warnings_of(first: Side, second: Side, matched: Match, measures: Sequence[Measure]) -> list[str]:
    """What makes the two less comparable than they look."""
    found = []
    if first.dataset != second.dataset:
        found.append(f"Datasets differ: {first.dataset or 'none'} and {second.dataset or 'none'}.")
    elif first.revision != second.revision:
        found.append(f"Dataset revisions differ: r{first.revision} and r{second.revision} of {first.dataset}.")
    for measure in measures:
        other = second.measure(measure.key)
        if (measure.evaluator, measure.version) != (other.evaluator, other.version):
            found.append(f"{measure.metric.name} was measured by {measure.by} and by {other.by}.")
    left_out = sorted({one.name for one in first.measures} ^ {one.name for one in second.measures})
    if left_out:
        found.append(f"Measured in one of the two only: {', '.join(left_out)}.")
    if first.epochs != second.epochs:
        found.append(f"Epochs differ: {first.epochs} and {second.epochs}. Each case's are averaged first.")
    if matched.other_inputs:
        n = matched.other_inputs
        found.append(f"{n:,} case{'s have' if n > 1 else ' has'} the same id, but other inputs.")
    if matched.by_inputs:
        n = matched.by_inputs
        found.append(f"{n:,} case{'s were' if n > 1 else ' was'} matched by equal inputs; the ids differ.")
    for side in (first, second):
        if side.cut:
            found.append(f"Of {side.name} only the first {len(side.runs):,} rows are looked at.")
    return found


def _line(
    measure: Measure, kind: Kind, both: Pairs, found: Paired, adjusted: float | None, margin: float | None
) -> Line:
    neutral = kind == "mean" and measure.metric.value_type != ValueType.NUMERICAL
    margin = _margin_of(measure, kind, margin)
    decision = decide(found, margin=margin, adjusted=adjusted, lower=kind == "mean" and measure.lower)
    if neutral and decision.verdict in (Verdict.BETTER, Verdict.WORSE):
        decision = Decision(decision.verdict, "differs; without a pass condition neither is better")
    flips = (both.fell, both.rose) if kind == "passes" else (0, 0)
    return Line(measure, kind, found, decision, adjusted, both.missing, margin, *flips, neutral)


def _took(first: Side, second: Side, matched: Match, what: str, clusters: Mapping[str, str] | None) -> Took:
    both = took_pairs(first, second, matched, what)
    found = paired(both.before, both.after, clusters=both.groups(clusters))
    return Took(what, found, decide(found, lower=True))


def is_share(measure: Measure, kind: Kind) -> bool:
    """A boolean without a passing value is a share too: of those that are true."""
    return kind == "passes" or measure.metric.value_type == ValueType.BOOLEAN


def _margin_of(measure: Measure, kind: Kind, margin: float | None) -> float | None:
    if margin is None or is_share(measure, kind):
        return margin
    return margin * measure.width if measure.width else None


def _gain(line: Line, change: float) -> float:
    change = -change if line.kind == "mean" and line.measure.lower else change
    return change / line.measure.width if line.kind == "mean" and line.measure.width else change

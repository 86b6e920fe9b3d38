"""Each condition of a gate against the values of the cases. Pure: the same evidence gives the same answer for ever."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from experiments.comparison.matching import Match
from experiments.comparison.sides import Side, kind_of
from experiments.comparison.verdicts import groups_of, is_share, pairs_of, took_pairs
from experiments.gate.conditions import Bound, Condition
from scoring.stats.decisions import Kept, decide, kept, not_worse, within
from scoring.stats.estimates import FEW, Estimate, number, percent
from scoring.stats.means import mean, rate_of
from scoring.stats.paired import Paired, paired
from scoring.stats.resampled import ratio


@dataclass(frozen=True, slots=True)
class Evidence:
    """One metric's values of the cases: `before` and `after` of those matched, in one order; `own` of all the
    experiment's. Epochs are averaged. `missing` matched cases have no value on a side; `by` measured them. `groups` of
    those matched and `own_groups` of all number the clusters, where cases belong together."""

    name: str
    title: str
    shares: bool
    lower: bool
    width: float | None
    before: list[float]
    after: list[float]
    own: list[float]
    missing: int
    by: list[str]
    groups: list[int] | None = None
    own_groups: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`asked` as it was written; numbers of the difference where one was looked at."""

    asked: str
    title: str
    outcome: str
    words: str
    n: int = 0
    missing: int = 0
    before: float | None = None
    after: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str = ""
    shares: bool = False


@dataclass(frozen=True, slots=True)
class Cases:
    """How many cases both have, and how many are in one only."""

    both: int
    only_baseline: int
    only_experiment: int


def gather(
    baseline: Side, experiment: Side, matched: Match, asked: Sequence[Condition],
    clusters: tuple[Mapping[str, str], Mapping[str, str]] | tuple[None, None] = (None, None),
) -> tuple[Cases, list[Evidence]]:  # fmt: skip
    """`clusters` of the baseline's cases and of the experiment's own."""
    found = []
    for one in asked:
        if one.took:
            pairs = took_pairs(baseline, experiment, matched, one.name)
            own = experiment.took(one.name)
            facts = (one.name, one.name.capitalize(), False, True, None)
            by: list[str] = []
        else:
            kind = kind_of(one.name, (baseline, experiment))
            measures = [side.measure(one.name) for side in (baseline, experiment)]
            pairs = pairs_of(baseline, experiment, matched, one.name, kind)
            own = experiment.values_of(one.name, kind)
            lower = kind == "mean" and measures[0].lower
            width = None if kind == "passes" else measures[0].width
            facts = (one.name, measures[0].name, is_share(measures[0], kind), lower, width)
            by = [measure.by for measure in measures]
        groups = _numbered(pairs.groups(clusters[0])), _numbered(groups_of(list(own), clusters[1]))
        found.append(Evidence(*facts, pairs.before, pairs.after, list(own.values()), pairs.missing, by, *groups))
    return Cases(len(matched.pairs), len(matched.only_first), len(matched.only_second)), found


def _numbered(groups: list[Hashable] | None) -> list[int] | None:
    """In the order in which they come: what a cluster is called is nobody's evidence."""
    numbers: dict[Hashable, int] = {}
    return None if groups is None else [numbers.setdefault(one, len(numbers)) for one in groups]


def check(asked: Condition, evidence: Evidence) -> Check:
    """The worst of its parts: fail before inconclusive before pass."""
    found = paired(
        evidence.before, evidence.after, clusters=evidence.groups, shares=evidence.shares, width=evidence.width
    )
    parts = []
    if asked.margin is not None or not (asked.highest or asked.lowest):
        parts.append(_against(found, asked.margin, evidence.lower))
    for bound, is_max in ((asked.highest, True), (asked.lowest, False)):
        if bound:
            parts.append(_bounded(bound, is_max, evidence))
    outcome = worst([kept for kept, _ in parts])
    change = found.change
    return Check(
        asked.words, evidence.title, outcome, "; ".join(words for _, words in parts), found.n, evidence.missing,
        found.first, found.second, change.value, change.low, change.high, found.p, found.method, evidence.shares,
    )  # fmt: skip


def check_cases(cases: Cases, evidence: Sequence[Evidence], missing: str) -> Check:
    """What `--missing` says of cases in one of the two only, and of cases without a value on a side."""
    parts = [
        f"{n:,} only in the {whose}"
        for n, whose in ((cases.only_baseline, "baseline"), (cases.only_experiment, "experiment"))
        if n
    ]
    parts += [f"{one.missing:,} without {one.title.lower()} on a side" for one in evidence if one.missing]
    title, asked = "Missing cases", f"missing={missing}"
    if not cases.both:
        return Check(asked, title, Kept.UNSURE, "no case is in both")
    if not parts:
        return Check(asked, title, Kept.YES, f"none: all {cases.both:,} cases are in both", cases.both)
    words = ", ".join(parts)
    if missing == "ignore":
        return Check(asked, title, Kept.YES, f"ignored: {words}", cases.both)
    return Check(asked, title, Kept.NO, words, cases.both)


def worst(found: Sequence[str]) -> str:
    return next((outcome for outcome in (Kept.NO, Kept.UNSURE) if outcome in found), Kept.YES)


def _against(found: Paired, margin: float | None, lower: bool) -> tuple[Kept, str]:
    outcome = not_worse(found, margin, lower=lower)
    text = found.change.text
    if margin is None:
        return outcome, f"{text}: {'worse than the baseline' if outcome == Kept.NO else 'not seen to be worse'}"
    at_most = f"worse by {within(margin, found.shares)}"
    if outcome == Kept.UNSURE:
        more = decide(found, margin=margin, lower=lower).more if found.change.value is not None else None
        hint = f", about {more:,} more cases would" if more else ""
        return outcome, f"{text}: cannot tell whether it is {at_most} or more{hint}"
    return outcome, f"{text}: {'not ' if outcome == Kept.YES else ''}{at_most} or more"


def _bounded(bound: Bound, is_max: bool, evidence: Evidence) -> tuple[Kept, str]:
    if bound.relative:
        estimate = ratio(evidence.after, evidence.before, clusters=evidence.groups)
        limit, say = 1 + bound.value, _said_ratio
    else:
        shares = evidence.shares
        simple = shares and all(value in (0.0, 1.0) for value in evidence.own)
        clusters = evidence.own_groups
        passed = [value == 1.0 for value in evidence.own]
        estimate = rate_of(passed, clusters=clusters) if simple else mean(evidence.own, clusters=clusters)
        limit, say = bound.value, percent if shares else number
    outcome = _kept(estimate, limit, is_max)
    words = {Kept.YES: "keeps", Kept.NO: "breaks", Kept.UNSURE: "cannot be told from"}[outcome]
    if estimate.value is None or estimate.n < FEW:
        return outcome, f"{estimate.text}: too few cases for {'max' if is_max else 'min'} {bound.words}"
    ends = f" ({say(estimate.low)} to {say(estimate.high)})" if estimate.has_interval else ""
    return outcome, f"{say(estimate.value)}{ends}: {words} {'max' if is_max else 'min'} {bound.words}"


def _kept(estimate: Estimate, limit: float, is_max: bool) -> Kept:
    """A value without an interval, since (nearly) all cases share it, is taken as it is."""
    if estimate.value is None or estimate.n < FEW:
        return Kept.UNSURE
    if not estimate.has_interval:
        holds = estimate.value <= limit if is_max else estimate.value >= limit
        return Kept.YES if holds else Kept.NO
    if is_max:
        return kept(-estimate.high, -estimate.low, -limit)
    return kept(estimate.low, estimate.high, limit)


def _said_ratio(value: float) -> str:
    return f"{100 * (value - 1):+.1f}%"

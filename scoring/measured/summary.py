"""What an evaluator's newest scores add up to: rates, means, counts by value, the course of time, its versions. Pure.

Each record counts once, with the newest completed attempt on it. Scores that online scoring drew with a probability
count by its inverse.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from records.models import Metric, ScoreStatus, ValueType
from scoring.measured.sample import Sample, Scored
from scoring.models import EvaluatorVersion
from scoring.stats.estimates import FEW, Estimate, unknown
from scoring.stats.means import mean, rate_of

BINS = 20
WIDTHS = (1, 7, 28)  # days
MOST_POINTS = 60


class Valued(Protocol):
    """A completed score, as far as its value goes."""

    value: float | None
    choices: Sequence[str] | None
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Totals:
    """`records` have a completed score; the counts are of attempts. `rate` or `mean` is unknown where none applies."""

    attempts: int
    records: int
    errored: int
    skipped: int
    passes: Estimate
    mean: Estimate
    cost: Decimal
    unpriced: int
    weighted: bool

    @property
    def cost_each(self) -> Decimal | None:
        done = self.attempts - self.unpriced
        return self.cost / done if self.cost and done else None


@dataclass(frozen=True, slots=True)
class Bin:
    """How many records have a value of this one or range, by outcome."""

    label: str
    passed: int
    failed: int
    other: int

    @property
    def n(self) -> int:
        return self.passed + self.failed + self.other


@dataclass(frozen=True, slots=True)
class Point:
    """`days` from `start` on."""

    start: datetime
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Trend:
    days: int
    points: list[Point]
    of_passes: bool


@dataclass(frozen=True, slots=True)
class VersionTotals:
    """`version` is None for scores that name a number which the evaluator does not have; `before` is the next older."""

    number: int
    before: int | None
    version: EvaluatorVersion | None
    attempts: int
    passes: Estimate
    mean: Estimate


def totals(sample: Sample) -> Totals:
    found = list(sample.completed())
    states = Counter(attempt.status for attempt in sample.attempts)
    return Totals(
        len(sample.attempts), len(found), states[ScoreStatus.ERRORED], states[ScoreStatus.SKIPPED], passes_of(found),
        mean_of(found), sum((attempt.cost for attempt in sample.attempts if attempt.cost), Decimal(0)),
        sum(bool(attempt.tokens) and attempt.cost is None for attempt in sample.attempts),
        any(attempt.probability for attempt in found),
    )  # fmt: skip


def passes_of(found: Sequence[Scored]) -> Estimate:
    judged = [attempt for attempt in found if attempt.passed is not None]
    if not judged:
        return unknown(0, "no verdicts")
    return rate_of([bool(attempt.passed) for attempt in judged], weights=_weights(judged))


def mean_of(found: Sequence[Scored]) -> Estimate:
    valued = [attempt for attempt in found if attempt.value is not None]
    if not valued:
        return unknown(0, "no values")
    return mean([attempt.value for attempt in valued], weights=_weights(valued))


def _weights(found: Sequence[Scored]) -> list[float] | None:
    """None where all count the same."""
    if not any(attempt.probability for attempt in found):
        return None
    return [1 / (attempt.probability or 1.0) for attempt in found]


def distribution(metric: Metric, found: Sequence[Valued]) -> list[Bin]:
    """In the order of the values: twenty ranges of a number, or each of its values where there are fewer; choices."""
    if metric.value_type == ValueType.BOOLEAN:
        return [_bin(word, [a for a in found if a.value == number]) for word, number in (("no", 0.0), ("yes", 1.0))]
    if metric.value_type == ValueType.CATEGORICAL:
        order = [choice["value"] for choice in metric.categorical_choices]
        named = [(choice, attempt) for attempt in found for choice in attempt.choices or ()]
        order += sorted({choice for choice, _ in named} - set(order))
        return [_bin(choice, [attempt for named_, attempt in named if named_ == choice]) for choice in order]
    if metric.value_type == ValueType.NUMERICAL:
        return _ranges(metric, [attempt for attempt in found if attempt.value is not None])
    return []


def _ranges(metric: Metric, found: list[Valued]) -> list[Bin]:
    if not found:
        return []
    values = {attempt.value for attempt in found}
    if len(values) <= BINS:
        return [_bin(f"{value:g}", [a for a in found if a.value == value]) for value in sorted(values)]
    low = min(values) if metric.min_score is None or metric.max_score is None else metric.min_score
    high = max(values) if metric.min_score is None or metric.max_score is None else metric.max_score
    width = (high - low) / BINS
    groups: list[list[Valued]] = [[] for _ in range(BINS)]
    for attempt in found:
        groups[max(0, min(BINS - 1, int((attempt.value - low) / width)))].append(attempt)
    return [_bin(f"{low + n * width:.3g} to {low + (n + 1) * width:.3g}", group) for n, group in enumerate(groups)]


def _bin(label: str, group: list[Valued]) -> Bin:
    passed, failed = (sum(attempt.passed is verdict for attempt in group) for verdict in (True, False))
    return Bin(label, passed, failed, len(group) - passed - failed)


def trend(sample: Sample, zone: tzinfo) -> Trend:
    """By the time of the records, in the reader's days: as short ones as most carry a rate in."""
    found = sorted(sample.completed(), key=lambda attempt: attempt.record_created_at)
    of_passes = any(attempt.passed is not None for attempt in found)
    groups, days = {}, WIDTHS[0]
    for days in WIDTHS:
        groups = _by_days(found, days, zone)
        carrying = sum(len(group) >= FEW for group in groups.values())
        if len(groups) <= MOST_POINTS and carrying * 2 >= len(groups):
            break
    say = passes_of if of_passes else mean_of
    points = [Point(start, say(group)) for start, group in sorted(groups.items())][-MOST_POINTS:]
    return Trend(days, points, of_passes)


def _by_days(found: list[Scored], days: int, zone: tzinfo) -> dict[datetime, list[Scored]]:
    groups: dict[datetime, list[Scored]] = {}
    for attempt in found:
        day = attempt.record_created_at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        start = day - timedelta(days=day.toordinal() % days)
        groups.setdefault(start, []).append(attempt)
    return groups


def by_version(sample: Sample, versions: Sequence[EvaluatorVersion]) -> list[VersionTotals]:
    """Newest first; those that no score of the sample names too."""
    known = {version.number: version for version in versions}
    attempts = Counter(attempt.version for attempt in sample.attempts)
    numbers = sorted({*known, *attempts}, reverse=True)
    rows = []
    for number, before in zip(numbers, [*numbers[1:], None], strict=True):
        found = list(sample.completed(number))
        passes, middle = passes_of(found), mean_of(found)
        rows.append(VersionTotals(number, before, known.get(number), attempts[number], passes, middle))
    return rows

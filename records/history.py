"""Records over time, for the chart above the table: from the roll-ups where the filter allows it, else counted, else
estimated from the 1 % sample, and said so."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MAX_BARS = 84
MINUTE, HOUR, DAY = 60, 3600, 86400
WIDTHS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY)
ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday: weeks begin with it


@dataclass(slots=True)
class Bucket:
    start: datetime
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(slots=True)
class History:
    """Buckets of `seconds` from oldest to newest, gaps included; `about`: scaled up from the sample."""

    buckets: list[Bucket]
    seconds: int
    about: bool = False
    counted_from: datetime | None = None  # older than this was not counted in time

    @property
    def total(self) -> int:
        return sum(bucket.total for bucket in self.buckets)

    def totals(self) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for bucket in self.buckets:
            for key, count in bucket.counts.items():
                sums[key] += count
        return dict(sums)


def width_of(span: timedelta, least: int = MINUTE) -> int:
    """The narrowest bucket, in seconds, with which `span` fits into the chart."""
    seconds = max(span.total_seconds(), 1)
    return next((w for w in WIDTHS if w >= least and seconds / w <= MAX_BARS), WIDTHS[-1])


def floor(at: datetime, seconds: int) -> datetime:
    """The start of the bucket that `at` lies in, as PostgreSQL's date_bin() with the same origin."""
    return ORIGIN + (at - ORIGIN) // timedelta(seconds=seconds) * timedelta(seconds=seconds)


def filled(counts: dict[tuple[datetime, str], int], since: datetime, until: datetime, seconds: int) -> list[Bucket]:
    """Every bucket from `since` to `until`, empty ones too: a gap is to be seen as one."""
    step, at, buckets = timedelta(seconds=seconds), floor(since, seconds), []
    by_start: dict[datetime, dict[str, int]] = defaultdict(dict)
    for (start, key), count in counts.items():
        by_start[start][key] = count
    while at <= until and len(buckets) < 4 * MAX_BARS:
        buckets.append(Bucket(at, by_start.get(at, {})))
        at += step
    return buckets

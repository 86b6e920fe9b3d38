"""Which records are measured, over which time, in buckets of which width. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from records.charts import words_of
from records.filterlang import joined, parse, to_text
from records.history import DAY, HOUR, MINUTE, ORIGIN, floor
from records.search import Search

MOST_BUCKETS = 61
WIDTHS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY)
PRESETS = {
    "1h": timedelta(hours=1), "6h": timedelta(hours=6), "24h": timedelta(hours=24), "7d": timedelta(days=7),
    "30d": timedelta(days=30), "90d": timedelta(days=90),
}  # fmt: skip
DEFAULT = "7d"
LONGEST = timedelta(days=3660)


class BadRange(ValueError):
    """A range that is none, in words for the reader."""


@dataclass(frozen=True, slots=True)
class Scope:
    """[since, until) in buckets of `seconds`, or in one where that is None. `search` has filter and roots."""

    search: Search
    since: datetime
    until: datetime
    seconds: int | None = None

    @property
    def starts(self) -> list[datetime]:
        if self.seconds is None:
            return [self.since]
        step = timedelta(seconds=self.seconds)
        return [self.since + n * step for n in range(-(-(self.until - self.since) // step))]

    @property
    def width(self) -> str:
        """Of a bucket, in words."""
        return words_of(self.seconds) if self.seconds else ""

    def end_of(self, start: datetime) -> datetime:
        return self.until if self.seconds is None else start + timedelta(seconds=self.seconds)

    def bucket(self, time: str) -> tuple[str, list[Any]]:
        """The start of the bucket that a time lies in, as SQL."""
        if self.seconds is None:
            return "%s::timestamptz", [self.since]
        return f"date_bin(%s, {time}, %s)", [timedelta(seconds=self.seconds), ORIGIN]

    def window(self, *times: str) -> tuple[list[str], list[datetime]]:
        """The time as conditions on each of the columns: each index is told."""
        return [f"{time} {sign} %s" for time in times for sign in (">=", "<")], [self.since, self.until] * len(times)

    @property
    def is_hourly(self) -> bool:
        """Whether hourly counts add up to its buckets: nothing has happened yet in what is left of the last hour."""
        return floor(self.since, HOUR) == self.since and (
            self.until >= self.search.now or floor(self.until, HOUR) == self.until
        ) and (self.seconds is None or self.seconds % HOUR == 0)  # fmt: skip

    def narrowed(self, *clauses: str) -> str:
        """The filter with more conditions, as text."""
        more = [parse(clause, self.search.vocabulary) for clause in clauses if clause]
        return to_text(joined(self.search.node, *more))

    def within(self, start: datetime, *clauses: str) -> str:
        """The filter of the records of one bucket."""
        return self.narrowed(f'created >= "{_stamp(start)}"', f'created < "{_stamp(self.end_of(start))}"', *clauses)


def scope_of(search: Search, since: datetime, until: datetime) -> Scope:
    """Widened to whole buckets; what is to come is left out."""
    seconds = width_of(until - since)
    first = floor(since, seconds)
    last = floor(until - timedelta(microseconds=1), seconds) + timedelta(seconds=seconds)
    return Scope(search, first, last, seconds)


def window_of(search: Search, seconds: int) -> Scope:
    """The last `seconds` before the search's now, in one bucket."""
    return Scope(search, search.now - timedelta(seconds=seconds), search.now)


def width_of(span: timedelta) -> int:
    seconds = max(span.total_seconds(), 1)
    return next((width for width in WIDTHS if seconds / width <= MOST_BUCKETS - 1), WIDTHS[-1])


def range_of(preset: str, since: str, until: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """A preset, or a custom range as date-time fields write it ("2026-11-24T10:00", in the reader's zone).

    Raises BadRange.
    """
    if not (since or until):
        if preset not in PRESETS:
            raise BadRange(f"There is no range {preset[:20]}: it is {', '.join(PRESETS)}, or from and to.")
        return now - PRESETS[preset], now
    start = _moment(since, zone) if since else (_moment(until, zone) - PRESETS[DEFAULT])
    end = min(_moment(until, zone), now) if until else now
    if start >= end:
        raise BadRange("The range ends before it begins, or lies in the future.")
    if end - start > LONGEST:
        raise BadRange("The range is longer than ten years.")
    return start, end


def _moment(text: str, zone: tzinfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        if not 1990 <= at.year <= 2200:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRange(f"{text[:30]} is no time such as 2026-11-24T10:00.") from None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")

"""Records over time, for the chart above the table: from the roll-ups where the filter allows it, else counted, else
estimated from the 1 % sample, and said so."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from records.models import Outcome
from records.search import Search
from records.search.count import SAMPLE_FACTOR, Rollup, rollup_of
from records.search.plan import SAMPLE, Plan, SearchTimeout, edges, expected, plan_of, reading
from records.search.slices import Pace
from records.stacks import Stack

MAX_BARS = 84
MINUTE, HOUR, DAY = 60, 3600, 86400
WIDTHS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 28 * DAY)
EXACT_ROWS = 300_000  # so many records in the time shown are counted one by one
EXACT_TEXTS = 5_000  # the same where each row's payload has to be read
EXACT_SCORES = 20_000  # the same where each score's record has to be looked up
SAMPLED_A_BAR = 5  # matching rows of the sample, on average: of fewer, bars would mislead
BUDGET_SECONDS = 1.0
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

    def end_of(self, bucket: Bucket) -> datetime:
        return bucket.start + timedelta(seconds=self.seconds)

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
    """Every bucket from `since` to `until`, empty ones too: a gap is to be seen as one.

    What begins at `until` itself is beyond it, unless something happened right then.
    """
    step, at, buckets = timedelta(seconds=seconds), floor(since, seconds), []
    by_start: dict[datetime, dict[str, int]] = defaultdict(dict)
    for (start, key), count in counts.items():
        by_start[start][key] = count
    while (at < until or at in by_start or not buckets) and len(buckets) < 4 * MAX_BARS:
        buckets.append(Bucket(at, by_start.get(at, {})))
        at += step
    return buckets


def history(search: Search, by: Stack) -> History:
    """Counts over time, stacked: of records, or of one metric's scores that are no longer pending.

    Raises FilterError, SearchTimeout.
    """
    plan = plan_of(replace(search, sort="-created"))
    with reading() as cursor:
        found = edges(cursor, search)
        if found is None:
            return History([], HOUR)
        since, until = found[0], min(found[1], max(search.now, found[0]))
        rolled = rollup_for(search, by)
        if rolled is not None and until - since > timedelta(hours=6):
            return _from_rollup(cursor, search, plan, rolled, since, until, by)
        seconds = width_of(until - since)
        most = EXACT_TEXTS if plan.reads_payloads else EXACT_ROWS
        if _records_between(cursor, search, since, until) <= most:
            return _exact(cursor, plan, since, until, seconds, by)
        if plan.driver is not None and expected(search, plan.driver) <= EXACT_SCORES:
            return _exact(cursor, plan, since, until, seconds, by)
        sampled = _sampled(cursor, search, since, until, seconds, by)
        if sampled.total >= SAMPLED_A_BAR * len(sampled.buckets) * SAMPLE_FACTOR:
            return sampled
        return _newest_first(plan, since, until, seconds, by)


def stacked(plan: Plan, by: Stack, scores: str = "score") -> Plan:
    """The plan with the current scores of the stack's metric beside its records, where it has one."""
    if by.metric is None:
        return plan
    current = " AND h.is_current" if scores == "score" else ""  # the sample holds no others
    joined = (
        f"{plan.source} JOIN {scores} h ON h.project_id = r.project_id AND h.record_id = r.id"
        f" AND h.metric_id = {int(by.metric.id)}{current} AND h.outcome <> {int(Outcome.PENDING)}"
    )
    return replace(plan, source=joined)


def rollup_for(search: Search, by: Stack) -> Rollup | None:
    """The roll-up that knows the bars of this search; None where it has to be counted."""
    rolled = rollup_of(search)
    if rolled is None or rolled.table != "record_rollup":
        return None
    if by.metric is None:
        return rolled
    if len(rolled.params) > 1:  # a status or a source is asked for, which the roll-up of scores does not know
        return None
    where = f"{rolled.where} AND metric_id = %s AND outcome <> {int(Outcome.PENDING)}"
    return Rollup("score_rollup", where, (*rolled.params, by.metric.id))


def _from_rollup(
    cursor: Any, search: Search, plan: Plan, rolled: Rollup, since: datetime, until: datetime, by: Stack
) -> History:
    """Whole hours from the roll-up; the pieces of hours at the filter's own bounds from the rows."""
    seconds = width_of(until - since, least=HOUR)
    low, high = search.bounds()
    hour = timedelta(seconds=HOUR)
    first = floor(since, HOUR) + (hour if low else timedelta())
    last = floor(until, HOUR) + (timedelta() if high else hour)
    cursor.execute(
        f"SELECT date_bin(%s, bucket, %s), {by.column}, sum(n)::bigint FROM {rolled.table} "  # noqa: S608 - the names are ours
        f"WHERE {rolled.where} AND bucket >= %s AND bucket < %s GROUP BY 1, 2",
        [timedelta(seconds=seconds), ORIGIN, *rolled.params, first, last],
    )
    counts = Counter(_read(cursor, by))
    instant = timedelta(microseconds=1)
    pieces = [(since, first - instant)] * bool(low) + [(max(last, first), until)] * bool(high)
    for start, end in pieces:
        cursor.execute(*_binned(plan, start, end, seconds, by))
        counts.update(_read(cursor, by))
    return History(filled(counts, since, until, seconds), seconds)


def _records_between(cursor: Any, search: Search, since: datetime, until: datetime) -> int:
    roots = " AND is_root" if search.roots else ""
    cursor.execute(
        "SELECT coalesce(sum(n), 0) FROM record_rollup WHERE project_id = %s "  # noqa: S608
        f"AND bucket >= %s AND bucket <= %s{roots}",
        [search.project_id, floor(since, HOUR), until],
    )
    return int(cursor.fetchone()[0])


def _exact(cursor: Any, plan: Plan, since: datetime, until: datetime, seconds: int, by: Stack) -> History:
    cursor.execute(*_binned(plan, since, until, seconds, by))
    return History(filled(_read(cursor, by), since, until, seconds), seconds)


def _binned(
    plan: Plan, since: datetime, until: datetime, seconds: int, by: Stack, scores: str = "score"
) -> tuple[str, list[Any]]:
    piece = stacked(plan.between(since, until, through=True), by, scores)
    # Each index is told.
    window = ["h.record_created_at >= %s", "h.record_created_at <= %s"] if by.metric else []
    sql = piece.sql(f"date_bin(%s, {piece.time}, %s), {by.sql}, count(*)", window, "GROUP BY 1, 2")
    return sql, [timedelta(seconds=seconds), ORIGIN, *piece.params, *([since, until] if by.metric else [])]


def _sampled(cursor: Any, search: Search, since: datetime, until: datetime, seconds: int, by: Stack) -> History:
    """From the 1 % copy, times 100. Scores and payloads are looked up in their own tables, of the sampled rows only."""
    plan = plan_of(search, table=SAMPLE, drive=False)
    cursor.execute(*_binned(plan, since, until, seconds, by, "score_sample"))
    counts = {key: count * SAMPLE_FACTOR for key, count in _read(cursor, by).items()}
    return History(filled(counts, since, until, seconds), seconds, about=True)


def _newest_first(plan: Plan, since: datetime, until: datetime, seconds: int, by: Stack) -> History:
    """Too rare for the sample, too many rows to look at all: exact bars from the newest back until time runs out."""
    counts: dict[tuple[datetime, str], int] = {}
    end, pace = until, Pace(BUDGET_SECONDS)
    while end >= since:
        start = max(floor(end - pace.width, seconds), floor(since, seconds))  # a bucket is counted in one piece
        try:
            with reading(pace.statement_seconds()) as cursor:
                cursor.execute(*_binned(plan, start, end, seconds, by))
                counts |= _read(cursor, by)
        except SearchTimeout:
            return History(filled(counts, since, until, seconds), seconds, counted_from=end)
        end = start - timedelta(microseconds=1)
        if end >= since and not pace.next():
            return History(filled(counts, since, until, seconds), seconds, counted_from=start)
    return History(filled(counts, since, until, seconds), seconds)


def _read(cursor: Any, by: Stack) -> dict[tuple[datetime, str], int]:
    return {(start, by.names(code).label): count for start, code, count in cursor if count}

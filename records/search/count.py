"""How many records a search finds: exact from the roll-ups where they know, else counted up to a cap or a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from records.filterlang import Compare, clauses
from records.search.plan import SAMPLE, Plan, Search, SearchTimeout, edges, limit_statements, plan_of, reading
from records.search.slices import Pace

CAP = 10_000
BUDGET_SECONDS = 0.15
FIRST_SLICE = timedelta(days=1)
HOUR = timedelta(hours=1)
SAMPLE_FACTOR = 100
SAMPLE_SECONDS = 0.2
MANY_SAMPLED = 400  # counting so many is right to 10 % in 95 of 100 cases (two times the square root, of 400)
SURELY = 1.5  # times the cap in the sample: with a cap of 10,000, five standard deviations above it


@dataclass(frozen=True, slots=True)
class Count:
    """`kind`: exact; about (by the sample); capped (there are more than n); at_least (time ran out at n)."""

    n: int
    kind: str = "exact"

    def __str__(self) -> str:
        words = {"about": f"about {self.n:,}", "capped": f"{self.n:,}+", "at_least": f"at least {self.n:,}"}
        return words.get(self.kind, f"{self.n:,}")


def count(search: Search, cap: int | None = CAP, budget: float = BUDGET_SECONDS, sample: bool = False) -> Count:
    """Up to `cap` (None: all), within about `budget` seconds. Raises FilterError, SearchTimeout.

    A page asks with the defaults; a fragment that comes later, or an estimate before a re-score, with more of both.
    With `sample`, what is surely beyond the cap is not counted one by one: the 1 % sample says about how many.
    """
    plan = plan_of(search)
    rolled = rollup_of(search)
    with reading() as cursor:
        found = edges(cursor, search)
        if found is None:
            return Count(0)
        if rolled is not None:
            return Count(_by_rollup(cursor, search, plan, rolled, *found))
    told = _by_sample(search, *found, cap) if sample and cap is not None and not plan.reads_payloads else None
    return told or _by_slices(plan, *found, cap, budget)


@dataclass(frozen=True, slots=True)
class Rollup:
    """The roll-up that knows a search's hours: its table, the condition on it, and that condition's parameters."""

    table: str
    where: str
    params: tuple[Any, ...]


def rollup_of(search: Search) -> Rollup | None:
    """The roll-up for a filter of nothing but time bounds, status, source, or one metric's status; else None."""
    if search.ceiling:
        return None
    where, params, metric = ["project_id = %s"], [search.project_id], None
    if search.roots:
        where.append("is_root")
    for part in clauses(search.node):
        if not isinstance(part, Compare):
            return None
        field, simple = part.field, part.op in (":", "=", "in", ":in")
        if field.text == "created" and part.op in (":", ">=", "<", ">", "<=", "between"):
            continue
        if field.text in ("status", "source") and simple:
            where.append(f"{field.text} = ANY(%s)")
            params.append(_codes(part))
        elif field.metric and field.text.endswith(".status") and simple and metric is None and 0 not in _codes(part):
            metric = field.metric.id
            where.append("metric_id = %s AND outcome = ANY(%s)")
            params += [metric, _codes(part)]
        else:
            return None
    if metric is not None:
        if len(where) > 2 + search.roots:
            return None
        return Rollup("score_rollup", " AND ".join(where), tuple(params))
    return Rollup("record_rollup", " AND ".join(where), tuple(params))


def _codes(part: Compare) -> list[int]:
    choices = part.field.spec.choices
    return [choices[value.raw.lower()] for value in part.values if value.raw.lower() in choices]


def _by_rollup(cursor: Any, search: Search, plan: Plan, rolled: Rollup, low: datetime, high: datetime) -> int:
    """Whole hours from the roll-up; the pieces of hours at both ends from the rows."""
    since, until = search.bounds()
    first = (
        low if since is None else floor_hour(low) + HOUR
    )  # the hour of the bound itself is read, which knows > from >=
    last = high if until is None else floor_hour(high)
    if first >= last:
        return _exactly(cursor, plan, low - HOUR, high + HOUR)
    cursor.execute(
        f"SELECT coalesce(sum(n), 0) FROM {rolled.table} WHERE {rolled.where} AND bucket >= %s AND bucket < %s",  # noqa: S608
        [*rolled.params, first, last],
    )
    total = int(cursor.fetchone()[0])
    if since is not None:
        total += _exactly(cursor, plan, low, first)
    if until is not None:
        total += _exactly(cursor, plan, last, high + HOUR)
    return total


def _exactly(cursor: Any, plan: Plan, start: datetime, end: datetime) -> int:
    if start >= end:
        return 0
    piece = plan.between(start, end)
    cursor.execute(piece.sql("count(*)", [], ""), piece.params)
    return cursor.fetchone()[0]


def _by_slices(plan: Plan, low: datetime, high: datetime, cap: int | None, budget: float) -> Count:
    """Newest first, so that a count that ends early still speaks of what the page shows."""
    total, at, pace = 0, high + HOUR, Pace(budget, FIRST_SLICE)
    try:
        with reading(budget) as cursor:
            while at >= low:
                piece = plan.between(at - pace.width, at)
                # A limit that is NULL is none.
                sql = f"SELECT count(*) FROM ({piece.sql('1', [], 'LIMIT %s::bigint')}) x"  # noqa: S608
                room = None if cap is None else cap + 1 - total
                cursor.execute(sql, [*piece.params, room])
                total += cursor.fetchone()[0]
                if cap is not None and total > cap:
                    return Count(cap, "capped")
                at -= pace.width
                if at < low:
                    break
                if not pace.next():
                    return Count(total, "at_least")
                if pace.left < budget / 2:
                    limit_statements(cursor, pace.left)
    except SearchTimeout:
        return Count(total, "at_least")
    return Count(total)


def _by_sample(search: Search, low: datetime, high: datetime, cap: int) -> Count | None:
    """Where the sample leaves no doubt that there are more than `cap`; None where it does, or takes too long itself."""
    plan = plan_of(search, table=SAMPLE, drive=False)
    try:
        with reading(SAMPLE_SECONDS) as cursor:
            found = _exactly(cursor, plan, low - HOUR, high + HOUR)
    except SearchTimeout:
        return None
    if found >= MANY_SAMPLED:
        return Count(_rounded(found * SAMPLE_FACTOR), "about")
    return Count(cap, "capped") if found * SAMPLE_FACTOR >= SURELY * cap else None


def _rounded(n: int) -> int:
    """To two digits: the sample knows no more."""
    return int(float(f"{n:.1e}"))


def floor_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)

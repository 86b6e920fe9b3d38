"""Pages in the order of a number: a column of the record, or a metric's current value.

A column is walked along its index. A metric's values stand in the index that also has their time (`score_time`), so
its highest are looked out of all of them, an index-only scan (120 ms for 600,000), rather than kept in one more index,
which every score written would have to pay for. Records without the number come last, by time.
"""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from records.filterlang import Compare, clauses
from records.search.cursors import Page, Position, write_cursor
from records.search.plan import (
    COLUMNS,
    STATEMENT_SECONDS,
    Plan,
    RecordRow,
    Search,
    SearchTimeout,
    expected,
    is_of_scores,
    plan_of,
    reading,
    score_condition,
)
from records.search.sorting import Sorting
from records.search.window import by_window

WALK_SECONDS = 0.5  # along a sorted index past what does not match, before what matches is sorted instead
PROBE_SECONDS = 0.15
RARE = 2_000
# So many of a metric's highest values are looked at for a page; the next number where too few of them match.
CANDIDATES = (1_000, 20_000)


class Found(NamedTuple):
    value: Any
    row: RecordRow


def by_number(search: Search, sorting: Sorting, position: Position | None, limit: int, budget: float) -> Page:
    """Raises FilterError, SearchTimeout."""
    among_missing = position is not None and isinstance(position.value, datetime)
    found = [] if among_missing else with_number(search, sorting, position, limit + 1)
    rows = [each.row for each in found[:limit]]
    here = write_cursor(found[len(rows) - 1].value, rows[-1].id) if rows else ""
    if len(found) > limit:
        return Page(rows, here)
    if sorting.is_compared(search.node):
        return Page(rows)
    left = limit - len(rows)
    rest = without_number(search, sorting, position if among_missing else None, max(left, 1), budget)
    if left:
        return replace(rest, rows=rows + rest.rows)
    return Page(rows, here if rest.rows or rest.next else "")


def with_number(search: Search, sorting: Sorting, position: Position | None, limit: int) -> list[Found]:
    """Up to `limit` records that have the number, in their order."""
    if sorting.metric is not None:
        return _of_metric(search, sorting, position, limit)
    plan, driven = plan_of(search, drive=False), plan_of(search)
    if driven.driver is None or expected(search, driven.driver) > RARE:
        try:
            with reading(WALK_SECONDS if plan.selective else STATEMENT_SECONDS) as cursor:
                return _walked(cursor, plan, sorting, position, limit)
        except SearchTimeout:
            if not plan.selective:
                raise
    sort_them = driven.driver is not None or _is_rare(driven)
    with reading() as cursor:
        if sort_them:
            return _sorted(cursor, driven.fenced(), sorting, position, limit)
        return _walked(cursor, plan, sorting, position, limit)


def without_number(
    search: Search, sorting: Sorting, position: Position | None, limit: int, budget: float, newest_first: bool = True
) -> Page:
    plan = plan_of(search)
    condition, params = sorting.missing()
    plan.add(condition, *params)
    return by_window(search, plan, position, limit, newest_first, budget)


class Branch(NamedTuple):
    """The sorted column, and the condition under which its value is the record's number."""

    value: str
    condition: str


def _branches(sorting: Sorting) -> list[Branch]:
    """A trace's cost stands for its root's own where that has none. It has no index: with one, each span that arrives
    would have to write all indexes of its root anew (14 % more work for PostgreSQL, measured)."""
    own, of_trace = f"r.{sorting.number.column}", f"r.{sorting.number.of_trace}"
    branches = [Branch(own, f"{own} IS NOT NULL")]
    if sorting.number.of_trace:
        branches.append(Branch(of_trace, f"r.is_root AND {own} IS NULL AND {of_trace} IS NOT NULL"))
    return branches


def _walked(cursor: Any, plan: Plan, sorting: Sorting, position: Position | None, limit: int) -> list[Found]:
    found = []
    for value, condition in _branches(sorting):
        more, params = _behind(value, "r.id", sorting, position)
        sql = plan.sql(f"{value}, {COLUMNS}", [condition, *more], _order(value, "r.id", sorting))
        cursor.execute(sql, [*plan.params, *params, limit])
        found += _read(cursor)
    found.sort(key=lambda each: (each.value, each.row.id), reverse=sorting.descending)
    return found[:limit]


def _sorted(cursor: Any, plan: Plan, sorting: Sorting, position: Position | None, limit: int) -> list[Found]:
    """All that match, then sorted: for what is rare."""
    more, params = _behind(sorting.value, "r.id", sorting, position)
    more = [f"{sorting.value} IS NOT NULL", *more]
    sql = plan.sql(f"{sorting.value}, {COLUMNS}", more, _order(sorting.value, "r.id", sorting))
    cursor.execute(sql, [*plan.params, *params, limit])
    return _read(cursor)


def _of_metric(search: Search, sorting: Sorting, position: Position | None, limit: int) -> list[Found]:
    own = [part for part in clauses(search.node) if _is_about(part, sorting)]
    plan, scores = plan_of(search, drive=False, without=own), _scores(search, sorting, own)
    deadline = time.monotonic() + STATEMENT_SECONDS
    for most in CANDIDATES if plan.selective else (*CANDIDATES, None):
        with reading(deadline - time.monotonic()) as cursor:
            found, exhausted = _candidates(cursor, plan, scores, sorting, position, limit, most)
        if exhausted or len(found) == limit:
            return found
    driven = plan_of(search, without=own)
    with reading(deadline - time.monotonic()) as cursor:
        return _sorted(cursor, _joined(driven.fenced(), scores), sorting, position, limit)


def _is_about(part: Any, sorting: Sorting) -> bool:
    return (
        isinstance(part, Compare)
        and part.field.metric is not None
        and part.field.metric.id == sorting.metric.id
        and is_of_scores(part)
    )


def _scores(search: Search, sorting: Sorting, own: list[Compare]) -> Plan:
    """The current scores of the metric, with what the filter says of just them."""
    plan = Plan("score s", "s.record_created_at", "s.record_id", direct=False)
    plan.add("s.project_id = %s", search.project_id)
    plan.add("s.metric_id = %s", sorting.metric.id)
    plan.add("s.is_current")
    plan.add("s.value IS NOT NULL")
    for part in own:
        plan.add(*score_condition(search, part))
    for sign, bound in zip((">=", "<="), search.bounds(), strict=True):
        if bound is not None:
            plan.add(f"s.record_created_at {sign} %s", bound)
    return plan


def _candidates(
    cursor: Any, plan: Plan, scores: Plan, sorting: Sorting, position: Position | None, limit: int, most: int | None
) -> tuple[list[Found], bool]:
    """What matches among the first `most` scores, and whether those were all that there are."""
    more, params = _behind("s.value", "s.record_id", sorting, position)
    first = scores.sql("s.record_id, s.value", more, _order("s.value", "s.record_id", sorting, "%s::bigint"))
    # OFFSET 0 has each candidate looked up by itself, in order, until the page is full; left to itself, the planner
    # joins all that matches, which it takes for little.
    record = replace(plan, source="record r").sql("r.*", ["r.id = s.record_id"], "OFFSET 0")
    order = _order("s.value", "s.record_id", sorting)
    matching = f"SELECT s.value, {COLUMNS} FROM k s CROSS JOIN LATERAL ({record}) r {order}"  # noqa: S608 - bound
    sql = (
        f"WITH k AS MATERIALIZED ({first}) SELECT c.n, x.* FROM (SELECT count(*) AS n FROM k) c "  # noqa: S608 - bound
        f"LEFT JOIN LATERAL ({matching}) x ON TRUE"
    )
    cursor.execute(sql, [*scores.params, *params, most, *plan.params, limit])
    rows = cursor.fetchall()
    found = [Found(value, RecordRow(*row)) for _, value, *row in rows if value is not None]
    return found, most is None or rows[0][0] < most


def _joined(plan: Plan, scores: Plan) -> Plan:
    """What matches, each with its score."""
    score = scores.sql("s.value", ["s.record_id = r.id"], "OFFSET 0")
    source = f"{plan.source} CROSS JOIN LATERAL ({score}) s"
    return replace(plan, source=source, where=[], params=[*plan.params, *scores.params])


def _is_rare(plan: Plan) -> bool:
    """Whether so little matches that sorting it beats going through what is sorted already."""
    sql = f"SELECT count(*) FROM ({plan.sql('1', [], 'LIMIT %s')}) x"  # noqa: S608 - values are bound
    try:
        with reading(PROBE_SECONDS) as cursor:
            cursor.execute(sql, [*plan.params, RARE + 1])
            return cursor.fetchone()[0] <= RARE
    except SearchTimeout:
        return False


def _behind(value: str, id: str, sorting: Sorting, position: Position | None) -> tuple[list[str], list[Any]]:
    if position is None:
        return [], []
    return [f"({value}, {id}) {'<' if sorting.descending else '>'} (%s, %s)"], [position.value, position.id]


def _order(value: str, id: str, sorting: Sorting, limit: str = "%s") -> str:
    way = "DESC" if sorting.descending else "ASC"
    return f"ORDER BY {value} {way}, {id} {way} LIMIT {limit}"


def _read(cursor: Any) -> list[Found]:
    return [Found(value, RecordRow(*row)) for value, *row in cursor]

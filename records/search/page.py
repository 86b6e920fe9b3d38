"""A page of records: keyset paging, never OFFSET, so that page 1,000 costs what page 1 does."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson

from records.search.plan import (
    COLUMNS,
    SORTS,
    STATEMENT_SECONDS,
    Plan,
    RecordRow,
    Search,
    edges,
    plan_of,
    reading,
)

FIRST_SLICE = timedelta(hours=1)
GROWTH = 4
BUDGET_SECONDS = 1.0


class BadCursor(ValueError):
    """A cursor that no page of this list has given out."""

    def __init__(self) -> None:
        super().__init__("This page's address was cut off or changed; start again from the first page.")


@dataclass(slots=True)
class Page:
    """`next` continues after the last row, or, where time ran out, from `searched_back_to`; empty at the end."""

    rows: list[RecordRow]
    next: str = ""
    searched_back_to: datetime | None = None


@dataclass(slots=True)
class Position:
    """Where a list goes on: after a row (with its id), or before a time (without)."""

    value: Any
    id: UUID | None


def page(search: Search, after: str = "", limit: int = 50, budget: float = BUDGET_SECONDS) -> Page:
    """Up to `limit` rows behind the cursor `after`. Raises BadCursor, FilterError, SearchTimeout.

    By time it looks for about `budget` seconds at the most and says how far it came; other orders take one statement.
    """
    plan = plan_of(search)
    name, descending = search.sort.lstrip("-"), search.sort.startswith("-")
    if name != "created":
        return _by_value(plan, search, after, limit)
    with reading(max(budget, STATEMENT_SECONDS)) as cursor:
        if plan.direct:
            return _direct(cursor, plan, after, limit, descending)
        return _by_window(cursor, search, plan, after, limit, descending, budget)


def _order(plan: Plan, descending: bool) -> str:
    way = "DESC" if descending else "ASC"
    return f"ORDER BY {plan.time} {way}, {plan.id} {way}"


def _behind(plan: Plan, position: Position | None, descending: bool) -> tuple[list[str], list[Any]]:
    if position is None:
        return [], []
    sign = "<" if descending else ">"
    if position.id is None:
        return [f"{plan.time} {sign} %s"], [position.value]
    return [f"({plan.time}, {plan.id}) {sign} (%s, %s)"], [position.value, position.id]


def _direct(cursor: Any, plan: Plan, after: str, limit: int, descending: bool) -> Page:
    more, params = _behind(plan, read_cursor(after, datetime), descending)
    cursor.execute(plan.sql(COLUMNS, more, _order(plan, descending) + " LIMIT %s"), [*plan.params, *params, limit + 1])
    return _cut([RecordRow(*row) for row in cursor], limit)


def _by_window(
    cursor: Any, search: Search, plan: Plan, after: str, limit: int, descending: bool, budget: float
) -> Page:
    """Slices of time from the end of the list on: one hour, then four times as long after each that gave too little."""
    position = read_cursor(after, datetime)
    found = edges(cursor, search)
    if found is None:
        return Page([])
    low, high = found
    more, more_params = _behind(plan, position, descending)
    at = position.value if position else (high + timedelta(seconds=1) if descending else low)
    rows: list[RecordRow] = []
    width, started = FIRST_SLICE, time.monotonic()
    while (at >= low) if descending else (at <= high):
        start, end = (at - width, at) if descending else (at, at + width)
        # The first slice of a page is closed where its cursor stands: rows of one instant are told apart by their id.
        window = f"{plan.time} >= %s AND {plan.time} {'<=' if more else '<'} %s"
        sql = plan.sql(COLUMNS, [window, *more], _order(plan, descending) + " LIMIT %s")
        cursor.execute(sql, [*plan.params, start, end, *more_params, limit + 1 - len(rows)])
        rows += [RecordRow(*row) for row in cursor]
        if len(rows) > limit:
            return _cut(rows, limit)
        more, more_params = [], []
        at, width = (start if descending else end), width * GROWTH
        unfinished = (at > low) if descending else (at <= high)
        if unfinished and time.monotonic() - started > budget:
            return Page(rows, write_cursor(at, None), at)
    return Page(rows)


def _by_value(plan: Plan, search: Search, after: str, limit: int) -> Page:
    """By a number, records without it last (those by time, newest first)."""
    column, descending = f"r.{SORTS[search.sort.lstrip('-')]}", search.sort.startswith("-")
    way, sign = ("DESC", "<") if descending else ("ASC", ">")
    position = read_cursor(after, Decimal)
    rows: list[RecordRow] = []
    with reading() as cursor:
        if position is None or isinstance(position.value, Decimal):
            more, params = [f"{column} IS NOT NULL"], []
            if position:
                more.append(f"({column}, r.id) {sign} (%s, %s)")
                params = [position.value, position.id]
            tail = f"ORDER BY {column} {way}, r.id {way} LIMIT %s"
            cursor.execute(plan.sql(COLUMNS, more, tail), [*plan.params, *params, limit + 1])
            rows = [RecordRow(*row) for row in cursor]
            position = None
        if len(rows) <= limit:
            more, params = _behind(plan, position, descending=True)
            tail = _order(plan, descending=True) + " LIMIT %s"
            sql = plan.sql(COLUMNS, [f"{column} IS NULL", *more], tail)
            cursor.execute(sql, [*plan.params, *params, limit + 1 - len(rows)])
            rows += [RecordRow(*row) for row in cursor]
    result = _cut(rows, limit)
    if result.next:
        last = result.rows[-1]
        value = getattr(last, column.removeprefix("r."))
        result.next = write_cursor(last.created_at if value is None else Decimal(value), last.id)
    return result


def _cut(rows: list[RecordRow], limit: int) -> Page:
    """`rows` may hold one more than the page: then there is a next one."""
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1]
    return Page(rows[:limit], write_cursor(last.created_at, last.id))


def write_cursor(value: datetime | Decimal, id: UUID | None) -> str:
    """Opaque to whoever gets it; a time, or a number as text, and the id of the last row."""
    kind, text = ("t", value.astimezone(UTC).isoformat()) if isinstance(value, datetime) else ("n", str(value))
    return urlsafe_b64encode(orjson.dumps([kind, text, str(id) if id else None])).decode().rstrip("=")


def read_cursor(cursor: str, wanted: type) -> Position | None:
    """`wanted` is datetime for lists by time; lists by a number may also stand at a time, among those without it."""
    if not cursor:
        return None
    try:
        kind, text, id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        value = datetime.fromisoformat(text) if kind == "t" else Decimal(text)
        position = Position(value, UUID(id) if id else None)
    except (ValueError, TypeError, NotBase64, InvalidOperation, AttributeError):
        raise BadCursor from None
    wrong = isinstance(value, Decimal) and (wanted is datetime or position.id is None or not value.is_finite())
    if wrong or (isinstance(value, datetime) and value.tzinfo is None):
        raise BadCursor
    return position

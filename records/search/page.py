"""A page of records: keyset paging, never OFFSET, so that page 1,000 costs what page 1 does."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson

from records.filterlang.values import EARLIEST, LATEST
from records.search.plan import (
    COLUMNS,
    SORTS,
    STATEMENT_SECONDS,
    Plan,
    RecordRow,
    Search,
    SearchTimeout,
    edges,
    limit_statements,
    plan_of,
    reading,
)
from records.search.slices import FIRST_SLICE, Pace

BUDGET_SECONDS = 0.8
RETRIES = 2  # of a first slice that took too long
RETRY_DIVISOR = 16
INSTANT = timedelta(microseconds=1)
LEAST_SECONDS = 0.5  # for a first slice, however small the budget
PROBE_SECONDS = 0.15
RARE = 2_000
CURSOR_DIGITS = 30  # more than any sorted column has, and few enough for PostgreSQL's numbers


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
    position = read_cursor(after, datetime)
    if not plan.direct:
        return _by_window(search, plan, position, limit, descending, budget)
    more, params = _behind(plan, position, descending)
    with reading() as cursor:
        cursor.execute(
            plan.sql(COLUMNS, more, _order(plan, descending) + " LIMIT %s"), [*plan.params, *params, limit + 1]
        )
        return _cut([RecordRow(*row) for row in cursor], limit)


def _order(plan: Plan, descending: bool) -> str:
    way = "DESC" if descending else "ASC"
    return f"ORDER BY {plan.time} {way}, {plan.id} {way}"


def _behind(plan: Plan, position: Position | None, descending: bool) -> tuple[list[str], list[Any]]:
    if position is None:
        return [], []
    sign = "<" if descending else ">"
    if position.id is None:  # a time up to which everything has been seen; slices are closed where they are older
        return [f"{plan.time} {'<' if descending else '>='} %s"], [position.value]
    return [f"({plan.time}, {plan.id}) {sign} (%s, %s)"], [position.value, position.id]


def _by_window(
    search: Search, plan: Plan, position: Position | None, limit: int, descending: bool, budget: float
) -> Page:
    """Slices of time from the end of the list on, each only what no slice before it has seen."""
    pace, width = Pace(budget), FIRST_SLICE
    for attempt in range(RETRIES + 1):
        walk = Walk(position.value if position else None)
        try:
            with reading(max(budget, STATEMENT_SECONDS if attempt == RETRIES else LEAST_SECONDS)) as cursor:
                return walk.run(cursor, search, plan, position, limit, descending, pace)
        except SearchTimeout:
            if walk.slices:  # what was found so far is true; the rest is offered
                return Page(walk.rows, write_cursor(walk.at, None), walk.at)
            if attempt == RETRIES:
                raise
        width /= RETRY_DIVISOR  # more records an hour than one statement can look at
        pace = Pace(budget, width)
    raise AssertionError("the last attempt returns or raises")


@dataclass(slots=True)
class Walk:
    """How far a window search came: everything between its start and `at` has been looked at."""

    at: datetime | None
    rows: list[RecordRow] = field(default_factory=list)
    slices: int = 0

    def run(
        self, cursor: Any, search: Search, plan: Plan, position: Position | None, limit: int, descending: bool,
        pace: Pace,
    ) -> Page:  # fmt: skip
        found = edges(cursor, search)
        if found is None:
            return Page([])
        low, high = found
        if self.at is None:
            self.at = high + INSTANT if descending else low
        # The first slice is closed where its cursor stands: rows of one instant are told apart by their id.
        more, more_params = _behind(plan, position, descending)
        while self.at > low or (descending and more and self.at == low) if descending else self.at <= high:
            start, end = (self.at - pace.width, self.at) if descending else (self.at, self.at + pace.width)
            closed = "<=" if descending and more else "<"
            window = f"{plan.time} >= %s AND {plan.time} {closed} %s"
            sql = plan.sql(COLUMNS, [window, *more], _order(plan, descending) + " LIMIT %s")
            cursor.execute(sql, [*plan.params, start, end, *more_params, limit + 1 - len(self.rows)])
            self.rows += [RecordRow(*row) for row in cursor]
            if len(self.rows) > limit:
                return _cut(self.rows, limit)
            self.at, self.slices = (start if descending else end), self.slices + 1
            more, more_params = [], []
            if (self.at <= low) if descending else (self.at > high):
                break
            if not pace.next():
                return Page(self.rows, write_cursor(self.at, None), self.at)
            if self.slices == 1 or pace.left < pace.budget / 2:
                limit_statements(cursor, pace.statement_seconds())
        return Page(self.rows)


def _by_value(plan: Plan, search: Search, after: str, limit: int) -> Page:
    """By a number, records without it last (those by time, newest first)."""
    name = SORTS[search.sort.lstrip("-")]
    column, descending = f"r.{name}", search.sort.startswith("-")
    way, sign = ("DESC", "<") if descending else ("ASC", ">")
    position = read_cursor(after, Decimal)
    rows: list[RecordRow] = []
    sorted_plan = plan.fenced() if plan.selective and _is_rare(plan) else plan
    with reading() as cursor:
        if position is None or isinstance(position.value, Decimal):
            more, params = [f"{column} IS NOT NULL"], []
            if position:
                more.append(f"({column}, r.id) {sign} (%s, %s)")
                params = [position.value, position.id]
            tail = f"ORDER BY {column} {way}, r.id {way} LIMIT %s"
            cursor.execute(sorted_plan.sql(COLUMNS, more, tail), [*plan.params, *params, limit + 1])
            rows = [RecordRow(*row) for row in cursor]
            position = None
        if len(rows) <= limit:
            more, params = [], []
            if position:
                more, params = ["(r.created_at, r.id) < (%s, %s)"], [position.value, position.id]
            tail = "ORDER BY r.created_at DESC, r.id DESC LIMIT %s"
            sql = sorted_plan.sql(COLUMNS, [f"{column} IS NULL", *more], tail)
            cursor.execute(sql, [*plan.params, *params, limit + 1 - len(rows)])
            rows += [RecordRow(*row) for row in cursor]
    result = _cut(rows, limit)
    if result.next:
        last = result.rows[-1]
        value = getattr(last, name)
        result.next = write_cursor(last.created_at if value is None else Decimal(value), last.id)
    return result


def _is_rare(plan: Plan) -> bool:
    """Whether so little matches that sorting it beats walking the sorted index past all that does not match."""
    sql = f"SELECT count(*) FROM ({plan.sql('1', [], 'LIMIT %s')}) x"  # noqa: S608 - values are bound
    try:
        with reading(PROBE_SECONDS) as cursor:
            cursor.execute(sql, [*plan.params, RARE + 1])
            return cursor.fetchone()[0] <= RARE
    except SearchTimeout:
        return False


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
        if isinstance(value, datetime) and value.tzinfo and EARLIEST <= value.year <= LATEST:
            value = value.astimezone(UTC)
        position = Position(value, UUID(id) if id else None)
    except (ValueError, TypeError, NotBase64, InvalidOperation, AttributeError):
        raise BadCursor from None
    if isinstance(value, datetime):
        # Beyond these years, walking slices of time would leave the calendar.
        wrong = value.tzinfo is None or not EARLIEST <= value.year <= LATEST
    else:
        digits = len(value.as_tuple().digits) + abs(value.as_tuple().exponent) if value.is_finite() else None
        wrong = wanted is datetime or position.id is None or digits is None or digits > CURSOR_DIGITS
    if wrong:
        raise BadCursor
    return position

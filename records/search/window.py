"""Window search: slices of time from one end of a list on, each statement looks at one, until the page is full."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from records.search.cursors import Page, Position, write_cursor
from records.search.plan import (
    COLUMNS,
    STATEMENT_SECONDS,
    Plan,
    RecordRow,
    Search,
    SearchTimeout,
    edges,
    limit_statements,
    reading,
)
from records.search.slices import FIRST_SLICE, Pace

RETRIES = 2  # of a first slice that took too long
RETRY_DIVISOR = 16
INSTANT = timedelta(microseconds=1)
LEAST_SECONDS = 0.5  # for a first slice, however small the budget


def ordered(plan: Plan, descending: bool) -> str:
    way = "DESC" if descending else "ASC"
    return f"ORDER BY {plan.time} {way}, {plan.id} {way}"


def behind(plan: Plan, position: Position | None, descending: bool) -> tuple[list[str], list[Any]]:
    if position is None:
        return [], []
    sign = "<" if descending else ">"
    if position.id is None:  # a time up to which everything has been seen; slices are closed where they are older
        return [f"{plan.time} {'<' if descending else '>='} %s"], [position.value]
    return [f"({plan.time}, {plan.id}) {sign} (%s, %s)"], [position.value, position.id]


def cut(rows: list[RecordRow], limit: int) -> Page:
    """`rows` may hold one more than the page: then there is a next one."""
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1]
    return Page(rows[:limit], write_cursor(last.created_at, last.id))


def by_window(
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
        more, more_params = behind(plan, position, descending)
        while self.at > low or (descending and more and self.at == low) if descending else self.at <= high:
            start, end = (self.at - pace.width, self.at) if descending else (self.at, self.at + pace.width)
            closed = "<=" if descending and more else "<"
            window = f"{plan.time} >= %s AND {plan.time} {closed} %s"
            sql = plan.sql(COLUMNS, [window, *more], ordered(plan, descending) + " LIMIT %s")
            cursor.execute(sql, [*plan.params, start, end, *more_params, limit + 1 - len(self.rows)])
            self.rows += [RecordRow(*row) for row in cursor]
            if len(self.rows) > limit:
                return cut(self.rows, limit)
            self.at, self.slices = (start if descending else end), self.slices + 1
            more, more_params = [], []
            if (self.at <= low) if descending else (self.at > high):
                break
            if not pace.next():
                return Page(self.rows, write_cursor(self.at, None), self.at)
            if self.slices == 1 or pace.left < pace.budget / 2:
                limit_statements(cursor, pace.statement_seconds())
        return Page(self.rows)

"""The record before and the one after another in a search's order: a page of one, in either direction.

The other direction is the opposite sort from the same position. Only records without the sorted number, which stand
last whichever way the list is sorted, have to be looked at apart.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from records.search.page import page, write_cursor
from records.search.plan import COLUMNS, SORTS, RecordRow, Search, SearchTimeout, plan_of, reading

BUDGET_SECONDS = 3.0  # somebody waits for it, and there is nothing else to show


def neighbour(search: Search, record: RecordRow, forward: bool) -> RecordRow | None:
    """The next record (or the one before); None at the end of the list.

    `record` needs the columns id, created_at and the sorted one; it need not match the search itself any more. Raises
    FilterError, and SearchTimeout where the time ran out before one was found.
    """
    name, descending = search.sort.lstrip("-"), search.sort.startswith("-")
    value = record.created_at if name == "created" else getattr(record, SORTS[name])
    at = write_cursor(record.created_at if value is None else _position(value), record.id)
    if forward:
        return _first(search, at)
    opposite = replace(search, sort=name if descending else f"-{name}")
    if name == "created":
        return _first(opposite, at)
    if value is None:
        return _before_among_those_without(search, record) or _with_value(_first(opposite, ""), name)
    return _with_value(_first(opposite, at), name)


def _position(value: datetime | Decimal | int) -> datetime | Decimal:
    return value if isinstance(value, datetime) else Decimal(value)


def _first(search: Search, after: str) -> RecordRow | None:
    found = page(search, after, 1, BUDGET_SECONDS)
    if not found.rows and found.next:
        raise SearchTimeout
    return found.rows[0] if found.rows else None


def _with_value(row: RecordRow | None, name: str) -> RecordRow | None:
    """Nothing if the search went on among the records without the value: they do not come before one that has it."""
    return None if row is None or getattr(row, SORTS[name]) is None else row


def _before_among_those_without(search: Search, record: RecordRow) -> RecordRow | None:
    plan = plan_of(search)
    more = [f"r.{SORTS[search.sort.lstrip('-')]} IS NULL", "(r.created_at, r.id) > (%s, %s)"]
    with reading() as cursor:
        cursor.execute(
            plan.sql(COLUMNS, more, "ORDER BY r.created_at, r.id LIMIT 1"), [*plan.params, record.created_at, record.id]
        )
        row = cursor.fetchone()
        return RecordRow(*row) if row else None

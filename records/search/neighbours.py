"""The record before and the one after another in a search's order: a page of one, in either direction.

The other direction is the opposite sort from the same position. Only records without the sorted number, which stand
last whichever way the list is sorted, have to be looked at apart.
"""

from dataclasses import replace
from typing import Any

from records.search.by_number import with_number, without_number
from records.search.cursors import Page, Position, write_cursor
from records.search.page import page
from records.search.plan import RecordRow, Search, SearchTimeout
from records.search.sorting import Sorting, opposite, sorting_of, value_of

BUDGET_SECONDS = 3.0  # somebody waits for it, and there is nothing else to show


def neighbour(search: Search, record: Any, forward: bool) -> RecordRow | None:
    """The next record (or the one before); None at the end of the list.

    `record` is a row or a Record; it need not match the search itself any more. Raises FilterError, and SearchTimeout
    where the time ran out before one was found.
    """
    sorting = sorting_of(search)
    value = record.created_at if sorting is None else value_of(search, sorting, record)
    if sorting is not None and not forward:
        return _before(search, sorting, record, value)
    at = write_cursor(record.created_at if value is None else value, record.id)
    towards = search if forward else replace(search, sort=opposite(search.sort))
    return _first(page(towards, at, 1, BUDGET_SECONDS))


def _before(search: Search, sorting: Sorting, record: Any, value: Any) -> RecordRow | None:
    if value is None:
        at = Position(record.created_at, record.id)
        found = _first(without_number(search, sorting, at, 1, BUDGET_SECONDS, newest_first=False))
        if found is not None:
            return found
    back = replace(sorting, descending=not sorting.descending)
    found = with_number(search, back, None if value is None else Position(value, record.id), 1)
    return found[0].row if found else None


def _first(found: Page) -> RecordRow | None:
    if not found.rows and found.next:
        raise SearchTimeout
    return found.rows[0] if found.rows else None

"""All records that match, however many: for exports, deletion and re-scores, in slices that fit one transaction."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from records.ids import uuid7
from records.limits import MAX_ITEMS
from records.search.cursors import write_cursor
from records.search.page import page
from records.search.plan import RecordRow, Search

SLICE_SECONDS = 2.0  # of one search: however rare what is looked for, no statement holds the database for long


def ceiling_of(now_ms: int | None = None) -> UUID:
    """An id above all that have arrived: late spans have old times, so only the id tells what came later."""
    return uuid7(now_ms)


def batches(
    search: Search, ceiling: UUID | None = None, size: int = MAX_ITEMS, after: str = ""
) -> Iterator[list[RecordRow]]:
    """Newest first. With a `ceiling`, what arrives while the caller works is not part of it.

    Each batch is a search of its own from where the last one ended: the caller may delete or change what it got, and
    may go on another day with `after`, the `cursor_of` the last row that it worked on.
    """
    bounded = replace(search, sort="-created", ceiling=ceiling)
    while True:
        found = page(bounded, after, size, budget=SLICE_SECONDS)
        if found.rows:
            yield found.rows
        if not found.next:
            return
        after = found.next


def cursor_of(row: RecordRow) -> str:
    """Where `batches` goes on behind this row."""
    return write_cursor(row.created_at, row.id)

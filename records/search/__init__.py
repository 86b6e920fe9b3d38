"""Finding records: a filter, sorted and paged, counted, or walked to the end. Every query is read-only and bounded."""

from records.search.batches import batches, ceiling_of, cursor_of
from records.search.count import Count, count
from records.search.cursors import BadCursor, Page
from records.search.neighbours import neighbour
from records.search.page import page
from records.search.plan import RecordRow, Search, SearchTimeout
from records.search.sorting import DEFAULT, SORTS, sorts_of

__all__ = [
    "DEFAULT", "SORTS", "BadCursor", "Count", "Page", "RecordRow", "Search", "SearchTimeout", "batches", "ceiling_of",
    "count", "cursor_of", "neighbour", "page", "sorts_of",
]  # fmt: skip

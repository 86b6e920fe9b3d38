"""Finding records: a filter, sorted and paged, counted, or walked to the end. Every query is read-only and bounded."""

from records.search.batches import batches, ceiling_of, cursor_of
from records.search.count import Count, count
from records.search.neighbours import neighbour
from records.search.page import BadCursor, Page, page
from records.search.plan import SORTS, RecordRow, Search, SearchTimeout

__all__ = [
    "SORTS", "BadCursor", "Count", "Page", "RecordRow", "Search", "SearchTimeout", "batches", "ceiling_of", "count",
    "cursor_of", "neighbour", "page",
]  # fmt: skip

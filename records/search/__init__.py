"""Finding records: a filter, sorted and paged, counted, or walked to the end. Every query is read-only and bounded."""

from records.search.batches import batches, ceiling_of
from records.search.count import Count, count
from records.search.page import BadCursor, Page, page
from records.search.plan import SORTS, RecordRow, Search, SearchTimeout

__all__ = [
    "SORTS", "BadCursor", "Count", "Page", "RecordRow", "Search", "SearchTimeout", "batches", "ceiling_of", "count",
    "page",
]  # fmt: skip

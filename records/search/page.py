"""A page of records: keyset paging, never OFFSET, so that page 1,000 costs what page 1 does."""

from records.search.by_number import by_number
from records.search.cursors import Page, read_cursor
from records.search.plan import COLUMNS, RecordRow, Search, plan_of, reading
from records.search.sorting import sorting_of
from records.search.window import behind, by_window, cut, ordered

BUDGET_SECONDS = 0.8


def page(search: Search, after: str = "", limit: int = 50, budget: float = BUDGET_SECONDS) -> Page:
    """Up to `limit` rows behind the cursor `after`. Raises BadCursor, FilterError, SearchTimeout.

    By time it looks for about `budget` seconds at the most and says how far it came; so it does among the records that
    lack the number which a list is sorted by.
    """
    sorting = sorting_of(search)
    if sorting is not None:
        return by_number(search, sorting, read_cursor(after, sorting.type), limit, budget)
    plan, position, descending = plan_of(search), read_cursor(after), search.sort.startswith("-")
    if not plan.direct:
        return by_window(search, plan, position, limit, descending, budget)
    more, params = behind(plan, position, descending)
    with reading() as cursor:
        cursor.execute(
            plan.sql(COLUMNS, more, ordered(plan, descending) + " LIMIT %s"), [*plan.params, *params, limit + 1]
        )
        return cut([RecordRow(*row) for row in cursor], limit)

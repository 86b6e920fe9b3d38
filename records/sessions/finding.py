"""The threads of a project, those with the newest records first: keyset paging over the records, with any filter."""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from records.filterlang import Node, Vocabulary, parse
from records.search import RecordRow, Search, cursor_of
from records.search import page as record_page
from records.search.plan import plan_of, reading

AT_ONCE = 500  # records looked at in one search
BUDGET_SECONDS = 1.5


@dataclass(slots=True)
class SessionPage:
    """Of each thread the newest record that matches. `next` continues behind the last one, or where time ran out:
    then `searched_back_to` says how far it came."""

    rows: list[RecordRow]
    next: str = ""
    searched_back_to: datetime | None = None


def page(search: Search, after: str = "", limit: int = 50, budget: float = BUDGET_SECONDS) -> SessionPage:
    """Up to `limit` threads behind the cursor `after`. A thread stands where its newest matching record does, so that
    every page is the same however many came before. Raises BadCursor, FilterError, SearchTimeout.
    """
    wanted = replace(search.narrowed(_has_thread(search.vocabulary)), roots=False, sort="-created")
    began = time.monotonic()
    found: dict[str, RecordRow] = {}
    while True:
        left = budget - (time.monotonic() - began)
        part = record_page(wanted, after, AT_ONCE, budget=max(left, budget / 4))
        firsts = {row.thread: row for row in reversed(part.rows) if row.thread not in found}
        newest = _newest(wanted, firsts)
        for row in part.rows:
            if firsts.get(row.thread) is not row or newest.get(row.thread) != row.id:
                continue
            if len(found) == limit:
                rows = list(found.values())
                return SessionPage(rows, cursor_of(rows[-1]))
            found[row.thread] = row
        if not part.next:
            return SessionPage(list(found.values()))
        if part.searched_back_to or left <= 0:
            back_to = part.searched_back_to or part.rows[-1].created_at
            return SessionPage(list(found.values()), part.next, back_to)
        after = part.next


def _has_thread(vocabulary: Vocabulary) -> Node:
    """Compiles to the predicate of the indexes record_thread and record_thread_time."""
    return parse("thread IS NOT NULL", vocabulary)


def _newest(search: Search, threads: Collection[str]) -> dict[str, UUID]:
    """The newest matching record of each thread: one step of the index record_thread each."""
    if not threads:
        return {}
    plan = plan_of(search, drive=False)
    inner = plan.sql("r.id", ["r.thread = t.thread"], "ORDER BY r.created_at DESC, r.id DESC LIMIT 1")
    with reading() as cursor:
        cursor.execute(
            f"SELECT t.thread, n.id FROM unnest(%s::text[]) AS t(thread) CROSS JOIN LATERAL ({inner}) n",  # noqa: S608
            [list(threads), *plan.params],
        )
        return dict(cursor.fetchall())

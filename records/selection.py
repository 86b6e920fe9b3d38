"""Which records an act is about: some ticked by hand, or all that match a filter. It fails closed.

A form on the Records page posts `ids` (one field each), or `matching=1` with the page's own `q` and `spans`; then
`ceiling` (given out with the dialog) leaves out what has arrived since the reader was told how many there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import QueryDict

from evalhub.models import Project, User
from records.filterlang import parse
from records.filters import RecordFilters
from records.limits import MAX_ITEMS
from records.models import Record
from records.search import Count, RecordRow, Search, batches, ceiling_of, count
from records.search.batches import cursor_of
from records.vocabulary import vocabulary_of

MOST_TICKED = 500  # more than a page has, and less than the fields that Django reads
UNCAPPED = 10**9


class SelectionProblem(ValueError):
    """A selection that cannot be read, in words for the reader. Nothing may be done with it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """`search` is None for records ticked by hand. `condition` is the filter said in words, "where ...", or empty."""

    project: Project
    ids: tuple[UUID, ...] = ()
    search: Search | None = None
    text: str = ""
    condition: str = ""

    @property
    def all_spans(self) -> bool:
        return self.search is not None and not self.search.roots

    def slices(self, after: str = "", size: int = MAX_ITEMS) -> Iterator[list[tuple[UUID, str]]]:
        """(id, cursor) of each record, up to `size` at a time; `after` is the cursor of the last one worked on.

        Between two slices no transaction is open: the caller may change or delete what it got.
        """
        if self.search is not None:
            for rows in batches(self.search, self.search.ceiling, size, after):
                yield [(row.id, cursor_of(row)) for row in rows]
            return
        left = [id for id in sorted(set(self.ids)) if str(id) > after]
        for start in range(0, len(left), size):
            yield [(id, str(id)) for id in left[start : start + size]]

    def rows(self, size: int = MAX_ITEMS) -> Iterator[list[RecordRow]]:
        """The records themselves, newest first, for an export."""
        if self.search is not None:
            yield from batches(self.search, self.search.ceiling, size)
            return
        found = Record.objects.filter(project=self.project, id__in=self.ids).order_by("-created_at", "-id")
        yield [RecordRow(*row) for row in found.values_list(*RecordRow._fields)]

    def count(self, budget: float = 2.0) -> Count:
        """How many there are; exact for those ticked by hand, else as far as `budget` seconds go.

        Without the ceiling, since the roll-ups know the time of a record, not when it came: a few may be counted that
        have arrived since. Raises SearchTimeout.
        """
        if self.search is None:
            return Count(len(set(self.ids)))
        return count(replace(self.search, ceiling=None), cap=UNCAPPED, budget=budget)

    def words(self, counted: Count | None = None) -> str:
        """Such as "3 records", "all 1,284 records where status is errored", "all spans where ... (at least 9,000)"."""
        noun = "span" if self.all_spans else "record"
        if self.search is None:
            n = len(set(self.ids))
            return f"{n:,} {noun}{'' if n == 1 else 's'}"
        if counted is None or counted.kind != "exact":
            return f"all {noun}s {self.condition}".strip() + (f" ({counted})" if counted else "")
        if counted.n == 1:
            return f"the one {noun} {self.condition}".strip()
        return f"all {counted} {noun}s {self.condition}".strip()


def read_selection(data: QueryDict, project: Project, user: User) -> Selection:
    """Raises SelectionProblem; a filter that cannot be read, or is not there at all, is never "all records"."""
    if not data.get("matching"):
        return _by_hand(data.getlist("ids"), project)
    if "q" not in data:
        raise SelectionProblem("The filter is missing, so nothing was selected. Reload the page.")
    filters = RecordFilters(data, project, user)
    if filters.error is not None:
        raise SelectionProblem(f"Nothing was selected, since the filter cannot be read: {filters.error.message}")
    search = replace(filters.search, ceiling=_ceiling(data.get("ceiling", "")))
    return Selection(project, search=search, text=filters.text, condition=filters.words())


def _by_hand(sent: Sequence[str], project: Project) -> Selection:
    if not sent:
        raise SelectionProblem("Nothing is selected.")
    if len(sent) > MOST_TICKED:
        raise SelectionProblem(f"Tick at most {MOST_TICKED} records, or narrow the filter and take all of it.")
    try:
        return Selection(project, ids=tuple(UUID(id) for id in sent))
    except ValueError:
        raise SelectionProblem("This is not a selection of records. Reload the page.") from None


def _ceiling(sent: str) -> UUID:
    try:
        return UUID(sent) if sent else ceiling_of()
    except ValueError:
        raise SelectionProblem("This is not a selection of records. Reload the page.") from None


def matching(
    project: Project, user: User | None, text: str, all_spans: bool, now: datetime, zone: str, ceiling: UUID
) -> Selection:
    """All that matched at `now`, as a job remembers it. Raises FilterError where the filter has lost its meaning."""
    vocabulary = vocabulary_of(project, user)
    node = parse(text, vocabulary)
    search = Search(project.id, node, vocabulary, now, ZoneInfo(zone), roots=not all_spans, ceiling=ceiling)
    return Selection(project, search=search, text=text)

"""The records table: django-tables2 over rows that were fetched for just these columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from uuid import UUID

import django_tables2 as tables
from django.utils.safestring import SafeString

from evalhub.markup import html
from records import cells
from records.columns import Column
from records.models import Metric
from records.previews import PAYLOAD, Begun

PREVIEW_CHARS = 240
TICKED_ROW = (
    '<tr data-id="{id}"><td class="c-check">'
    '<label><input type="checkbox" name="ids" value="{id}" form="bulk" autocomplete="off" aria-label="Select {name}">'
    "</label></td>"
)
# Takes what is left of the line once columns have widths of their own, and is not there before.
REST = '<td class="c-rest"></td></tr>'


@dataclass(slots=True)
class Row:
    """A record of the page with what its columns show: previews by path, the current and the newest score by metric."""

    record: Any
    url: str
    previews: Begun = field(default_factory=Begun)
    scores: Mapping[int, Any] = field(default_factory=dict)
    latest: Mapping[int, Any] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return self.record.id


Draw = Callable[[Row], Any]


class Cell(tables.Column):
    """One of records.columns as a table column; `draw` makes the cell of a row."""

    def __init__(self, column: Column, draw: Draw, header: Any) -> None:
        attrs = {"th": {"class": column.css}}
        super().__init__(verbose_name=header, accessor="id", empty_values=(), orderable=False, attrs=attrs)
        self.key, self.css, self.label, self.draw = column.key, column.css, column.label, draw

    def render(self, record: Row) -> Any:
        return self.draw(record)


class RecordTable(tables.Table):
    class Meta:
        template_name = "records/_table.html"
        orderable = False

    widths: Mapping[str, int] = {}  # pixels by column key; a column that is not here is as wide as its class says

    def columns_with_widths(self) -> list[tuple[str, int | None]]:
        """The key and the pixels of each column, for the table's <col> elements."""
        return [(column.column.key, self.widths.get(column.column.key)) for column in self.columns]

    def drawn(self) -> Iterator[SafeString]:
        """The rows as HTML. django-tables2 asks each cell's function for its signature: twice the time of a page."""
        openings = [
            (html('<td class="{}" data-label="{}">', c.column.css, c.column.label), c.column.draw) for c in self.columns
        ]
        for row in self.data:
            parts = [TICKED_ROW.format(id=row.id, name=escape(row.record.name or "record"))]  # an id is hexadecimal
            for opening, draw in openings:
                cell = draw(row)
                parts += (opening, cell if isinstance(cell, SafeString) else escape(str(cell)), "</td>")
            parts.append(REST)
            yield SafeString("".join(parts))


def record_table(
    rows: Sequence[Row], columns: Sequence[Column], sort: str, link: Callable[[str], str], caption: str
) -> RecordTable:
    """`sort` is what the list is sorted by, such as -created; `link(sort)` is the URL of the same list sorted so."""
    extra = []
    for number, column in enumerate(columns):
        extra.append(
            (f"c{number}", Cell(column, drawer(column, first=number == opening(columns)), header(column, sort, link)))
        )
    table = RecordTable(rows, extra_columns=extra)
    table.caption = caption
    keys = [column.sort for column in columns]
    by = sort.lstrip("-")
    table.sorted_by = f"c{keys.index(by)}" if by in keys else ""
    table.sort_direction = "descending" if sort.startswith("-") else "ascending"
    return table


def opening(columns: Sequence[Column]) -> int:
    """Which column carries the link to the record: the inputs, else the name, else the first."""
    for wanted in (("inputs",), ("name",), ("outputs",)):
        for number, column in enumerate(columns):
            if column.path[:1] == wanted or column.key == wanted[0]:
                return number
    return 0


def header(column: Column, sort: str, link: Callable[[str], str]) -> Any:
    if column.quiet:
        return html('<span class="sr">{}</span>', column.label)
    if not column.sort:
        return html('<span title="{}">{}</span>', column.hint, column.label) if column.hint else column.label
    now = sort.lstrip("-") == column.sort
    other = column.sort if now and sort.startswith("-") else f"-{column.sort}"
    mark = cells.icon("arrow-down" if sort.startswith("-") else "arrow-up", "i-s") if now else ""
    return html('<a href="{0}" hx-get="{0}" title="{1}">{2}{3}</a>', link(other), column.hint, column.label, mark)


def drawer(column: Column, first: bool) -> Draw:
    draw = _drawer(column)
    if not first:
        return draw
    # The link must have words to click on, whatever the cell holds.
    return lambda row: html(
        '<a class="open" href="{0}" hx-get="{0}" hx-target="#drawer" hx-push-url="false">{1}</a>',
        row.url,
        draw(row) or row.record.name or "record",
    )


def _drawer(column: Column) -> Draw:
    if column.metric:
        metric = column.metric
        return lambda row: score(metric, row)
    if column.path:
        of_payload = column.path[0] in PAYLOAD
        return lambda row: (
            cells.EXPIRED if of_payload and row.previews.expired else cells.preview(row.previews.get(column.path))
        )
    look = LOOKS.get(column.field, cells.words)
    return lambda row: look(column.value_of(row.record))


def score(metric: Metric, row: Row) -> Any:
    current, latest = row.scores.get(metric.id), row.latest.get(metric.id)
    drawn = cells.score(metric, current, latest)
    return cells.settling(row.id, metric.id, drawn) if cells.is_awaited(current, latest) else drawn


def awaited(rows: Iterable[Row], columns: Iterable[Column]) -> list[tuple[UUID, int]]:
    """(record, metric) of the cells that are pending."""
    metrics = [column.metric.id for column in columns if column.metric]
    return [(row.id, id) for row in rows for id in metrics if cells.is_awaited(row.scores.get(id), row.latest.get(id))]


LOOKS: dict[str, Callable[[Any], Any]] = {
    "id": cells.short_id,
    "created_at": cells.moment,
    "source": cells.source,
    "status": cells.scoring_status,
    "tags": cells.tags,
    "latency_ms": cells.duration,
    "ttft_ms": cells.duration,
    "tokens": cells.whole,
    "tokens_in": cells.whole,
    "tokens_out": cells.whole,
    "cost": cells.money,
}

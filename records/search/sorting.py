"""What a list may be sorted by: the time, a number of the record, or the current value of a metric."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from records.filterlang import Compare, MetricInfo, Node, Vocabulary, clauses
from records.filterlang.fields import FIELDS
from records.models import ValueType
from records.search.plan import Search

DEFAULT = "-created"
METRIC = "metric."
SORTED_TYPES = (ValueType.NUMERICAL, ValueType.BOOLEAN)
COMPARED = (":", "=", "<", "<=", ">", ">=", "between")


@dataclass(frozen=True, slots=True)
class Number:
    """A column of record; `of_trace` is what stands for it on a root that has none of its own."""

    column: str
    type: type = int
    of_trace: str = ""


# By the names of the filter language; each column has an index.
NUMBERS = {
    "latency": Number("latency_ms"),
    "ttft": Number("ttft_ms"),
    "tokens": Number("tokens", of_trace="trace_tokens"),
    "tokens.input": Number("tokens_in"),
    "tokens.output": Number("tokens_out"),
    "cost": Number("cost", Decimal, "trace_cost"),
}
SORTS = ("created", *NUMBERS)  # of every project; its metrics come on top


@dataclass(frozen=True, slots=True)
class Sorting:
    """A search's order by a number. Records without it stand last, newest first, whichever way it goes."""

    name: str
    descending: bool
    number: Number | None = None
    metric: MetricInfo | None = None

    @property
    def type(self) -> type:
        return float if self.number is None else self.number.type

    @property
    def value(self) -> str:
        """SQL over `record r`, or over its current score `s`."""
        if self.number is None:
            return "s.value"
        own = f"r.{self.number.column}"
        return f"coalesce({own}, r.{self.number.of_trace})" if self.number.of_trace else own

    def missing(self) -> tuple[str, list[Any]]:
        """The condition, over `record r`, that there is no such number."""
        if self.number is None:
            return (
                "NOT EXISTS (SELECT FROM score s WHERE s.project_id = r.project_id AND s.record_id = r.id "
                "AND s.is_current AND s.metric_id = %s AND s.value IS NOT NULL)",
                [self.metric.id],
            )
        names = filter(None, (self.number.column, self.number.of_trace))
        return " AND ".join(f"r.{name} IS NULL" for name in names), []

    def is_compared(self, node: Node) -> bool:
        """Whether the filter itself leaves out the records without the number."""
        return any(
            isinstance(part, Compare) and part.field.text == self.name and part.op in COMPARED for part in clauses(node)
        )


def sorts_of(vocabulary: Vocabulary) -> list[str]:
    """All that a list of this project may be sorted by, without their signs."""
    return [*SORTS, *(f"{METRIC}{metric.slug}" for metric in sortable(vocabulary.metrics.values()))]


def sortable(metrics: Iterable[MetricInfo]) -> list[MetricInfo]:
    return [metric for metric in metrics if metric.value_type in SORTED_TYPES]


def in_words(sort: str, vocabulary: Vocabulary) -> str:
    """The end of a sentence about a list: "by cost, highest first"."""
    name, descending = sort.removeprefix("-"), sort.startswith("-")
    if name == "created":
        return "newest first" if descending else "oldest first"
    said = vocabulary.metrics[name.removeprefix(METRIC)].name if name.startswith(METRIC) else FIELDS[name].label
    return f"by {said}, {'highest' if descending else 'lowest'} first"


def sorting_of(search: Search) -> Sorting | None:
    """None: by time. Raises KeyError for what is not among `sorts_of`."""
    name, descending = search.sort.removeprefix("-"), search.sort.startswith("-")
    if name == "created":
        return None
    if name.startswith(METRIC):
        return Sorting(name, descending, metric=search.vocabulary.metrics[name.removeprefix(METRIC)])
    return Sorting(name, descending, NUMBERS[name])


def opposite(sort: str) -> str:
    return sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"


def value_of(search: Search, sorting: Sorting, record: Any) -> Any:
    """The number that `record` (a row or a Record) is sorted by; None where it has none."""
    if sorting.number is not None:
        own = getattr(record, sorting.number.column)
        return getattr(record, sorting.number.of_trace) if own is None and sorting.number.of_trace else own
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value FROM score WHERE project_id = %s AND record_id = %s AND metric_id = %s AND is_current",
            [search.project_id, record.id, sorting.metric.id],
        )
        found = cursor.fetchone()
    return found[0] if found else None

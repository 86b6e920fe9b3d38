"""What the bars of the history chart are stacked by: status, source, or how one metric was scored."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerChoices

from records.models import Metric, Outcome, RecordStatus, Source, ValueType


@dataclass(frozen=True, slots=True)
class Stack:
    """`key` stands in the URL. With a `metric` the bars count its current scores, without it records."""

    key: str
    label: str
    column: str
    names: type[IntegerChoices]
    metric: Any = None  # Metric, or None

    @property
    def sql(self) -> str:
        """The column in a query over `record r`, or over `score h` beside it."""
        return f"h.{self.column}" if self.metric else f"r.{self.column}"


STATUS = Stack("status", "Status", "status", RecordStatus)
SOURCE = Stack("source", "Source", "source", Source)


def by_metric(metric: Metric) -> Stack:
    return Stack(f"metric.{metric.slug}", metric.name, "outcome", Outcome, metric)


def stacks(metrics: Iterable[Metric]) -> list[Stack]:
    """All there are to choose from. A comment neither passes nor fails."""
    return [STATUS, SOURCE, *(by_metric(metric) for metric in metrics if metric.value_type != ValueType.COMMENT)]

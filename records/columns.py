"""What a column of the records table is: its key in the URL, its heading, and which data it needs fetched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from records.column_keys import parts_of
from records.models import Metric, ValueType
from records.search.sorting import SORTED_TYPES

PAYLOAD_FIELDS = ("inputs", "outputs", "expected")
MAX_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Column:
    """`field` is a column of record; `path` a way into payload or metadata; `metric` a metric. One of them is set."""

    key: str
    label: str
    css: str
    field: str = ""
    path: tuple[str, ...] = ()
    metric: Metric | None = None
    of_trace: str = ""  # the column of record that is shown where a root has nothing in `field`
    sort: str = ""  # what the list is sorted by on a click; empty: not sortable
    hint: str = ""
    quiet: bool = False  # its heading is for screen readers alone: the cells are icons

    def value_of(self, record: Any) -> Any:
        """What the cell of `field` shows: of a root that only calls others, and has no cost of its own, its trace's."""
        own = getattr(record, self.field)
        return getattr(record, self.of_trace) if own is None and self.of_trace else own


BASE = {
    column.key: column
    for column in (
        Column("id", "ID", "c-id", field="id"),
        Column("created", "Created", "c-time", field="created_at", sort="created"),
        Column("created_by", "Created by", "c-text", field="created_by"),
        Column("name", "Name", "c-text", field="name"),
        Column("kind", "Kind", "c-s", field="kind"),
        Column("source", "Source", "c-source", field="source", quiet=True),
        Column("status", "Scoring", "c-s", field="status"),
        Column("environment", "Environment", "c-text", field="environment"),
        Column("customer", "Customer", "c-text", field="customer"),
        Column("thread", "Thread", "c-text", field="thread"),
        Column("model", "Model", "c-model", field="model"),
        Column("provider", "Provider", "c-text", field="provider"),
        Column("prompt", "Prompt", "c-text", field="prompt"),
        Column("prompt_version", "Prompt v.", "c-s num", field="prompt_version"),
        Column("experiment", "Experiment", "c-text", field="experiment"),
        Column("case", "Case", "c-text", field="case_id"),
        Column("tags", "Tags", "c-text", field="tags"),
        Column("error", "Error", "c-note", field="error"),
        Column("latency", "Latency", "c-s num", field="latency_ms", sort="latency"),
        Column("ttft", "First token", "c-s num", field="ttft_ms", sort="ttft"),
        Column("tokens", "Tokens", "c-s num", field="tokens", of_trace="trace_tokens", sort="tokens"),
        Column("tokens.input", "Tokens in", "c-s num", field="tokens_in", sort="tokens.input"),
        Column("tokens.output", "Tokens out", "c-s num", field="tokens_out", sort="tokens.output"),
        Column("cost", "Cost", "c-end num", field="cost", of_trace="trace_cost", sort="cost"),
    )
}

METRIC_CSS = {
    ValueType.NUMERICAL: "c-num",
    ValueType.BOOLEAN: "c-bool",
    ValueType.CATEGORICAL: "c-cat",
    ValueType.COMMENT: "c-note",
}

BEFORE_METRICS = ("created", "inputs", "outputs", "source", "model")
AFTER_METRICS = ("latency", "cost")
DEFAULT_METRICS = 5


def default_keys(metrics: Sequence[Metric]) -> list[str]:
    """The table of someone who has chosen nothing: what went in and out, the first metrics, time and money."""
    return [*BEFORE_METRICS, *(f"metric.{metric.slug}" for metric in metrics[:DEFAULT_METRICS]), *AFTER_METRICS]


def chosen(keys: Iterable[str], metrics: Sequence[Metric]) -> list[Column]:
    """The columns of these keys, in their order, each once; keys that name nothing are left out."""
    by_slug = {metric.slug: metric for metric in metrics}
    found = (column_of(key, by_slug) for key in dict.fromkeys(keys))
    return [column for column in found if column][:MAX_COLUMNS]


def column_of(key: str, metrics: dict[str, Metric]) -> Column | None:
    if key in BASE:
        return BASE[key]
    head, *path = parts_of(key) or ("",)
    rest = ".".join(path)
    if head in PAYLOAD_FIELDS:
        label = rest or {"inputs": "Input", "outputs": "Output", "expected": "Expected"}[head]
        return Column(key, label, "c-out dim" if head != "inputs" else "c-in", path=(head, *path))
    if head == "metadata" and path:
        return Column(key, rest, "c-text", path=(head, *path))
    if head == "metric" and rest in metrics:
        metric = metrics[rest]
        css, sort = METRIC_CSS[ValueType(metric.value_type)], key if metric.value_type in SORTED_TYPES else ""
        return Column(key, metric.name, css, metric=metric, sort=sort, hint=hint_of(metric))
    return None


def hint_of(metric: Metric) -> str:
    """The metric in a few words: type, range, what passes."""
    words = [metric.value_type]
    if metric.value_type == ValueType.NUMERICAL:
        if metric.min_score is not None and metric.max_score is not None:
            words[0] += f" {metric.min_score:g} to {metric.max_score:g}"
        if metric.passing_score is not None:
            words.append(f"passes {'from' if metric.direction == 'higher' else 'up to'} {metric.passing_score:g}")
    elif metric.value_type == ValueType.BOOLEAN and metric.passing_value is not None:
        words.append(f"passes when {'yes' if metric.passing_value else 'no'}")
    elif metric.value_type == ValueType.CATEGORICAL and metric.passing_choices:
        words.append("passes: " + ", ".join(metric.passing_choices))
    return ", ".join(words)

"""Filter by this value: the conditions that a cell of the records table stands for."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from records.columns import PAYLOAD_FIELDS, Column
from records.completion import plain_key, plain_value
from records.filterlang import Compare, FilterError, Node, Not, Vocabulary, in_words, joined, parse, quoted, to_text
from records.models import Metric, Outcome, Record, RecordStatus, ScoreStatus, Source, ValueType

MAX_CHARS = 120  # of a text: what is longer is looked for by its beginning
MAX_KEYS = 8  # of an object that are offered
SHORT = 40  # characters of a value that several records may have
IN_SECONDS = ("latency_ms", "ttft_ms")
NUMBERS = (*IN_SECONDS, "tokens", "tokens_in", "tokens_out", "cost")


class Narrowing(NamedTuple):
    """A condition in words, and the whole filter with it, and with its opposite. `rank`: 0 for what people filter by
    most, more for less."""

    words: str
    q: str
    without: str
    rank: int = 0


def narrowings(node: Node, clauses: Iterator[str], vocabulary: Vocabulary, zone: tzinfo) -> list[Narrowing]:
    """The filter `node` narrowed by each clause; one that the language does not take is left out."""
    found = []
    for clause in clauses:
        try:
            more = parse(clause, vocabulary)
        except FilterError:
            continue
        kept, left = to_text(joined(node, more)), to_text(joined(node, Not(more)))
        found.append(Narrowing(in_words(more, zone), kept, left, _rank(more)))
    return found


def _rank(node: Node) -> int:
    """Verdicts, then what there are few of, then numbers; last what one record has alone."""
    if not isinstance(node, Compare) or node.op == "null":
        return 5
    kind = (node.field.spec.column or node.field.spec).kind
    if kind == "outcome":
        return 0
    if kind in ("uuid", "exact", "payload", "score_text") or any(len(value.raw) > SHORT for value in node.values):
        return 4
    return {"number": 3, "score_number": 3, "time": 3, "json": 2}.get(kind, 1)


def clauses_of(column: Column, record: Record, payload: Mapping[str, Any], score: Any, zone: tzinfo) -> Iterator[str]:
    """Conditions that this record meets by what the column shows of it. `payload` has inputs, outputs, expected."""
    if column.metric:
        return _of_score(column.metric, score)
    if column.path:
        head, *keys = column.path
        value = payload.get(head) if head in PAYLOAD_FIELDS else record.metadata
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return _of_value(".".join([head, *map(plain_key, keys)]), value, whole=not keys)
    return _of_field(column.key, column.value_of(record), column.field, zone)


def _of_field(key: str, value: Any, field: str, zone: tzinfo) -> Iterator[str]:
    if field == "tags":
        yield from (f"tag:{plain_value(tag)}" for tag in value)
    elif field == "created_at":
        yield f"created = {value.astimezone(zone):%Y-%m-%d}"
    elif field in ("source", "status"):
        yield f"{key}:{(Source if field == 'source' else RecordStatus)(value).label}"
    elif value is None or value == "":
        yield f"{key} IS NULL"
    elif field in NUMBERS:
        number = format(Decimal(value) / 1000 if field in IN_SECONDS else Decimal(value), "f")
        yield f"{key} >= {number}"
        yield f"{key} <= {number}"
    else:
        yield f"{key}:{plain_value(str(value))}"


def _of_value(name: str, value: Any, whole: bool) -> Iterator[str]:
    if isinstance(value, dict):
        scalars = [(key, inner) for key, inner in value.items() if not isinstance(inner, dict | list)]
        for key, inner in scalars[:MAX_KEYS]:
            yield from _of_value(f"{name}.{plain_key(key)}", inner, whole=False)
    elif isinstance(value, bool | int | float):
        yield f"{name}:{orjson.dumps(value).decode()}"
    elif isinstance(value, str) and value:
        if whole:
            yield f"{name}:{quoted(value[:MAX_CHARS])}"  # a text search
        elif len(value) > MAX_CHARS:
            yield f"{name} CONTAINS {quoted(value[:MAX_CHARS])}"
        else:
            yield f"{name}:{plain_value(value)}"
    elif value is None and not whole:
        yield f"{name} IS NULL"


def _of_score(metric: Metric, score: Any) -> Iterator[str]:
    name = f"metric.{metric.slug}"
    if score is None:
        return
    yield f"{name}.status:{Outcome(score.outcome).label}"
    if score.status != ScoreStatus.COMPLETED:
        return
    if metric.value_type == ValueType.NUMERICAL and score.numerical_value is not None:
        yield f"{name} >= {score.numerical_value:.12g}"
        yield f"{name} <= {score.numerical_value:.12g}"
    elif metric.value_type == ValueType.BOOLEAN and score.boolean_value is not None:
        yield f"{name}:{str(score.boolean_value).lower()}"
    elif metric.value_type == ValueType.CATEGORICAL:
        yield from (f"{name}:{plain_value(choice)}" for choice in score.categorical_value or [])

"""What evaluators are given of records: the unified inputs, with the messages they hold and, where asked, the trace."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from records.conversation import Message, messages_of
from records.models import Payload, Record
from records.unified import METADATA, METRICS, metadata_of, metrics_of, unified_inputs

EXPIRED = "payload_expired"  # among a record's inputs where its payload is kept no longer
PAYLOAD_NAMES = frozenset({"input", "output", "expected", "messages", "trace"})
MAX_TRACE_SPANS = 500  # of one record's trace, the earliest
NAMES = ("input", "output", "expected", "metadata", "metrics", "messages", "trace")
TEXTS = {"input": "inputs", "output": "outputs", "expected": "expected"}  # a column of the payload each

# What is asked of a record: half of what it has.
COLUMNS = tuple(dict.fromkeys(("id", "kind", "error", *METRICS.values(), *METADATA.values(), "metrics", "metadata")))
STORED_TEXTS = """
SELECT r.id, y.record_id IS NULL, {columns}
FROM record r LEFT JOIN payload y ON y.project_id = r.project_id AND y.record_id = r.id
WHERE r.project_id = %s AND r.id = ANY(%s)
"""


def inputs_of(
    project_id: int, record_ids: Collection[UUID], *, trace: bool = False, messages: bool = True
) -> dict[UUID, dict[str, Any]]:
    """By record id {input, output, expected, metrics, metadata, messages}, and `trace` where asked; JSON values only.
    Without `messages` where nobody reads them: they take as long as all the rest.

    Three queries, or four. Records that the project does not have are left out; those whose payload is kept no longer
    have `EXPIRED` beside their other inputs: what asks for any of PAYLOAD_NAMES cannot say anything of them.
    """
    records = Record.objects.filter(project_id=project_id, id__in=record_ids).values_list(*COLUMNS, named=True)
    payloads = _payloads(project_id, [record.id for record in records])
    found = {record.id: unified_inputs(record, payloads.get(record.id)) for record in records}
    if messages:
        found = {id: with_messages(inputs) for id, inputs in found.items()}
    for id in found.keys() - payloads.keys():
        found[id][EXPIRED] = True
    if trace:
        spans = _traces(project_id, {record.trace_id for record in records if record.trace_id})
        for record in records:
            own = spans.get(record.trace_id) or [_span(record, payloads.get(record.id))]
            found[record.id]["trace"] = {"spans": own}
    return found


def texts_of(project_id: int, record_ids: Collection[UUID], names: Collection[str]) -> dict[UUID, dict[str, Any]]:
    """`inputs_of` for whoever asks for no more than `names`, of TEXTS, and only passes them on: as the JSON that is
    stored, which is neither read nor written here."""
    with connection.cursor() as cursor:
        columns = ", ".join(f"y.{TEXTS[name]}::text" for name in names)
        cursor.execute(STORED_TEXTS.format(columns=columns), [project_id, list(record_ids)])
        found: dict[UUID, dict[str, Any]] = {}
        for id, expired, *texts in cursor.fetchall():
            found[id] = {name: text and orjson.Fragment(text) for name, text in zip(names, texts, strict=True)}
            if expired:
                found[id][EXPIRED] = True
    return found


def with_messages(inputs: dict[str, Any]) -> dict[str, Any]:
    """The same with `messages`: the conversation of input and output, each {"role", "content"}, as text.

    Where neither is a conversation, plain texts stand as one message of the user and one of the assistant.
    """
    return inputs | {
        "messages": [*_messages(inputs.get("input"), "user"), *_messages(inputs.get("output"), "assistant")]
    }


def _messages(value: Any, role: str) -> list[dict[str, str]]:
    held = messages_of(value)
    if held is not None:
        return [{"role": message.role, "content": _text(message)} for message in held]
    return [{"role": role, "content": value}] if isinstance(value, str) and value else []


def _text(message: Message) -> str:
    return "\n".join(f"[{part.title}] {part.text}" if part.title else part.text for part in message.parts)


def _payloads(project_id: int, ids: Iterable[UUID]) -> dict[UUID, Payload]:
    rows = Payload.objects.filter(project_id=project_id, record_id__in=list(ids)).defer("search_text")
    return {row.record_id: row for row in rows}


def _traces(project_id: int, trace_ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """By trace id its spans in order of time, each with what it was given and gave."""
    if not trace_ids:
        return {}
    rows = Record.objects.filter(project_id=project_id, trace_id__in=trace_ids).exclude(trace_id="")
    by_trace: dict[str, list[Record]] = defaultdict(list)
    for row in rows.order_by("created_at", "id").iterator():
        if len(by_trace[row.trace_id]) < MAX_TRACE_SPANS:
            by_trace[row.trace_id].append(row)
    payloads = _payloads(project_id, [row.id for group in by_trace.values() for row in group])
    return {id: [_span(row, payloads.get(row.id)) for row in group] for id, group in by_trace.items()}


def _span(record: Record, payload: Payload | None) -> dict[str, Any]:
    payload = payload or Payload()
    return {
        "name": record.name,
        "kind": record.kind,
        "span_id": record.span_id,
        "parent_id": record.parent_id,
        "input": payload.inputs,
        "output": payload.outputs,
        "error": record.error,
        "metrics": metrics_of(record),
        "metadata": metadata_of(record),
    }


OLD_NAMES = {
    "inputs": "input", "llm_input": "input", "outputs": "output", "llm_output": "output",
    "expected_output": "expected",
}  # fmt: skip


def given_inputs(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Unified inputs that somebody typed in or sent, under today's names and with `messages`.

    Raises ValueError, whose message names what is wrong.
    """
    given: dict[str, Any] = {"input": None, "output": None, "expected": None, "metrics": {}, "metadata": {}}
    for name, value in sent.items():
        name = OLD_NAMES.get(name, name)
        if name not in NAMES:
            raise ValueError(f"There is no {name}: inputs have {', '.join(NAMES)}.")
        given[name] = value
    for name in ("metrics", "metadata"):
        given[name] = {} if given[name] is None else given[name]
        if not isinstance(given[name], dict):
            raise ValueError(f"{name} must be an object.")
    if given.get("trace") is not None and not (
        isinstance(given["trace"], dict)
        and isinstance(given["trace"].get("spans"), list)
        and all(isinstance(span, dict) for span in given["trace"]["spans"])
    ):
        raise ValueError('trace must be an object with spans: {"spans": [{"name": "search", "kind": "retriever"}]}.')
    return given if given.get("messages") else with_messages(given)

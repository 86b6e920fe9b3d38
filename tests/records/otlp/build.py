"""Spans as an exporter would send them, built from plain Python values."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE_ID = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN_ID = bytes.fromhex("eee19b7ec3c1b174")
START = 1_780_000_000_000_000_000  # 2026-05-28T20:26:40Z


def value(of: Any) -> AnyValue:
    match of:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=of)
        case int():
            return AnyValue(int_value=of)
        case float():
            return AnyValue(double_value=of)
        case bytes():
            return AnyValue(bytes_value=of)
        case list():
            return AnyValue(array_value={"values": [value(item) for item in of]})
        case dict():
            return AnyValue(kvlist_value={"values": pairs(of)})
    return AnyValue(string_value=of)


def pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=name, value=value(of)) for name, of in attributes.items()]


def event(name: str, attributes: Mapping[str, Any] | None = None, time: int = START) -> Span.Event:
    return Span.Event(name=name, time_unix_nano=time, attributes=pairs(attributes or {}))


def span(attributes: Mapping[str, Any] | None = None, number: int = 0, **fields: Any) -> Span:
    """A span of one second; another `number` is another span of the trace."""
    fields = {
        "trace_id": TRACE_ID, "span_id": (int.from_bytes(SPAN_ID) + number).to_bytes(8), "name": "chat",
        "start_time_unix_nano": START, "end_time_unix_nano": START + 10**9,
    } | fields  # fmt: skip
    return Span(attributes=pairs(attributes or {}), **fields)


def request(
    spans: Sequence[Span], resource: Mapping[str, Any] | None = None, scope: str = ""
) -> ExportTraceServiceRequest:
    sent = ExportTraceServiceRequest()
    group = sent.resource_spans.add()
    group.resource.attributes.extend(pairs(resource or {}))
    scoped = group.scope_spans.add()
    scoped.scope.name = scope
    scoped.spans.extend(spans)
    return sent


def evaluation(name: str, value: float | None = None, label: str = "", explanation: str = "") -> Span.Event:
    said = {"name": name, "score.value": value, "score.label": label or None, "explanation": explanation or None}
    named = {f"gen_ai.evaluation.{part}": of for part, of in said.items() if of is not None}
    return event("gen_ai.evaluation.result", named)


def hex_of(base64_id: str) -> str:
    return b64decode(base64_id).hex()

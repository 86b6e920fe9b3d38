"""OTLP's binary encoding: ExportTraceServiceRequest -> spans."""

import base64
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from records.otlp.spans import BadSpan, Decoded, Event, Origin, Span, Undecodable, finite, storable

NO_TRACE, NO_SPAN = bytes(16), bytes(8)


def spans_from_protobuf(body: bytes) -> Decoded:
    """Raises Undecodable."""
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Undecodable(f"The body is not an ExportTraceServiceRequest in protobuf: {error}") from error
    return spans_from_request(request)


def spans_from_request(request: ExportTraceServiceRequest) -> Decoded:
    decoded = Decoded()
    number = 0
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = scoped.scope
            origin = Origin(resource, storable(scope.name), storable(scope.version), _attributes(scope.attributes))
            for sent in scoped.spans:
                reason = _reason_against(sent)
                if reason:
                    decoded.bad.append(BadSpan(number, storable(sent.name), reason))
                else:
                    decoded.spans.append(_span(sent, origin))
                number += 1
    return decoded


def _reason_against(sent: trace_pb2.Span) -> str:
    if len(sent.trace_id) != 16 or sent.trace_id == NO_TRACE:
        return "it has no valid trace id (16 bytes, not all zero)."
    if len(sent.span_id) != 8 or sent.span_id == NO_SPAN:
        return "it has no valid span id (8 bytes, not all zero)."
    return ""


def _span(sent: trace_pb2.Span, origin: Origin) -> Span:
    parent = sent.parent_span_id
    dropped = {
        "attributes": sent.dropped_attributes_count, "events": sent.dropped_events_count,
        "links": sent.dropped_links_count,
    }  # fmt: skip
    return Span(
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_id="" if not parent or parent == NO_SPAN or parent == sent.span_id else parent.hex(),
        name=storable(sent.name),
        kind=sent.kind,
        start=sent.start_time_unix_nano,
        end=sent.end_time_unix_nano,
        attributes=_attributes(sent.attributes),
        events=[Event(storable(e.name), e.time_unix_nano, _attributes(e.attributes)) for e in sent.events],
        status=sent.status.code,
        status_message=storable(sent.status.message),
        links=[
            {"trace_id": e.trace_id.hex(), "span_id": e.span_id.hex(), "attributes": _attributes(e.attributes)}
            for e in sent.links
        ],
        state=storable(sent.trace_state),
        dropped=dropped,
        origin=origin,
        size=sent.ByteSize(),
    )


def _attributes(sent: Iterable[KeyValue]) -> dict[str, Any]:
    found = {}
    for item in sent:
        name, value = item.key, item.value
        if "\0" in name:
            name = storable(name)
        # Most are text: the shortest way for it, since this is where decoding spends its time.
        found[name] = storable(value.string_value) if value.HasField("string_value") else _value(value)
    return found


def _value(sent: AnyValue) -> Any:
    """Nesting is bounded by the parser, which refuses more than 100 levels of messages."""
    match sent.WhichOneof("value"):
        case "string_value":
            return storable(sent.string_value)
        case "int_value":
            return sent.int_value
        case "double_value":
            return finite(sent.double_value)
        case "bool_value":
            return sent.bool_value
        case "array_value":
            return [_value(item) for item in sent.array_value.values]
        case "kvlist_value":
            return _attributes(sent.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(sent.bytes_value).decode()
    return None

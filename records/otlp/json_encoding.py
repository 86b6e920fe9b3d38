"""OTLP's JSON encoding -> spans. It is not protobuf's own JSON: ids are hex, enums are numbers.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import orjson

from records.limits import MAX_JSON_DEPTH
from records.otlp.spans import (
    SPAN_ID_DIGITS,
    TRACE_ID_DIGITS,
    BadSpan,
    Decoded,
    Event,
    Origin,
    Span,
    Undecodable,
    finite,
    storable,
)
from records.sanitize import repaired

KIND_NAMES = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
SPAN_KINDS = {f"SPAN_KIND_{name}": number for number, name in enumerate(KIND_NAMES)}
STATUS_CODES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
MAX_UINT64 = 2**64 - 1


class _Malformed(ValueError):
    pass


def spans_from_json(body: bytes) -> Decoded:
    """Raises Undecodable when the frame around the spans is wrong; a wrong span is refused alone."""
    request = _loaded(body)
    decoded = Decoded()
    number = 0
    try:
        for group in _objects(request, "resourceSpans"):
            resource = _attributes(_object(group, "resource"))
            for scoped in _objects(group, "scopeSpans"):
                scope = _object(scoped, "scope")
                origin = Origin(resource, _text(scope, "name"), _text(scope, "version"), _attributes(scope))
                for sent in _list(scoped, "spans"):
                    _add(decoded, sent, origin, number)
                    number += 1
    except _Malformed as wrong:
        raise Undecodable(f"The body is not an OTLP trace export: {wrong}") from wrong
    return decoded


def _loaded(body: bytes) -> Mapping[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as strict:
        # Senders of NaN and of half a surrogate pair cannot be asked to send the span again.
        try:
            request = repaired(json.loads(body))
        except (ValueError, RecursionError):
            raise Undecodable(
                f"The body is not valid JSON: {strict.msg} (line {strict.lineno}, column {strict.colno})."
            ) from strict
    if not isinstance(request, dict):
        raise Undecodable("The body is not an OTLP trace export: it must be an object.")
    return request


def _add(decoded: Decoded, sent: Any, origin: Origin, number: int) -> None:
    name = ""
    try:
        if not isinstance(sent, dict):
            raise _Malformed("it must be an object.")
        name = _text(sent, "name")
        decoded.spans.append(_span(sent, name, origin))
    except _Malformed as wrong:
        decoded.bad.append(BadSpan(number, name, str(wrong)))


def _span(sent: dict[str, Any], name: str, origin: Origin) -> Span:
    span_id = _id(sent, "spanId", SPAN_ID_DIGITS)
    if not span_id:
        raise _Malformed("it has no valid span id (16 hex digits, not all zero).")
    trace_id = _id(sent, "traceId", TRACE_ID_DIGITS)
    if not trace_id:
        raise _Malformed("it has no valid trace id (32 hex digits, not all zero).")
    parent = _id(sent, "parentSpanId", SPAN_ID_DIGITS)
    status = _object(sent, "status")
    attributes = _attributes(sent)
    events = [Event(_text(e, "name"), _number(e, "timeUnixNano"), _attributes(e)) for e in _objects(sent, "events")]
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id="" if parent == span_id else parent,
        name=name,
        kind=_enum(sent, "kind", SPAN_KINDS),
        start=_number(sent, "startTimeUnixNano"),
        end=_number(sent, "endTimeUnixNano"),
        attributes=attributes,
        events=events,
        status=_enum(status, "code", STATUS_CODES),
        status_message=_text(status, "message"),
        links=[
            {"trace_id": _text(e, "traceId"), "span_id": _text(e, "spanId"), "attributes": _attributes(e)}
            for e in _objects(sent, "links")
        ],
        state=_text(sent, "traceState"),
        dropped={what: _number(sent, f"dropped{what.title()}Count") for what in ("attributes", "events", "links")},
        origin=origin,
        size=_size(attributes) + sum(_size(event.attributes) for event in events),
    )


def _get(sent: Mapping[str, Any], name: str) -> Any:
    """The field under its JSON name, else under its name in the .proto file."""
    value = sent.get(name)
    return sent.get(_snake(name)) if value is None else value


@cache
def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _list(sent: Mapping[str, Any], name: str) -> list[Any]:
    value = _get(sent, name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Malformed(f"{name} must be an array.")
    return value


def _objects(sent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    values = _list(sent, name)
    if not all(isinstance(value, dict) for value in values):
        raise _Malformed(f"{name} must be an array of objects.")
    return values


def _object(sent: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = _get(sent, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Malformed(f"{name} must be an object.")
    return value


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = _get(sent, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Malformed(f"{name} must be text.")
    return storable(value)


def _number(sent: Mapping[str, Any], name: str) -> int:
    """64-bit numbers come as text, small ones often do not."""
    value = _get(sent, name)
    if value is None or value == "":
        return 0
    try:
        number = int(value) if isinstance(value, str | int | float) else -1
    except (ValueError, OverflowError):
        number = -1
    if not 0 <= number <= MAX_UINT64:
        raise _Malformed(f"{name} must be a whole number.")
    return number


def _enum(sent: Mapping[str, Any], name: str, names: Mapping[str, int]) -> int:
    value = _get(sent, name)
    return names.get(value, 0) if isinstance(value, str) else _number(sent, name)


def _id(sent: Mapping[str, Any], name: str, digits: int) -> str:
    """Lower-case hex; "" when absent, all zero or no id at all."""
    text = _text(sent, name).lower()
    if len(text) != digits or text.strip("0") == "" or not text.isascii() or not text.isalnum():
        return ""
    try:
        bytes.fromhex(text)
    except ValueError:
        return ""
    return text


def _attributes(sent: Mapping[str, Any], name: str = "attributes", depth: int = 0) -> dict[str, Any]:
    found = {}
    for item in _objects(sent, name):
        found[_text(item, "key")] = _value(_object(item, "value"), depth)
    return found


def _value(sent: Mapping[str, Any], depth: int) -> Any:
    if depth > MAX_JSON_DEPTH:
        raise _Malformed(f"an attribute is nested deeper than {MAX_JSON_DEPTH} levels.")
    for name, value in sent.items():
        read = READERS.get(name)
        if read is not None and value is not None:
            return read(value, depth)
    return None


def _string(value: Any, depth: int) -> str:
    if not isinstance(value, str):
        raise _Malformed("a stringValue must be text.")
    return storable(value)


def _int(value: Any, depth: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = MAX_UINT64
    if not -(2**63) <= number < 2**63:
        raise _Malformed("an intValue must be a whole number of 64 bits.")
    return number


def _double(value: Any, depth: int) -> float | None:
    try:
        return finite(float(value))
    except (TypeError, ValueError, OverflowError):
        raise _Malformed("a doubleValue must be a number.") from None


def _bool(value: Any, depth: int) -> bool:
    return value is True or value == "true"


def _bytes(value: Any, depth: int) -> str:
    """Base64 in the standard alphabet, whichever alphabet it came in."""
    try:
        return b64encode(b64decode(str(value).replace("-", "+").replace("_", "/") + "==")).decode()
    except (binascii.Error, ValueError):
        raise _Malformed("a bytesValue must be base64.") from None


def _array(value: Any, depth: int) -> list[Any]:
    if not isinstance(value, dict):
        raise _Malformed("an arrayValue must be an object.")
    return [_value(item, depth + 1) for item in _objects(value, "values")]


def _kvlist(value: Any, depth: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Malformed("a kvlistValue must be an object.")
    return _attributes(value, "values", depth + 1)


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "stringValue": _string, "intValue": _int, "doubleValue": _double, "boolValue": _bool, "arrayValue": _array,
    "kvlistValue": _kvlist, "bytesValue": _bytes,
}  # fmt: skip
READERS = _READERS | {_snake(name): read for name, read in _READERS.items()}


def _size(attributes: Mapping[str, Any]) -> int:
    """About the bytes of the attributes: exactly only where they hold more than text."""
    size = 0
    for name, value in attributes.items():
        size += len(name) + (len(value) if isinstance(value, str) else len(orjson.dumps(value, default=str)))
    return size

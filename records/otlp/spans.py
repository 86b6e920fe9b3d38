"""A span as OTLP means it, whatever encoding it came in: plain Python values, ids in lower-case hex."""

import math
from dataclasses import dataclass, field
from typing import Any

TRACE_ID_DIGITS, SPAN_ID_DIGITS = 32, 16
STATUS_OK, STATUS_ERROR = 1, 2
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
CLIENT = 3


class Undecodable(ValueError):
    """A body that is no OTLP trace export at all. `str()` says why."""


@dataclass(slots=True)
class BadSpan:
    """A span that cannot be a record: its place in the request, its name, and why."""

    number: int
    name: str
    reason: str

    def __str__(self) -> str:
        named = f" ({self.name[:60]})" if self.name else ""
        return f"span {self.number}{named}: {self.reason}"


@dataclass(slots=True)
class Event:
    name: str
    time: int  # Unix time in nanoseconds; 0: unknown
    attributes: dict[str, Any]


# Attributes that name a field of the record also where they stand on the resource.
MAPPED_OF_RESOURCE = frozenset({
    "deployment.environment.name", "deployment.environment", "evalhub.experiment", "evalhub.tags", "evalhub.case_id",
    "session.id", "user.id",
})  # fmt: skip


class Origin:
    """What all spans of one resource and scope share: `mapped` may become fields of their records, `metadata` is shown
    on each."""

    __slots__ = ("mapped", "metadata")

    def __init__(self, resource: dict[str, Any], scope: str, scope_version: str, scope_attributes: dict) -> None:
        self.mapped = {name: value for name, value in resource.items() if name in MAPPED_OF_RESOURCE}
        self.metadata = {f"resource.{name}": value for name, value in resource.items() if name not in self.mapped}
        if scope:
            self.metadata["otel.scope.name"] = scope
        if scope_version:
            self.metadata["otel.scope.version"] = scope_version
        for name, value in scope_attributes.items():
            self.metadata[f"otel.scope.{name}"] = value


@dataclass(slots=True)
class Span:
    """Times in nanoseconds of Unix time, 0 where unknown; `size` in bytes, about as it was sent."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[Event]
    status: int
    status_message: str
    links: list[dict[str, Any]]
    state: str
    dropped: dict[str, int]
    origin: Origin
    size: int = 0


@dataclass(slots=True)
class Decoded:
    spans: list[Span] = field(default_factory=list)
    bad: list[BadSpan] = field(default_factory=list)


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def finite(number: float) -> float | None:
    """JSON knows no NaN and no infinity."""
    return number if math.isfinite(number) else None

"""Puts a trace's spans in the order and place of a waterfall. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

MAX_DEPTH = 12  # deeper spans are drawn at this depth: the names stay readable


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: where it stands in the tree and, in percent of the trace's time, where its bar lies."""

    id: UUID
    name: str
    kind: str
    depth: int
    left: float
    width: float
    seconds: float | None
    cost: Any
    error: str
    score: Any = None  # of an evaluator's span


@dataclass(frozen=True, slots=True)
class Span:
    id: UUID
    span_id: str
    parent_id: str
    name: str
    kind: str
    started_at: datetime
    latency_ms: int | None
    cost: Any = None
    error: str = ""


def in_order(spans: Iterable[Span]) -> list[tuple[Span, int]]:
    """Depth first, children by start; a span whose parent is not here stands at the top. Loops lose nothing."""
    known = {span.span_id: span for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in known.values():
        top = span.parent_id not in known or span.parent_id == span.span_id
        children["" if top else span.parent_id].append(span)
    for group in children.values():
        group.sort(key=lambda span: (span.started_at, span.id))
    out: list[tuple[Span, int]] = []
    seen: set[str] = set()

    def visit(roots: Sequence[Span]) -> None:
        stack = [(span, 0) for span in reversed(roots)]
        while stack:
            span, depth = stack.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            out.append((span, depth))
            stack += [(child, depth + 1) for child in reversed(children.get(span.span_id, []))]

    visit(children[""])
    if len(out) < len(known):  # spans that are each other's parents
        visit([span for span in known.values() if span.span_id not in seen])
    return out


def waterfall(spans: Sequence[Span], evaluations: Sequence[Any] = ()) -> tuple[list[Bar], float]:
    """Bars of the spans, then of the scores (`evaluator.<slug>`), and the length of the scale in seconds."""
    if not spans:
        return [], 0.0
    begin = min(span.started_at for span in spans)
    total = max((span.started_at - begin).total_seconds() + (span.latency_ms or 0) / 1000 for span in spans)
    scale = total or 0.001
    bars = [
        Bar(
            span.id, span.name or "span", span.kind, min(depth, MAX_DEPTH),
            round((span.started_at - begin).total_seconds() / scale * 100, 2),
            round((span.latency_ms or 0) / 1000 / scale * 100, 2),
            None if span.latency_ms is None else span.latency_ms / 1000, span.cost, span.error,
        )
        for span, depth in in_order(spans)
    ]  # fmt: skip
    for score in evaluations:
        seconds = None if score.duration_ms is None else score.duration_ms / 1000
        # Judging happens after the trace: its bar is as long as it took, at the end of the scale, never beyond it.
        width = min((seconds or 0) / scale * 100, 100)
        name = f"evaluator.{score.evaluator or score.metric.slug}"
        bars.append(
            Bar(
                score.id,
                name,
                "eval",
                0,
                round(100 - width, 2),
                round(width, 2),
                seconds,
                score.cost,
                score.error,
                score,
            )
        )
    return bars, total

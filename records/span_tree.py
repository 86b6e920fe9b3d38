"""Puts a trace's spans into a tree and chooses which of them are drawn at once. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

WHOLE_ROWS = 1_200  # a trace up to here is drawn whole
FIRST_ROWS = 300  # of a longer one, breadth first; the rest comes branch by branch
GROUP_ROWS = 200  # of one span's children at a time
OPEN_LEVELS = 30  # drawn inside one another at once; browsers stop nesting at 512 elements


class Span(NamedTuple):
    id: UUID
    span_id: str
    parent_id: str
    name: str
    kind: str
    started_at: datetime
    latency_ms: int | None
    cost: Any = None
    error: str = ""


Children = Mapping[UUID | None, Sequence[Span]]  # by their parent's record id; None: those at the top


def in_order(spans: Iterable[Span]) -> list[tuple[Span, int]]:
    """Depth first, children by start; a span whose parent is not here stands at the top. Loops lose nothing."""
    spans = list(spans)
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        top = span.parent_id not in known or span.parent_id == span.span_id
        children["" if top else span.parent_id].append(span)
    for group in children.values():
        group.sort(key=lambda span: (span.started_at, span.id))
    out: list[tuple[Span, int]] = []
    seen: set[UUID] = set()

    def visit(roots: Sequence[Span]) -> None:
        stack = [(span, 0) for span in reversed(roots)]
        while stack:
            span, depth = stack.pop()
            if span.id in seen:
                continue
            seen.add(span.id)
            out.append((span, depth))
            stack += [(child, depth + 1) for child in reversed(children.get(span.span_id, []))]

    visit(children[""])
    if len(out) < len(spans):  # spans that are each other's parents
        visit([span for span in spans if span.id not in seen])
    return out


def tree_of(spans: Iterable[Span]) -> tuple[Children, dict[UUID, UUID | None]]:
    """(children by parent, parent by child), both by record id and free of loops."""
    children: dict[UUID | None, list[Span]] = defaultdict(list)
    parents: dict[UUID, UUID | None] = {}
    path: list[UUID] = []
    for span, depth in in_order(spans):
        del path[depth:]
        parent = path[-1] if path else None
        children[parent].append(span)
        parents[span.id] = parent
        path.append(span.id)
    return children, parents


def opened(children: Children, top: UUID | None, path: Iterable[UUID] = (), whole: bool = False) -> set[UUID]:
    """The spans below `top` whose children are drawn with them: all if `whole`, else breadth first until FIRST_ROWS
    stand there, and those of `path` in any case."""
    kept, rows = set(path), 0
    found: set[UUID] = set()
    waiting = deque((span, 1) for span in children.get(top, ())[:GROUP_ROWS])
    rows += len(waiting)
    while waiting:
        span, level = waiting.popleft()
        group = children.get(span.id, ())
        if not group or level >= OPEN_LEVELS:
            continue
        if not whole and span.id not in kept and rows + min(len(group), GROUP_ROWS) > FIRST_ROWS:
            continue
        found.add(span.id)
        shown = group if whole else group[:GROUP_ROWS]
        rows += len(shown)
        waiting.extend((child, level + 1) for child in shown)
    return found

"""The clauses of a filter one by one, as the page shows them: each can be taken away."""

from dataclasses import dataclass
from datetime import tzinfo

from records.filterlang.printer import to_text
from records.filterlang.tree import And, Node, clauses
from records.filterlang.words import in_words


@dataclass(frozen=True, slots=True)
class Chip:
    """One of the conditions that all must hold. `rest` is the filter without it; `pos` and `end` its place in the text
    that was read (parentheses around it not counted)."""

    text: str
    words: str
    rest: str
    pos: int
    end: int


def chips(node: Node, zone: tzinfo | None = None) -> list[Chip]:
    """In the order of the text; none for the empty filter."""
    parts = [part for part in clauses(node) if part != And()]
    return [
        Chip(
            to_text(part),
            in_words(part, zone),
            to_text(joined(*(other for other in parts if other is not part))),
            part.pos,
            part.end,
        )
        for part in parts
    ]


def joined(*nodes: Node) -> Node:
    """All of them: And, without needless nesting. The empty filter when there are none."""
    parts = [clause for node in nodes for clause in clauses(node)]
    return parts[0] if len(parts) == 1 else And(tuple(parts))

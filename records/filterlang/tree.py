"""What a filter is, once read. Every node knows the piece of text it came from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written: `quoted` ones are never a wildcard, a number or a date of a special form."""

    raw: str
    kind: str  # word, string, bool, null
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field found in the closed world: `spec` says how it compiles, `path` where in a JSON value it looks."""

    text: str  # as canonically written: metadata.tier, metric.tone.status
    spec: Any  # records.filterlang.fields.Spec
    path: tuple[str, ...] = ()
    metric: Any = None  # MetricInfo
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op values`: one value but for `in` (any number) and `between` (two); `null` has none."""

    field: Field
    op: str  # : = < <= > >= in :in between null like ilike contains
    values: tuple[Value, ...] = ()
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A search over inputs and outputs."""

    value: Value
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    item: "Node"
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """Everything when it has no items: the empty filter."""

    items: tuple["Node", ...] = ()
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple["Node", ...] = ()
    pos: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


Node = And | Or | Not | Compare | Text


def clauses(node: Node) -> tuple[Node, ...]:
    """The conditions that all must hold: what the page shows as chips."""
    return node.items if isinstance(node, And) else (node,)


def compares(node: Node) -> Iterator[Compare]:
    """Every comparison in the tree, in the order of the text: for what must know which fields a filter uses."""
    match node:
        case Compare():
            yield node
        case Not():
            yield from compares(node.item)
        case And() | Or():
            for item in node.items:
                yield from compares(item)

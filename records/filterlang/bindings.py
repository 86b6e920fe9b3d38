"""What every part of the compiler shares: the bound parameters, the clock and zone, and how to refuse."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from records.filterlang.errors import FilterError
from records.filterlang.fields import Vocabulary
from records.filterlang.tree import Compare, Field, Value
from records.filterlang.values import like

EQUALITY = (":", "=", "in", ":in")
ORDERED = ("<", "<=", ">", ">=")
PATTERNS = ("like", "ilike", "contains")
SHOWN = {":in": "a list", "in": "IN"}


class Bindings:
    """SQL pieces are made in the order in which they stand in the statement: a parameter's place is its order."""

    def __init__(self, vocabulary: Vocabulary, now: datetime, zone: tzinfo, text: str = "") -> None:
        self.vocabulary, self.now, self.zone, self.text = vocabulary, now, zone, text
        self.params: list[Any] = []

    def bind(self, value: Any, cast: str = "") -> str:
        self.params.append(value)
        return f"%s::{cast}" if cast else "%s"

    def among(self, values: list[Any], cast: str = "") -> str:
        """`= value`, or `= ANY` of several: only a plain equality keeps an index's order."""
        if len(values) == 1:
            return f"= {self.bind(values[0], cast)}"
        return f"= ANY({self.bind(values, f'{cast}[]' if cast else '')})"

    def among_lowered(self, values: list[str]) -> str:
        """The same against lower(column). The database lowers both sides: Python's idea of lower differs (İ, Σ)."""
        lowered = [f"lower({self.bind(value, 'text')})" for value in values]
        return f"= {lowered[0]}" if len(lowered) == 1 else f"= ANY(ARRAY[{', '.join(lowered)}])"

    def refuse(self, message: str, at: Value | Field) -> FilterError:
        return FilterError(message, at.pos, at.end, self.text)

    def unsupported(self, node: Compare, takes: str) -> FilterError:
        shown = SHOWN.get(node.op, node.op.upper())
        return self.refuse(f"{shown} cannot be used with {node.field.text}; {takes}", node.field)

    def pattern(self, value: Value) -> str:
        """A LIKE pattern as the user wrote it."""
        raw = value.raw
        if raw.endswith("\\") and (len(raw) - len(raw.rstrip("\\"))) % 2:
            raise self.refuse("a pattern must not end with a backslash", value)
        return self.bind(raw, "text")


def any_of(values: tuple[Value, ...], single: Callable[[Value], str]) -> str:
    """IN and :( ) as alternatives, where no array comparison serves them."""
    parts = [single(value) for value in values]
    return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"


def is_wild(value: Value) -> bool:
    return value.kind == "word" and "*" in value.raw


def text_test(b: Bindings, node: Compare, sql: str, lower_index: bool = False) -> str:
    """A test of a text that counts as missing when it is empty."""
    op, values = node.op, node.values
    match op:
        case ":" | ":in":
            wild = [value for value in values if is_wild(value)]
            parts = [f"{sql} ILIKE {b.bind(like(v.raw, wildcards=True), 'text')} AND {sql} <> ''" for v in wild]
            if plain := [value.raw for value in values if not is_wild(value)]:
                parts.append(f"lower({sql}) {b.among_lowered(plain)}")
            return parts[0] if len(parts) == 1 else "(" + " OR ".join(f"({part})" for part in parts) + ")"
        case "=" | "in":
            raws = [value.raw for value in values]
            exact = f"{sql} {b.among(raws, 'text')}"
            return f"{exact} AND lower({sql}) {b.among_lowered(raws)}" if lower_index else exact
        case "like" | "ilike":
            return f"{sql} {op.upper()} {b.pattern(values[0])} AND {sql} <> ''"
        case "contains":
            return f"{sql} ILIKE {b.bind(f'%{like(values[0].raw)}%', 'text')} AND {sql} <> ''"
        case "between":
            low, high = (b.bind(value.raw, "text") for value in values)
            return f"{sql} BETWEEN {low} AND {high} AND {sql} <> ''"
    return f"{sql} {op} {b.bind(values[0].raw, 'text')} AND {sql} <> ''"

"""Conditions on JSON: metadata and metrics on the record, inputs, outputs and expected in its payload."""

import json
from typing import Any

from records.filterlang.bindings import ORDERED, PATTERNS, Bindings, any_of, is_wild
from records.filterlang.tree import Compare, Value
from records.filterlang.values import like, nested, number_of

PAYLOAD = "EXISTS (SELECT FROM payload y WHERE y.project_id = r.project_id AND y.record_id = r.id AND {})"


def search(b: Bindings, value: Value) -> str:
    """A bare word or quoted text: somewhere in inputs and outputs."""
    if not value.raw.strip():
        raise b.refuse("there is nothing to search for between these quotes", value)
    pattern = f"%{like(value.raw, wildcards=value.kind == 'word')}%"
    return PAYLOAD.format(f"y.search_text ILIKE {b.bind(pattern, 'text')}")


def column(b: Bindings, node: Compare) -> str:
    """A path of metadata or metrics. Equality is containment, which the GIN index serves."""
    return test(b, node, node.field.spec.sql, indexed=True)


def payload(b: Bindings, node: Compare) -> str:
    sql, path = node.field.spec.sql, node.field.path
    if node.op == "null":
        return f"(NOT {PAYLOAD.format(f'({sql} #>> {b.bind(list(path))}::text[]) IS NOT NULL')})"
    if not path and node.op in (":", ":in", "contains"):
        return PAYLOAD.format(any_of(node.values, lambda value: _somewhere(b, sql, node.op, value)))
    return PAYLOAD.format(test(b, node, sql, indexed=False))


def _somewhere(b: Bindings, sql: str, op: str, value: Value) -> str:
    """In the value's JSON text, in which quotes, backslashes and line ends are escaped."""
    if not value.raw.strip():
        raise b.refuse("there is nothing to search for between these quotes", value)
    escaped = json.dumps(value.raw, ensure_ascii=False)[1:-1]
    pattern = like(escaped, wildcards=op != "contains" and value.kind == "word")
    return f"{sql}::text ILIKE {b.bind(f'%{pattern}%', 'text')}"


def test(b: Bindings, node: Compare, sql: str, indexed: bool) -> str:
    """A value of another type than the one compared with is no match, and no error."""
    path, op = node.field.path, node.op
    if op == "null":
        return f"({_text(b, sql, path)} IS NULL)"
    if op in PATTERNS:
        at = _text(b, sql, path)
        if op == "contains":
            return f"({at} ILIKE {b.bind(f'%{like(node.values[0].raw)}%', 'text')})"
        return f"({at} {op.upper()} {b.pattern(node.values[0])})"
    if op == "between":
        low, high = node.values
        return f"({_order(b, sql, path, '>=', low)} AND {_order(b, sql, path, '<=', high)})"
    if op in ORDERED:
        return _order(b, sql, path, op, node.values[0])
    folded = op in (":", ":in")

    def single(value: Value) -> str:
        if folded and is_wild(value):
            at = _text(b, sql, path)
            return f"({at} ILIKE {b.bind(like(value.raw, wildcards=True), 'text')})"
        # Containment cannot look into an array by number, and ignores no case.
        if indexed and not any(key.isdigit() for key in path):
            parts = [f"{sql} @> {b.bind(nested(path, leaf))}::jsonb" for leaf in _leaves(value)]
            return "(" + " OR ".join(parts) + ")"
        fold = "lower({}::text)" if folded else "{}"
        at = fold.format(f"({sql} #> {b.bind(list(path))}::text[])")
        wanted = [fold.format(f"{b.bind(json.dumps(leaf))}::jsonb") for leaf in _leaves(value)]
        return f"({at} = ANY(ARRAY[{', '.join(wanted)}]))"

    return any_of(node.values, single)


def _leaves(value: Value) -> list[Any]:
    """An unquoted number is also the string of its digits, an unquoted true also the word."""
    if value.kind == "bool":
        return [value.raw == "true", value.raw]
    number = number_of(value)
    return [value.raw] if number is None else [number, value.raw]


def _text(b: Bindings, sql: str, path: tuple[str, ...]) -> str:
    return f"({sql} #>> {b.bind(list(path))}::text[])"


def _order(b: Bindings, sql: str, path: tuple[str, ...], op: str, value: Value) -> str:
    number = number_of(value)
    bound = json.dumps({"v": value.raw if number is None else number})
    at = f"{sql} #> {b.bind(list(path))}::text[]"
    return f"jsonb_path_exists({at}, '$ ? (@ {op} $v)', {b.bind(bound)}::jsonb, TRUE)"

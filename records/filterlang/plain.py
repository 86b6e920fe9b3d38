"""Conditions on columns of record: text, ids, choices, numbers, times, tags."""

from collections.abc import Callable
from typing import Any

from records.filterlang.bindings import EQUALITY, ORDERED, PATTERNS, Bindings, any_of, is_wild, text_test
from records.filterlang.errors import meant
from records.filterlang.tree import Compare, Value
from records.filterlang.values import bool_of, number_of, time_of, whole_bound

UUID_DIGITS = frozenset("0123456789abcdef")
INT8 = 2**63
IDS_TAKE = "ids can only be compared with : = != or IN"


def text(b: Bindings, node: Compare) -> str:
    """Text columns say '' for nothing."""
    spec = node.field.spec
    if node.op == "null" or (node.op in (":", "=") and node.values[0].raw == ""):
        return f"({spec.sql} = '')"
    tested = text_test(b, node, spec.sql, spec.lower_index)
    # A partial index is used only where its predicate is repeated.
    partial = f" AND {spec.sql} <> ''" if spec.partial and node.op in EQUALITY else ""
    return f"({tested}{partial})"


def exact(b: Bindings, node: Compare) -> str:
    """Ids of senders: equality only, as written."""
    sql = node.field.spec.sql
    if node.op == "null":
        return f"({sql} = '')"
    if node.op not in EQUALITY:
        raise b.unsupported(node, IDS_TAKE)
    for value in node.values:
        if is_wild(value):
            raise b.refuse("an id is compared as a whole; put it in quotes if the * belongs to it", value)
    return f"({sql} {b.among([value.raw for value in node.values], 'text')} AND {sql} <> '')"


def uuid(b: Bindings, node: Compare) -> str:
    if node.op == "null":
        return "FALSE"
    if node.op not in EQUALITY:
        raise b.unsupported(node, IDS_TAKE)
    for value in node.values:
        digits = value.raw.lower().replace("-", "")
        if len(digits) != 32 or not set(digits) <= UUID_DIGITS:
            raise b.refuse("expected a record's id, such as 0198c0de-0000-7000-8000-000000000000", value)
    return f"({node.field.spec.sql} {b.among([value.raw.replace('-', '') for value in node.values], 'uuid')})"


def boolean(b: Bindings, node: Compare) -> str:
    return "FALSE" if node.op == "null" else boolean_test(b, node, node.field.spec.sql)


def boolean_test(b: Bindings, node: Compare, sql: str) -> str:
    if node.op not in EQUALITY:
        raise b.unsupported(node, "it is true or false")

    def single(value: Value) -> str:
        wanted = bool_of(value)
        if wanted is None:
            raise b.refuse("expected true or false", value)
        return sql if wanted else f"(NOT {sql})"  # bare, as the partial index on roots wants it

    return any_of(node.values, single)


def choice(b: Bindings, node: Compare) -> str:
    return "FALSE" if node.op == "null" else f"({node.field.spec.sql} {b.among(chosen(b, node))})"


def chosen(b: Bindings, node: Compare) -> list[Any]:
    """The stored codes of the words."""
    spec = node.field.spec
    if node.op not in EQUALITY:
        raise b.unsupported(node, f"it is one of {', '.join(spec.choices)}")
    found = []
    for value in node.values:
        word = value.raw.lower()
        if word not in spec.choices:
            known = list(spec.choices)
            message = f"'{value.raw[:60]}' is not a {node.field.text}, which is one of {', '.join(known)}"
            raise b.refuse(message + meant(word, known), value)
        found.append(spec.choices[word])
    return found


def number(b: Bindings, node: Compare) -> str:
    spec = node.field.spec
    columns = [spec.sql, spec.of_trace] if spec.of_trace else [spec.sql]
    if node.op == "null":
        return f"({' AND '.join(f'{sql} IS NULL' for sql in columns)})"
    tests = [f"({number_test(b, node, sql, spec.scale, spec.whole)})" for sql in columns]
    # Not coalesce(): the column's index could not be used.
    return f"({tests[0]} OR {spec.sql} IS NULL AND {tests[1]})" if spec.of_trace else tests[0]


def number_test(b: Bindings, node: Compare, sql: str, scale: int = 1, whole: bool = False) -> str:
    """`scale` turns the unit that people write into the column's."""
    if node.op in PATTERNS:
        raise b.unsupported(node, "it is a number")

    def single(value: Value, op: str) -> str:
        written = number_of(value)
        if written is None:
            raise b.refuse("this field is a number; expected one such as 0.5", value)
        scaled = written * scale if isinstance(written, int) else round(written * scale, 9)
        if not whole:
            return f"{sql} {op} {b.bind(scaled)}"
        bound = whole_bound(op, scaled)
        return f"{sql} {bound[0]} {b.bind(max(min(bound[1], INT8 - 1), -INT8))}" if bound else "FALSE"

    if node.op == "between":
        low, high = node.values
        return f"{single(low, '>=')} AND {single(high, '<=')}"
    op = node.op if node.op in ORDERED else "="
    return any_of(node.values, lambda value: single(value, op))


def time(b: Bindings, node: Compare) -> str:
    sql = node.field.spec.sql
    if node.op == "null":
        return f"({sql} IS NULL)"
    if node.op in PATTERNS:
        raise b.unsupported(node, "it is a time")
    if node.op == "between":
        low, high = node.values
        return f"({_instant(b, sql, '>=', low)} AND {_instant(b, sql, '<=', high)})"
    op = ">=" if node.op == ":" else "=" if node.op in EQUALITY else node.op
    return f"({any_of(node.values, lambda value: _instant(b, sql, op, value))})"


def _instant(b: Bindings, sql: str, op: str, value: Value) -> str:
    """A date stands for its whole day: later than it is from the next day on."""
    found = time_of(value, b.now, b.zone)
    if found is None:
        raise b.refuse("expected a date (2026-01-31), a quoted date-time or an age such as -7d, -12h, -30m", value)
    start, end = found
    if start == end:
        return f"{sql} {op} {b.bind(start)}"
    match op:
        case "=":
            return f"({sql} >= {b.bind(start)} AND {sql} < {b.bind(end)})"
        case "<" | ">=":
            return f"{sql} {op} {b.bind(start)}"
        case ">":
            return f"{sql} >= {b.bind(end)}"
    return f"{sql} < {b.bind(end)}"


def tags(b: Bindings, node: Compare) -> str:
    """Whether one of the tags is so."""
    sql = node.field.spec.sql
    if node.op == "null":
        return f"({sql} = '{{}}')"
    if node.op in ("=", "in"):
        return f"({sql} && {b.bind([value.raw for value in node.values], 'text[]')})"
    if node.op in ORDERED or node.op == "between":
        raise b.unsupported(node, "tags can be compared with : = != IN LIKE and CONTAINS")
    return f"EXISTS (SELECT FROM unnest({sql}) AS t(tag) WHERE {text_test(b, node, 't.tag')})"


Leaf = Callable[[Bindings, Compare], str]
LEAVES: dict[str, Leaf] = {
    "text": text, "exact": exact, "uuid": uuid, "bool": boolean, "choice": choice, "number": number, "time": time,
    "set": tags,
}  # fmt: skip

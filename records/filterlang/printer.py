"""A tree back to text: parsing what is printed gives the same tree."""

import re

from records.filterlang.tree import And, Compare, Node, Not, Or, Text, Value

PLAIN_KEY = re.compile(r"""[^\s"'=<>!:(),;.]+""")


def to_text(node: Node) -> str:
    match node:
        case And():
            return " ".join(_grouped(item, And | Or) for item in node.items)
        case Or():
            return " OR ".join(_grouped(item, Or) for item in node.items)
        case Not(item=Compare() as item) if item.op in ("=", "null", "in", "like", "ilike", "contains", "between"):
            return _compare(item, negated=True)
        case Not():
            return f"NOT {_grouped(node.item, And | Or | Not)}"
        case Text():
            return _value(node.value)
        case Compare():
            return _compare(node)


def _grouped(node: Node, kinds: object) -> str:
    return f"({to_text(node)})" if isinstance(node, kinds) else to_text(node)


def _compare(node: Compare, negated: bool = False) -> str:
    name, values = _name(node), [_value(value) for value in node.values]
    no = "NOT " if negated else ""
    match node.op:
        case "null":
            return f"{name} IS {no}NULL"
        case "in":
            return f"{name} {no}IN ({', '.join(values)})"
        case ":in":
            return f"{name}:({' OR '.join(values)})"
        case "between":
            return f"{name} {no}BETWEEN {values[0]} AND {values[1]}"
        case "like" | "ilike" | "contains":
            return f"{name} {no}{node.op.upper()} {values[0]}"
        case ":":
            return f"{name}:{values[0]}"
        case "=" if negated:
            return f"{name} != {values[0]}"
        case op:
            return f"{name} {op} {values[0]}"


def _name(node: Compare) -> str:
    """The field as written; a part that is no plain word stands in quotes."""
    field = node.field
    if not field.path:
        return field.text
    head = field.text.split(".", 1)[0]
    return ".".join([head, *(key if PLAIN_KEY.fullmatch(key) else quoted(key) for key in field.path)])


def _value(value: Value) -> str:
    return quoted(value.raw) if value.kind == "string" else value.raw


def quoted(text: str) -> str:
    """Any text as a value of the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

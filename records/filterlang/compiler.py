"""The tree to SQL with bound parameters, over `record r`.

A missing value makes a condition NULL, that is: not true. Only NOT compiles specially, as IS NOT TRUE, so that a filter
and its negation share out every row; positive conditions stay bare, or the indexes would not be used.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from records.filterlang import json_values, plain, score_values
from records.filterlang.bindings import Bindings, any_of
from records.filterlang.errors import FilterError
from records.filterlang.fields import Vocabulary
from records.filterlang.tree import And, Compare, Node, Not, Or, Text


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean SQL expression over `record r`, with its parameters in the order of its %s."""

    sql: str
    params: list[Any] = field(default_factory=list)

    @property
    def column(self) -> str:
        """As a column of a SELECT: true or false for every row. The parameters are the same."""
        return f"(({self.sql}) IS TRUE)"


def compile_sql(node: Node, vocabulary: Vocabulary, now: datetime, zone: tzinfo, text: str = "") -> Condition:
    """Raises FilterError for a value that its field does not take. `text` is the source, for the error's caret."""
    b = Bindings(vocabulary, now, zone, text)
    return Condition(_sql(b, node), b.params)


def compile_score_value(node: Compare, vocabulary: Vocabulary, now: datetime, zone: tzinfo) -> Condition:
    """What a condition on one metric says of `score s` alone: for a search that is driven from the scores."""
    b = Bindings(vocabulary, now, zone)
    return Condition(score_values.score_test(b, node), b.params)


def _sql(b: Bindings, node: Node) -> str:
    match node:
        case Compare():
            return _either(b, node) if node.field.spec.column else LEAVES[node.field.spec.kind](b, node)
        case And(items=()):
            return "TRUE"
        case And() | Or():
            joint = " AND " if isinstance(node, And) else " OR "
            return "(" + joint.join([_sql(b, item) for item in node.items]) + ")"
        case Not(item=Compare(op="null", field=said)) if said.spec.kind == "text" and not said.spec.column:
            return f"({said.spec.sql} <> '')"  # as partial indexes have it; the column is never NULL
        case Not():
            return f"({_sql(b, node.item)} IS NOT TRUE)"
        case Text():
            return json_values.search(b, node.value)


def _either(b: Bindings, node: Compare) -> str:
    """A name that has a column: the column, or what was left in the JSON because the column could not hold it."""
    if len(node.values) > 1 and node.op in ("in", ":in"):
        return any_of(node.values, lambda value: _either(b, replace(node, values=(value,))))
    column = replace(node, field=replace(node.field, spec=node.field.spec.column, path=()))
    kept = len(b.params)
    try:
        stored = LEAVES[column.field.spec.kind](b, column)
    except FilterError:  # not a value of the column's kind: only the JSON can hold it
        del b.params[kept:]
        return json_values.column(b, node)
    joint = "AND" if node.op == "null" else "OR"
    return f"({stored} {joint} {json_values.column(b, node)})"


LEAVES: dict[str, plain.Leaf] = {
    **plain.LEAVES, **score_values.LEAVES, "json": json_values.column, "payload": json_values.payload,
}  # fmt: skip

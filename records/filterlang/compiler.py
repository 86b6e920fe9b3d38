"""The tree to SQL with bound parameters, over `record r`.

A missing value makes a condition NULL, that is: not true. Only NOT compiles specially, as IS NOT TRUE, so that a filter
and its negation share out every row; positive conditions stay bare, or the indexes would not be used.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from records.filterlang.errors import FilterError, meant
from records.filterlang.fields import Vocabulary
from records.filterlang.tree import And, Compare, Field, Node, Not, Or, Text, Value
from records.filterlang.values import (
    bool_of,
    json_path,
    like,
    nested,
    number_of,
    time_of,
    whole_bound,
)

SCORE = "s.project_id = r.project_id AND s.record_id = r.id"
PAYLOAD = "EXISTS (SELECT FROM payload y WHERE y.project_id = r.project_id AND y.record_id = r.id AND {})"
ORDERED = ("<", "<=", ">", ">=")
UUID_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean SQL expression over `record r`, with its parameters in order."""

    sql: str
    params: list[Any] = field(default_factory=list)


def compile_sql(node: Node, vocabulary: Vocabulary, now: datetime, zone: tzinfo, text: str = "") -> Condition:
    """Raises FilterError for a value that its field does not take. `text` is the source, for the error's caret."""
    compiler = Compiler(vocabulary, now, zone, text)
    return Condition(compiler.node(node), compiler.params)


def compile_score_value(node: Compare, vocabulary: Vocabulary, now: datetime, zone: tzinfo) -> Condition:
    """A numerical metric's condition over `score s` alone, for a query that is driven from the scores."""
    compiler = Compiler(vocabulary, now, zone, "")
    return Condition(compiler.numeric(node, node.field.spec.sql), compiler.params)


class Compiler:
    def __init__(self, vocabulary: Vocabulary, now: datetime, zone: tzinfo, text: str) -> None:
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

    def refuse(self, message: str, at: Value | Field) -> FilterError:
        return FilterError(message, at.pos, at.end, self.text)

    # ---- the tree
    def node(self, node: Node) -> str:
        match node:
            case And(items=()):
                return "TRUE"
            case And() | Or():
                joint = " AND " if isinstance(node, And) else " OR "
                return "(" + joint.join([self.node(item) for item in node.items]) + ")"
            case Not():
                return f"({self.node(node.item)} IS NOT TRUE)"
            case Text():
                pattern = like(node.value.raw, wildcards=node.value.kind == "word")
                return PAYLOAD.format(f"y.search_text ILIKE {self.bind(f'%{pattern}%')}")
            case Compare():
                return self.compare(node)

    def compare(self, node: Compare) -> str:
        kind = node.field.spec.kind
        if kind in ("text", "exact", "uuid"):
            return self.leaf(node) if node.op != "null" else self.missing(node.field)
        return getattr(self, f"_{kind}")(node)

    def missing(self, field: Field) -> str:
        """Text columns say '' for nothing; ids are never missing."""
        return "FALSE" if field.spec.kind == "uuid" else f"({field.spec.sql} = '')"

    def leaf(self, node: Compare) -> str:
        return getattr(self, f"_{node.field.spec.kind}")(node, node.field.spec.sql)

    def each(self, node: Compare, single: Callable[[Value], str]) -> str:
        """IN and :( ) as alternatives, where no array comparison serves them."""
        return "(" + " OR ".join([single(value) for value in node.values]) + ")"

    def unsupported(self, node: Compare, takes: str) -> FilterError:
        shown = {":in": "a list", "in": "IN"}.get(node.op, node.op.upper())
        return self.refuse(f"{shown} cannot be used with {node.field.text}; {takes}", node.field)

    # ---- text columns
    def _text(self, node: Compare, sql: str) -> str:
        """Text that is '' where it is missing."""
        spec, op = node.field.spec, node.op
        present = f" AND {sql} <> ''" if spec.partial or op in ORDERED or op == "between" else ""
        if op in (":", "=") and node.values[0].raw == "":
            return f"({sql} = '')"
        if op in (":", ":in"):
            if wild := [v for v in node.values if v.kind == "word" and "*" in v.raw]:
                plain = [v.raw.lower() for v in node.values if v not in wild]
                parts = [f"({sql} ILIKE {self.bind(like(v.raw, wildcards=True))} AND {sql} <> '')" for v in wild]
                if plain:
                    parts.append(f"(lower({sql}) {self.among(plain)})")
                return "(" + " OR ".join(parts) + ")"
            return f"(lower({sql}) {self.among([v.raw.lower() for v in node.values])}{present})"
        if op in ("=", "in"):
            raws = [value.raw for value in node.values]
            exact = f"{sql} {self.among(raws)}"
            if spec.lower_index:
                exact += f" AND lower({sql}) {self.among([raw.lower() for raw in raws])}{present}"
            return f"({exact})"
        if op == "between":
            low, high = (self.bind(value.raw) for value in node.values)
            return f"({sql} BETWEEN {low} AND {high}{present})"
        return self.pattern(node, sql) or f"({sql} {op} {self.bind(node.values[0].raw)}{present})"

    def pattern(self, node: Compare, sql: str) -> str:
        """LIKE, ILIKE and CONTAINS, on text that is there; empty for other operators."""
        raw = node.values[0].raw
        if node.op in ("like", "ilike"):
            if raw.endswith("\\") and (len(raw) - len(raw.rstrip("\\"))) % 2:
                raise self.refuse("a pattern must not end with a backslash", node.values[0])
            return f"({sql} {node.op.upper()} {self.bind(raw)} AND {sql} <> '')"
        if node.op == "contains":
            return f"({sql} ILIKE {self.bind(f'%{like(raw)}%')} AND {sql} <> '')"
        return ""

    def _exact(self, node: Compare, sql: str) -> str:
        """Ids of senders: equality only, as written."""
        if node.op not in (":", "=", "in", ":in"):
            raise self.unsupported(node, "ids can only be compared with : = != or IN")
        raws = [value.raw for value in node.values]
        return f"({sql} {self.among(raws)} AND {sql} <> '')"

    def _uuid(self, node: Compare, sql: str) -> str:
        if node.op not in (":", "=", "in", ":in"):
            raise self.unsupported(node, "ids can only be compared with : = != or IN")
        for value in node.values:
            digits = value.raw.lower().replace("-", "")
            if len(digits) != 32 or not set(digits) <= UUID_DIGITS:
                raise self.refuse("expected a record's id, such as 0198c0de-0000-7000-8000-000000000000", value)
        raws = [value.raw.replace("-", "") for value in node.values]
        return f"({sql} {self.among(raws, 'uuid')})"

    # ---- other columns
    def _bool(self, node: Compare) -> str:
        if node.op == "null":
            return "FALSE"
        return self.boolean(node, node.field.spec.sql)

    def boolean(self, node: Compare, sql: str) -> str:
        if node.op not in (":", "=", ":in", "in"):
            raise self.unsupported(node, "it is true or false")

        def single(value: Value) -> str:
            wanted = bool_of(value)
            if wanted is None:
                raise self.refuse("expected true or false", value)
            return sql if wanted and sql.startswith("r.") else f"({sql} = {self.bind(wanted)})"

        return self.each(node, single)

    def _choice(self, node: Compare) -> str:
        if node.op == "null":
            return "FALSE"
        return f"({node.field.spec.sql} {self.among(self.chosen(node))})"

    def chosen(self, node: Compare) -> list[Any]:
        spec = node.field.spec
        if node.op not in (":", "=", "in", ":in"):
            raise self.unsupported(node, f"it is one of {', '.join(spec.choices)}")
        found = []
        for value in node.values:
            word = value.raw.lower()
            if word not in spec.choices:
                known = list(spec.choices)
                message = f"'{value.raw[:60]}' is not a {node.field.text}{meant(word, known)}; it is one of "
                raise self.refuse(message + ", ".join(known), value)
            found.append(spec.choices[word])
        return found

    def _number(self, node: Compare) -> str:
        spec = node.field.spec
        if node.op == "null":
            return f"({spec.sql} IS NULL)"
        return self.numeric(node, spec.sql, spec.scale, spec.whole)

    def numeric(self, node: Compare, sql: str, scale: int = 1, whole: bool = False) -> str:
        if node.op in ("like", "ilike", "contains"):
            raise self.unsupported(node, "it is a number")
        if node.op == "between":
            low, high = node.values
            return f"({self.number(low, '>=', sql, scale, whole)} AND {self.number(high, '<=', sql, scale, whole)})"
        op = node.op if node.op in ORDERED else "="
        return self.each(node, lambda value: self.number(value, op, sql, scale, whole))

    def number(self, value: Value, op: str, sql: str, scale: int, whole: bool) -> str:
        number = number_of(value)
        if number is None:
            raise self.refuse("this field is a number; expected one such as 0.5", value)
        number = number * scale if isinstance(number, int) else round(number * scale, 9)
        if not whole:
            return f"{sql} {op} {self.bind(number)}"
        bound = whole_bound(op, number)
        if bound is None:
            return "FALSE"
        limit = max(min(bound[1], 2**63 - 1), -(2**63))
        return f"{sql} {bound[0]} {self.bind(limit)}"

    def _time(self, node: Compare) -> str:
        sql = node.field.spec.sql
        if node.op == "null":
            return f"({sql} IS NULL)"
        if node.op in ("like", "ilike", "contains"):
            raise self.unsupported(node, "it is a time")
        times = [self.time(value) for value in node.values]
        if node.op == "between":
            return f"({self.instant(sql, '>=', times[0])} AND {self.instant(sql, '<=', times[1])})"
        op = ">=" if node.op == ":" else "=" if node.op in ("in", ":in") else node.op
        return "(" + " OR ".join([self.instant(sql, op, at) for at in times]) + ")"

    def time(self, value: Value) -> tuple[datetime, datetime]:
        found = time_of(value, self.now, self.zone)
        if found is None:
            message = "expected a date (2026-01-31), a quoted date-time or an age such as -7d, -12h, -30m"
            raise self.refuse(message, value)
        return found

    def instant(self, sql: str, op: str, at: tuple[datetime, datetime]) -> str:
        """A date stands for its whole day: later than it is from the next day on."""
        start, end = at
        if start == end:
            return f"{sql} {op} {self.bind(start)}"
        match op:
            case "=":
                return f"({sql} >= {self.bind(start)} AND {sql} < {self.bind(end)})"
            case "<" | ">=":
                return f"{sql} {op} {self.bind(start)}"
            case ">":
                return f"{sql} >= {self.bind(end)}"
        return f"{sql} < {self.bind(end)}"

    def _set(self, node: Compare) -> str:
        sql = node.field.spec.sql
        if node.op == "null":
            return f"({sql} = '{{}}')"
        if node.op not in (":", "=", "contains", "in", ":in"):
            raise self.unsupported(node, "tags can only be compared with : = != or IN")
        return f"({sql} && {self.bind([value.raw for value in node.values], 'text[]')})"

    # ---- JSON
    def _json(self, node: Compare) -> str:
        return self.json(node, node.field.spec.sql)

    def json(self, node: Compare, sql: str) -> str:
        path = node.field.path
        text = f"({sql} #>> {{}}::text[])"
        if node.op == "null":
            return f"({text.format(self.bind(list(path)))} IS NULL)"
        if node.op in ("like", "ilike", "contains"):
            return self.json_text(node, sql, node.op, node.values[0])
        if node.op == "between":
            low, high = node.values
            return f"({self.json_order(sql, path, '>=', low)} AND {self.json_order(sql, path, '<=', high)})"
        if node.op in ORDERED:
            return self.json_order(sql, path, node.op, node.values[0])

        def single(value: Value) -> str:
            if node.op in (":", ":in") and value.kind == "word" and "*" in value.raw:
                return self.json_text(node, sql, "wild", value)
            return self.json_equal(sql, path, value)

        return self.each(node, single)

    def json_text(self, node: Compare, sql: str, op: str, value: Value) -> str:
        at = f"({sql} #>> {self.bind(list(node.field.path))}::text[])"
        if op == "like" or op == "ilike":
            if value.raw.endswith("\\") and (len(value.raw) - len(value.raw.rstrip("\\"))) % 2:
                raise self.refuse("a pattern must not end with a backslash", value)
            return f"({at} {op.upper()} {self.bind(value.raw)})"
        pattern = like(value.raw, wildcards=True) if op == "wild" else f"%{like(value.raw)}%"
        return f"({at} ILIKE {self.bind(pattern)})"

    def json_equal(self, sql: str, path: tuple[str, ...], value: Value) -> str:
        """Containment, which the GIN index serves. An unquoted number is also the string of its digits."""
        number = number_of(value)
        leaves: list[Any] = [value.raw]
        if value.kind == "bool":
            leaves = [value.raw == "true", value.raw]
        elif number is not None:
            leaves = [number, value.raw]
        parts = [f"{sql} @> {self.bind(nested(path, leaf))}::jsonb" for leaf in leaves]
        return "(" + " OR ".join(parts) + ")"

    def json_order(self, sql: str, path: tuple[str, ...], op: str, value: Value) -> str:
        """A value of another type than the bound one is no match, and no error."""
        number = number_of(value)
        bound = json.dumps({"v": value.raw if number is None else number})
        return f"jsonb_path_exists({sql}, {self.bind(json_path(path, op))}::jsonpath, {self.bind(bound)}::jsonb, TRUE)"

    def _payload(self, node: Compare) -> str:
        sql = node.field.spec.sql
        if node.op == "null":
            inner = f"{sql} #> {self.bind(list(node.field.path))}::text[]" if node.field.path else sql
            return f"(NOT {PAYLOAD.format(f'{inner} IS NOT NULL')})"
        if node.field.path:
            return PAYLOAD.format(self.json(node, sql))
        return PAYLOAD.format(self.each(node, lambda value: self.whole_payload(node, sql, value)))

    def whole_payload(self, node: Compare, sql: str, value: Value) -> str:
        if node.op in (":", ":in", "contains"):
            pattern = like(value.raw, wildcards=node.op != "contains" and value.kind == "word")
            return f"{sql}::text ILIKE {self.bind(f'%{pattern}%')}"
        if node.op in ("=", "in"):
            return f"({sql} #>> '{{}}') = {self.bind(value.raw)}"
        if node.op in ("like", "ilike"):
            return self.pattern(node, f"({sql} #>> '{{}}')")
        raise self.unsupported(node, f"name a value in it, such as {node.field.text}.question")

    # ---- scores
    def score(self, inner: str, field: Field, current: bool = True) -> str:
        metric = f" AND s.metric_id = {self.bind(field.metric.id)}" if field.metric else ""
        # The metric's parameter is bound after inner's, so inner must come first in the text as well.
        only = " AND s.is_current" if current else ""
        return f"EXISTS (SELECT FROM score s WHERE {SCORE}{only} AND {inner}{metric})"

    def unless_scored(self, node: Compare, present: str) -> str:
        return f"(NOT {self.score(present, node.field)})"

    def _outcome(self, node: Compare) -> str:
        if node.op == "null":
            return self.unless_scored(node, "TRUE")
        return self.score(f"s.outcome {self.among(self.chosen(node))}", node.field)

    def _latest(self, node: Compare) -> str:
        newest = (
            f"(SELECT s.outcome FROM score s WHERE {SCORE} AND s.metric_id = {self.bind(node.field.metric.id)}"  # noqa: S608
            " ORDER BY s.id DESC LIMIT 1)"
        )
        if node.op == "null":
            return f"({newest} IS NULL)"
        return f"({newest} {self.among(self.chosen(node))})"

    def _score_number(self, node: Compare) -> str:
        sql = node.field.spec.sql
        if node.op == "null":
            return self.unless_scored(node, f"{sql} IS NOT NULL")
        return self.score(self.numeric(node, sql, whole=node.field.spec.whole), node.field)

    def _score_bool(self, node: Compare) -> str:
        sql = node.field.spec.sql
        if node.op == "null":
            return self.unless_scored(node, f"{sql} IS NOT NULL")
        return self.score(self.boolean(node, sql), node.field)

    def _score_choice(self, node: Compare) -> str:
        if node.op == "null":
            return self.unless_scored(node, "TRUE")
        return self.score(f"{node.field.spec.sql} {self.among(self.chosen(node))}", node.field)

    def _score_set(self, node: Compare) -> str:
        sql, choices = node.field.spec.sql, node.field.metric.choices
        if node.op == "null":
            return self.unless_scored(node, f"{sql} IS NOT NULL")
        if node.op not in (":", "=", "contains", "in", ":in"):
            raise self.unsupported(node, f"it is one of {', '.join(choices)}")
        by_word = {choice.lower(): choice for choice in choices}
        wanted = []
        for value in node.values:
            choice = value.raw if value.raw in choices else by_word.get(value.raw.lower())
            if choice is None:
                hint = meant(value.raw, list(choices))
                message = f"'{value.raw[:60]}' is not a choice of {node.field.metric.name}{hint}; it has "
                raise self.refuse(message + ", ".join(choices), value)
            wanted.append(choice)
        return self.score(f"{sql} && {self.bind(wanted, 'text[]')}", node.field)

    def _score_text(self, node: Compare) -> str:
        sql = node.field.spec.sql
        if node.op == "null":
            return self.unless_scored(node, f"{sql} <> ''")
        if node.op in (":", ":in"):
            patterns = [f"%{like(value.raw, wildcards=value.kind == 'word')}%" for value in node.values]
            return self.score(f"{sql} ILIKE ANY({self.bind(patterns, 'text[]')})", node.field)
        if node.op in ("=", "in"):
            return self.score(f"{sql} {self.among([value.raw for value in node.values])}", node.field)
        pattern = self.pattern(node, sql) if node.op in ("like", "ilike", "contains") else ""
        if not pattern:
            raise self.unsupported(node, "it is text: use : = LIKE or CONTAINS")
        return self.score(pattern, node.field)

    def _scored(self, node: Compare) -> str:
        """Scored, or to be scored, by something of that name; any attempt counts."""
        sql = node.field.spec.sql
        if node.op == "null":
            return f"(NOT {self.score(f"{sql} <> ''", node.field, current=False)})"
        if node.op not in (":", "=", "in", ":in"):
            raise self.unsupported(node, "names can only be compared with : = != or IN")
        raws = [value.raw.lower() for value in node.values]
        return self.score(f"lower({sql}) {self.among(raws)}", node.field, current=False)

    def _person(self, node: Compare) -> str:
        waiting = "s.status = 0 AND s.source = 3"
        if node.op == "null":
            return f"(NOT {self.score(f'{waiting} AND s.assignee_id IS NOT NULL', node.field, current=False)})"
        if node.op not in (":", "=", "in", ":in"):
            raise self.unsupported(node, "people can only be compared with : = != or IN")
        ids = []
        for value in node.values:
            found = self.vocabulary.me if value.raw.lower() == "me" else self.vocabulary.people.get(value.raw)
            if found is None:
                known = list(self.vocabulary.people)
                raise self.refuse(f"nobody here is called '{value.raw[:60]}'{meant(value.raw, known)}", value)
            ids.append(found)
        return self.score(f"{waiting} AND s.assignee_id = ANY({self.bind(ids, 'bigint[]')})", node.field, current=False)

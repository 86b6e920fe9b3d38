"""Tokens to a tree, by recursive descent. Names are looked up here; values are checked by the compiler."""

from records.filterlang.errors import FilterError, meant
from records.filterlang.fields import (
    ANY_METRIC,
    FIELDS,
    MAX_KEY_CHARS,
    MAX_PATH_LEVELS,
    METADATA,
    METADATA_NAMES,
    METRIC_COLUMNS,
    METRIC_PARTS,
    METRIC_VALUES,
    METRICS,
    PAYLOADS,
    PREFIXES,
    Spec,
    Vocabulary,
)
from records.filterlang.lexer import Token, tokens
from records.filterlang.tree import And, Compare, Field, Node, Not, Or, Text, Value

MAX_CONDITIONS = 100
MAX_DEPTH = 30
MAX_LIST = 200

COMPARISONS = (":", "=", "!=", "<>", "<", "<=", ">", ">=")
WORD_OPERATORS = ("IN", "IS", "LIKE", "ILIKE", "CONTAINS", "BETWEEN")
NOT_OURS = frozenset(
    [
        "SELECT",
        "UNION",
        "DROP",
        "INSERT",
        "DELETE",
        "UPDATE",
        "EXISTS",
        "CASE",
        "FROM",
        "WHERE",
        "ORDER",
        "LIMIT",
        "WITH",
    ]
)
KNOWN = [*FIELDS, "metadata", "metrics", "metric.status"]


def parse(text: str, vocabulary: Vocabulary) -> Node:
    """The filter as a tree; `And()` for an empty text. Raises FilterError."""
    return Parser(text, vocabulary).whole()


class Parser:
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text, self.vocabulary = text, vocabulary
        self.tokens, self.at = tokens(text), 0
        self.depth = self.conditions = 0

    # ---- tokens
    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    @property
    def last_end(self) -> int:
        return self.tokens[self.at - 1].end

    def sees(self, kind: str, *values: str) -> bool:
        token = self.tokens[self.at]
        return token.kind == kind and (not values or token.value in values)

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def eat(self, kind: str, *values: str) -> Token | None:
        return self.take() if self.sees(kind, *values) else None

    def refuse(self, message: str, token: Token | None = None) -> FilterError:
        token = token or self.next
        return FilterError(message, min(token.pos, max(len(self.text) - 1, 0)), token.end, self.text)

    # ---- conditions
    def whole(self) -> Node:
        if self.sees("end"):
            return And()
        node = self.any_of()
        if not self.sees("end"):
            if self.sees("op", ")"):
                raise self.refuse("this ')' has no matching '('")
            raise self.refuse(f"did not expect '{self.next.value[:60]}' here")
        return node

    def any_of(self) -> Node:
        start, items = self.next.pos, [self.all_of()]
        while self.eat("keyword", "OR"):
            items.append(self.all_of())
        return items[0] if len(items) == 1 else Or(tuple(items), start, self.last_end)

    def all_of(self) -> Node:
        start, items = self.next.pos, [self.negated()]
        while self.eat("keyword", "AND") or not (
            self.sees("end") or self.sees("op", ")") or self.sees("keyword", "OR")
        ):
            items.append(self.negated())
        return items[0] if len(items) == 1 else And(tuple(items), start, self.last_end)

    def negated(self) -> Node:
        start, times = self.next.pos, 0
        while self.eat("keyword", "NOT") or self.eat("minus"):
            times += 1
        node = self.one()
        return Not(node, start, self.last_end) if times % 2 else node

    def one(self) -> Node:
        if opened := self.eat("op", "("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.refuse(f"more than {MAX_DEPTH} nested parentheses", opened)
            node = self.any_of()
            self.depth -= 1
            if not self.eat("op", ")"):
                raise self.refuse("this '(' is never closed", opened)
            return node
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise self.refuse(f"more than {MAX_CONDITIONS} conditions")
        token = self.take()
        if token.kind == "string":
            return Text(Value(token.value, "string", token.pos, token.end), token.pos, token.end)
        if token.kind != "word":
            self.at -= 1
            raise self.refuse("a condition is missing here")
        self.no_function(token)
        name = self.name_at(token)
        if self.operator_follows():
            return self.compare(self.field(*name))
        if len(name[0]) > 1 and token.value.endswith("."):
            raise self.refuse("an operator is missing after this field", token)
        if token.value.upper() in NOT_OURS or token.value.startswith("#"):
            message = f"'{token.value[:60]}' is not part of the filter language; quote it to search for the text"
            raise self.refuse(message, token)
        return Text(Value(token.value, "word", token.pos, token.end), token.pos, token.end)

    def operator_follows(self) -> bool:
        if self.sees("op", *COMPARISONS) or self.sees("keyword", *WORD_OPERATORS):
            return True
        after = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        return self.sees("keyword", "NOT") and after.kind == "keyword" and after.value in WORD_OPERATORS

    def no_function(self, token: Token) -> None:
        if self.sees("op", "(") and self.next.pos == token.end:
            raise self.refuse(f"functions such as {token.value[:40]}() are not supported", token)

    # ---- fields
    def name_at(self, token: Token) -> tuple[list[str], Token]:
        """The parts of a dotted name; a part may be quoted: metadata."two words".x"""
        parts, end = token.value.split("."), token.end
        while parts[-1] == "" and self.sees("string") and self.next.pos == end:
            quoted = self.take()
            parts[-1], end = quoted.value, quoted.end
            if self.sees("word") and self.next.pos == end and self.next.value.startswith("."):
                more = self.take()
                parts += more.value[1:].split(".")
                end = more.end
        return parts, token._replace(end=end)

    def field(self, parts: list[str], token: Token) -> Field:
        head, rest = parts[0].lower(), parts[1:]
        plain = ".".join(parts).lower()
        if plain in FIELDS:
            return Field(plain, FIELDS[plain], pos=token.pos, end=token.end)
        if head not in PREFIXES:
            known = KNOWN + [f"metric.{slug}" for slug in self.vocabulary.metrics]
            hint = meant(plain, known) or f"; known fields: {', '.join(sorted({*FIELDS, 'metadata.*', 'metric.*'}))}"
            raise self.refuse(f"unknown field '{'.'.join(parts)[:60]}'{hint}", token)
        if not rest or len(rest) > MAX_PATH_LEVELS or any(not key or len(key) > MAX_KEY_CHARS for key in rest):
            limits = f"at most {MAX_PATH_LEVELS} levels of {MAX_KEY_CHARS} characters"
            raise self.refuse(f"write {head}.<name>, {limits}", token)
        if head == "metric":
            return self.metric_field(rest, token)
        canonical = {"input": "inputs", "output": "outputs"}.get(head, head)
        spec = _json_spec(head, rest)
        text = ".".join([canonical, *rest])
        return Field(
            text, spec, tuple(rest) if spec.kind == "json" or head in PAYLOADS else (), None, token.pos, token.end
        )

    def metric_field(self, rest: list[str], token: Token) -> Field:
        slug, part = rest[0].lower(), ".".join(rest[1:]).lower()
        where = {"pos": token.pos, "end": token.end}
        if slug == "status" and not part:
            return Field("metric.status", ANY_METRIC, **where)
        metric = self.vocabulary.metrics.get(slug)
        if metric is None:
            known = [f"metric.{name}" for name in ["status", *self.vocabulary.metrics]]
            message = f"this project has no metric '{rest[0][:60]}'{meant(f'metric.{slug}', known)}"
            raise self.refuse(message, token)
        if not part:
            return Field(f"metric.{slug}", METRIC_VALUES[metric.value_type], metric=metric, **where)
        if part not in METRIC_PARTS:
            parts = ", ".join(METRIC_PARTS)
            hint = meant(part, list(METRIC_PARTS))
            raise self.refuse(f"a metric has no '{part[:60]}', it has {parts}{hint}", token)
        return Field(f"metric.{slug}.{part}", METRIC_PARTS[part], metric=metric, **where)

    # ---- operators and values
    def compare(self, field: Field) -> Node:
        before = self.eat("keyword", "NOT")
        negated, op = before is not None, self.take().value
        if op == ":" and (symbol := self.eat("op", "<", "<=", ">", ">=", "=")):
            op = symbol.value
        if op in ("!=", "<>"):
            op, negated = "=", True
        if op == "IS":
            if before:
                raise self.refuse("write IS NOT", before)
            op, negated = "=", bool(self.eat("keyword", "NOT"))
        if op == "IN" or (op == ":" and self.sees("op", "(")):
            op, values = ("in" if op == "IN" else ":in"), self.listed()
        elif op == "BETWEEN":
            low = self.value()
            if not self.eat("keyword", "AND"):
                raise self.refuse("expected AND, as in BETWEEN 1 AND 2")
            op, values = "between", (low, self.value())
        else:
            op, values = op.lower(), (self.value(),)
        nulls = [value for value in values if value.kind == "null"]
        if nulls:
            if op not in (":", "="):
                place = Token("", "", nulls[0].pos, nulls[0].end)
                raise self.refuse("NULL can only be compared with =, != or IS", place)
            op, values = "null", ()
        node = Compare(field, op, values, field.pos, self.last_end)
        return Not(node, field.pos, self.last_end) if negated else node

    def listed(self) -> tuple[Value, ...]:
        if not self.eat("op", "("):
            raise self.refuse("expected '(' after IN")
        values = [self.value()]
        while self.eat("op", ",") or self.eat("keyword", "OR"):
            values.append(self.value())
            if len(values) > MAX_LIST:
                raise self.refuse(f"more than {MAX_LIST} values in a list")
        if not self.eat("op", ")"):
            raise self.refuse("expected ',' or ')' in the list")
        return tuple(values)

    def value(self) -> Value:
        token = self.take()
        if token.kind == "string":
            return Value(token.value, "string", token.pos, token.end)
        if token.kind == "keyword" and token.value in ("TRUE", "FALSE"):
            return Value(token.value.lower(), "bool", token.pos, token.end)
        if token.kind == "keyword" and token.value in ("NULL", "EMPTY"):
            return Value("null", "null", token.pos, token.end)
        if token.kind == "minus" and self.sees("word") and self.next.pos == token.end:
            word = self.take()
            return Value("-" + word.value, "word", token.pos, word.end)
        if token.kind == "word":
            self.no_function(token)
            return Value(token.value, "word", token.pos, token.end)
        self.at -= 1
        raise self.refuse("a value is missing here")


def _json_spec(head: str, rest: list[str]) -> Spec:
    """The column that a JSON name has become, else the JSON value itself."""
    if head == "metadata":
        return METADATA_NAMES.get(rest[0], METADATA) if len(rest) == 1 else METADATA
    if head == "metrics":
        return METRIC_COLUMNS.get(rest[0], METRICS) if len(rest) == 1 else METRICS
    return FIELDS[head]

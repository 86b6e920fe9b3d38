"""What may be typed next into a filter. Pure: which names a project has and which values were seen are arguments.

`asked` reads text and caret; `suggestions` answers it with the names of the language and what was `seen`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from records.filterlang import Compare, Field, FilterError, Vocabulary, parse, quoted
from records.filterlang.fields import FIELDS, MAX_KEY_CHARS, METRIC_COLUMNS, METRIC_PARTS, PREFIXES, Spec
from records.filterlang.lexer import KEYWORDS, TOKEN, Token
from records.filterlang.parser import COMPARISONS, WORD_OPERATORS
from records.filterlang.printer import PLAIN_KEY
from records.models import ValueType

MOST = 12
MAX_VALUE_CHARS = 200
JUDGED = frozenset(["status", "evaluator", "rule", "scoring_run", "assigned"])  # of scores, as metrics are
ALIASES = frozenset(["input", "output", "run", "span.name", "span.kind"])  # offered only to who begins to type them
PLAIN_VALUE = re.compile(r"""[^\s"'=<>!:(),;*\\#-][^\s"'=<>!:(),;*\\]*""")
OPEN = "open"  # the kind of a quote that is not closed yet
AGES = (("-1h", "an hour ago"), ("-24h", "a day ago"), ("-7d", "a week ago"), ("-30d", "thirty days ago"))
VERDICTS = ("fail", "pass", "errored", "pending", "skipped")  # of a metric's status, the most asked for first
ORDERED = ("number", "time", "score_number")
JSON_OPERATORS = ((":", "is"), (":>", "greater than"), (":<", "less than"), (" IS NULL", "is missing"))
ORDER_OPERATORS = (
    (":>", "greater than"), (":<", "less than"), (" >= ", "at least"), (" <= ", "at most"), (" = ", "exactly"),
    (" BETWEEN ", "from and to"),
)  # fmt: skip
TIME_OPERATORS = ((":>", "since"), (":<", "before"), (" = ", "on that day"), (" BETWEEN ", "from and to"))
TEXT_OPERATORS = (
    (":", "is, in any case; * stands for anything"), (" != ", "is not"), (" IN (", "is one of"),
    (" ILIKE ", "is like; % stands for anything"), (" IS NULL", "is missing"),
)  # fmt: skip
OTHER_OPERATORS = ((":", "is"), (" != ", "is not"), (" IN (", "is one of"))


class Suggestion(NamedTuple):
    """`insert` takes the place of text[start:end]; `more`: another suggestion can follow it at once."""

    insert: str
    start: int
    end: int
    label: str
    hint: str
    more: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands at the caret: `kind` is field, key, operator, value or nothing; `typed` is its beginning.

    `head` and `path` lead to a JSON key; `field` is the one compared, `listed` within its list of values; `begins` is
    where its name does, if it is compared by `:` alone.
    """

    kind: str
    start: int = 0
    end: int = 0
    typed: str = ""
    field: Field | None = None
    head: str = ""
    path: tuple[str, ...] = ()
    listed: bool = False
    begins: int | None = None


NOTHING = Asked("nothing")


def asked(text: str, at: int, vocabulary: Vocabulary) -> Asked:
    at = min(max(at, 0), len(text))
    found = [token for token in _read(text) if token.pos < at]
    start, end, typed, tail = at, at, "", None
    if found and found[-1].end >= at and found[-1].kind in ("word", "keyword", "string", OPEN):
        tail = found.pop()
        if tail.kind == "string" and tail.end == at:
            return NOTHING  # behind a closed quote
        start, end = tail.pos, at if tail.kind == OPEN else tail.end
        typed = text[tail.pos : at] if tail.kind in ("word", "keyword") else text[tail.pos + 1 : at]
    name = _compared(found)
    if name is not None:
        field = _field(text[name.start : name.end], vocabulary)
        begins = name.start if text[name.end : start].strip() == ":" else None
        return Asked("value", start, end, typed, field, listed=name.listed, begins=begins) if field else NOTHING
    if found and found[-1].kind == "minus" and len(found) > 1 and found[-2].value in COMPARISONS:
        return NOTHING
    if found and found[-1].kind in ("word", "string") and (tail is None or tail.pos > found[-1].end):
        first = _name_start(found, len(found) - 1)
        field = _field(text[found[first].pos : found[-1].end], vocabulary)
        # A word before it may well be a text to look for: operators come only where a field's name stands alone.
        if field and (tail is None or tail.kind == "keyword" or typed.upper() in _begun(typed)):
            return Asked("operator", found[-1].end, end, typed, field)
    if tail is not None and tail.kind in ("string", OPEN) and not (found and _joins(found[-1], tail)):
        return NOTHING  # a text to look for
    first = start
    if tail is not None and found and _joins(found[-1], tail):
        first = found[_name_start(found, len(found) - 1)].pos
    return _name(text, first, at, end)


def _name(text: str, first: int, at: int, end: int) -> Asked:
    """A name that begins at `first`: a field, or the last key of a path."""
    written = text[first:at]
    parts = _parts(written)
    head = parts[0].lower()
    if len(parts) > 1 and head in PREFIXES and head != "metric":
        typed = parts[-1]
        raw = len(written) - len(typed)
        if written[raw - 1 :].startswith(('"', "'")):
            raw -= 1
        head = {"input": "inputs", "output": "outputs"}.get(head, head)
        return Asked("key", first + raw, end, typed, head=head, path=tuple(parts[1:-1]))
    return Asked("field", first, end, written)


def _parts(written: str) -> list[str]:
    """metadata."two words".x to its parts; the last may be an open quote."""
    parts, rest = [""], written
    while rest:
        match = TOKEN.match(rest)
        if match and match.lastgroup == "string":
            parts[-1] += match.group()[1:-1]
        elif rest[0] in "\"'":
            parts[-1] += rest[1:]
            break
        else:
            word = match.group() if match else rest[0]
            first, *others = word.split(".")
            parts[-1] += first
            parts += others
        rest = rest[match.end() if match else 1 :]
    return parts


def _read(text: str) -> list[Token]:
    """The lexer's tokens of a text that may be unfinished: an unclosed quote, a character that means nothing."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            if text[at] in "\"'":
                return [*found, Token(OPEN, text[at + 1 :], at, len(text))]
            at += 1
            continue
        kind, value = match.lastgroup or "", match.group()
        if kind == "word" and value.upper() in KEYWORDS:
            kind, value = "keyword", value.upper()
        if kind != "space":
            found.append(Token(kind, value, at, match.end()))
        at = match.end()
    return found


class Named(NamedTuple):
    start: int
    end: int
    listed: bool


def _compared(found: Sequence[Token]) -> Named | None:
    """The name whose value comes after these tokens; None where no value comes."""
    last, listed = len(found) - 1, False
    opened = _list_start(found)
    if opened is not None:
        last, listed = opened - 1, True
    elif len(found) > 3 and found[-1].value == "AND" and found[-3].value == "BETWEEN" and found[-3].kind == "keyword":
        last -= 2
    begins = last
    while last >= 0 and (found[last].value in COMPARISONS or found[last].value in (*WORD_OPERATORS, "NOT")):
        if found[last].kind not in ("op", "keyword"):
            break
        last -= 1
    if last < 0 or last == begins or found[last].kind not in ("word", "string"):
        return None
    if found[last + 1].value == "NOT" and begins == last + 1:
        return None  # `model NOT`: an operator is missing
    return Named(found[_name_start(found, last)].pos, found[last].end, listed)


def _list_start(found: Sequence[Token]) -> int | None:
    """Where the caret is in `field:(a OR b` or `field IN (a, b`, the place of its parenthesis."""
    if not found or found[-1].value not in ("(", ",", "OR"):
        return None
    depth = 0
    for number in range(len(found) - 1, 0, -1):
        token = found[number]
        if token.kind != "op":
            continue
        depth += {")": 1, "(": -1}.get(token.value, 0)
        if depth < 0:
            before = found[number - 1]
            return number if before.value in (":", "IN") and before.kind in ("op", "keyword") else None
    return None


def _joins(before: Token, after: Token) -> bool:
    return before.end == after.pos and before.kind in ("word", "string")


def _name_start(found: Sequence[Token], last: int) -> int:
    while last and _joins(found[last - 1], found[last]):
        last -= 1
    return last


def _field(name: str, vocabulary: Vocabulary) -> Field | None:
    try:
        node = parse(f"{name}:x", vocabulary)
    except FilterError:
        return None
    return node.field if isinstance(node, Compare) else None


def _begun(typed: str) -> set[str]:
    """The word operators' beginnings, of the length of what is typed."""
    return {word[: len(typed)] for word in (*WORD_OPERATORS, "NOT")} if typed else set()


class Key(NamedTuple):
    """A key of a JSON value; `nested`: it holds keys itself."""

    name: str
    nested: bool = False


def suggestions(
    asked: Asked, vocabulary: Vocabulary, seen: Sequence[str] = (), keys: Sequence[Key] = (), *, facts: bool = False
) -> list[Suggestion]:
    """At most `MOST`, those that begin with what was typed first; `seen` are the field's values, `keys` the path's.
    `facts`: no fields that speak of scores."""
    match asked.kind:
        case "field":
            return _fitting(asked, _fields(vocabulary, asked.typed, facts))
        case "key":
            own = METRIC_COLUMNS if asked.head == "metrics" and not asked.path else ()
            known = {key.name: key for key in (*map(Key, own), *keys) if 0 < len(key.name) <= MAX_KEY_CHARS}
            return _fitting(
                asked, ((plain_key(k.name) + (":", ".")[k.nested], k.name, "", True) for k in known.values())
            )
        case "operator":
            return _fitting(asked, ((op, op.strip(), hint, True) for op, hint in operators(asked.field.spec)))
        case "value":
            values, verdicts = _fitting(asked, _values(asked, vocabulary, seen)), _outcomes(asked)
            # A number is seldom known; a choice often is.
            return (verdicts + values if asked.field.spec.kind in ORDERED else values + verdicts)[:MOST]
    return []


def _outcomes(asked: Asked) -> list[Suggestion]:
    """Of a metric: whether it passed is its status, which many look for behind its name."""
    metric = asked.field.metric
    if metric is None or asked.begins is None or asked.field.text != f"metric.{metric.slug}":
        return []
    return [
        Suggestion(f"{asked.field.text}.status:{word} ", asked.begins, asked.end, word, "its status")
        for word in VERDICTS
        if word.startswith(asked.typed.lower())
    ]


Candidate = tuple[str, str, str, bool]


def _fitting(asked: Asked, candidates: Iterable[Candidate]) -> list[Suggestion]:
    typed, first, second = asked.typed.lower(), [], []
    for insert, label, hint, more in candidates:
        if not typed or label.lower().startswith(typed):
            first.append(Suggestion(insert, asked.start, asked.end, label, hint, more))
        elif typed in label.lower():
            second.append(Suggestion(insert, asked.start, asked.end, label, hint, more))
    return (first + second)[:MOST]


def _fields(vocabulary: Vocabulary, typed: str, facts: bool) -> Iterable[Candidate]:
    name = typed.lower()
    exact = _field(typed, vocabulary) if typed and not typed.endswith(".") else None
    if exact is not None:  # its operators, behind the whole name
        for op, hint in operators(exact.spec):
            yield typed + op, f"{typed}{op}".rstrip(), hint, True
    for key, spec in FIELDS.items():
        if key == name or (key in ALIASES and not (name and key.startswith(name))) or (facts and key in JUDGED):
            continue
        yield key + _first_operator(spec), key, KIND_WORDS.get(spec.kind, spec.label), True
    if not facts:
        yield "metric.status:", "metric.status", "of any metric", True
    for slug, metric in () if facts else vocabulary.metrics.items():
        if f"metric.{slug}" != name:
            value = METRIC_KIND.get(metric.value_type, ":")
            yield f"metric.{slug}{value}", f"metric.{slug}", metric.name, True
        if name.startswith("metric."):
            for part in METRIC_PARTS:
                yield f"metric.{slug}.{part}:", f"metric.{slug}.{part}", metric.name, True
    for head in ("metadata.", "metrics.", "inputs.", "outputs.", "expected."):
        yield head, head, "a key of it", True
    if name:
        for word in ("AND", "OR", "NOT"):
            if word.lower().startswith(name):
                yield f"{word} ", word, "", True


KIND_WORDS = {
    "number": "number", "time": "time", "bool": "true or false", "choice": "one of a few", "uuid": "id", "exact": "id",
    "payload": "text search", "set": "one of them", "scored": "scored by", "person": "name of a member",
}  # fmt: skip
METRIC_KIND = {ValueType.NUMERICAL: ""}


def _first_operator(spec: Spec) -> str:
    return "" if spec.kind in ORDERED else ":"


def operators(spec: Spec) -> tuple[tuple[str, str], ...]:
    if spec.kind == "time":
        return TIME_OPERATORS
    if spec.kind in ORDERED:
        return ORDER_OPERATORS
    if spec.kind == "json":
        return JSON_OPERATORS
    return TEXT_OPERATORS if spec.kind in ("text", "score_text") else OTHER_OPERATORS


def _values(asked: Asked, vocabulary: Vocabulary, seen: Sequence[str]) -> Iterable[Candidate]:
    spec, metric = asked.field.spec, asked.field.metric
    after = "" if asked.listed else " "
    known: list[tuple[str, str]] = []
    if spec.choices:
        known = [(word, "") for word in spec.choices]
    elif spec.kind in ("bool", "score_bool"):
        known = [("true", ""), ("false", "")]
    elif spec.kind == "time":
        known = list(AGES)
    elif spec.kind == "person":
        known = [("me", "you"), *((name, "") for name in vocabulary.people)]
    elif spec.kind == "score_set" and metric:
        known = [(choice, "") for choice in metric.choices]
    for word, hint in known:
        plain = word if spec.kind in ("time", "bool", "score_bool") else plain_value(word)
        yield plain + after, word, hint, False
    for word in seen:
        if 0 < len(word) <= MAX_VALUE_CHARS:
            yield plain_value(word) + after, word, "", False


def plain_value(text: str) -> str:
    """A value as it is written: bare where it can be, else in quotes, so that it means itself."""
    return text if PLAIN_VALUE.fullmatch(text) and text.upper() not in KEYWORDS else quoted(text)


def plain_key(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else quoted(key)

"""Text to tokens. A token keeps its place, so that every error can point at the character that caused it."""

import re
from typing import NamedTuple

from records.filterlang.errors import FilterError

MAX_CHARS = 4_000
KEYWORDS = frozenset(
    ["AND", "OR", "NOT", "IN", "IS", "NULL", "EMPTY", "LIKE", "ILIKE", "CONTAINS", "BETWEEN", "TRUE", "FALSE"]
)

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.|'')*')
      | (?P<op><=|>=|!=|<>|[=<>:(),])
      | (?P<comment>--|/\*)
      | (?P<minus>-(?=[^\s\d),]))
      | (?P<word>[^\s"'=<>!:(),;]+)""",
    re.VERBOSE | re.DOTALL,
)

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # neither PostgreSQL's text nor UTF-8 holds them


class Token(NamedTuple):
    kind: str  # string, op, minus, word, keyword, end
    value: str
    pos: int
    end: int


def tokens(text: str) -> list[Token]:
    """Raises FilterError for a text that is too long, an unclosed quote, or a character that cannot be."""
    if len(text) > MAX_CHARS:
        message = f"the filter is {len(text):,} characters long; the limit is {MAX_CHARS:,}"
        raise FilterError(message, MAX_CHARS, len(text), text[: MAX_CHARS + 1])
    if bad := UNSTORABLE.search(text):
        shown = text.encode("utf-8", "replace").decode().replace("\x00", "?")
        raise FilterError("this character is not allowed", bad.start(), None, shown)
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise FilterError(_unexpected(text[at]), at, None, text)
        kind, value = match.lastgroup, match.group()
        if kind == "string":
            value = _unquoted(value)
        elif kind == "word" and value.upper() in KEYWORDS:
            kind, value = "keyword", value.upper()
        elif kind == "comment":
            message = f"'{value}' begins a comment in SQL, which is not part of the filter language; quote it as a text"
            raise FilterError(message, at, match.end(), text)
        if kind != "space":
            found.append(Token(kind, value, at, match.end()))
        at = match.end()
    found.append(Token("end", "", len(text), len(text) + 1))
    return found


def _unquoted(quoted: str) -> str:
    inner = quoted[1:-1]
    if quoted[0] == "'":
        inner = inner.replace("''", "'")
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _unexpected(char: str) -> str:
    if char in "\"'":
        return "this quote is never closed"
    if char == ";":
        return "statements cannot be joined with ';'; a filter is one condition"
    return f"unexpected character {char!r}"

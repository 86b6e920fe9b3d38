"""Files of records -> sent objects, line by line, for `import_records`. Pure but for reading the stream.

Tables have one more convention than JSON: a dotted heading is a place inside a value (`inputs.question`,
`metadata.tier`), and `metric.<slug>` is a score.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, TextIO

import orjson

from records.export import unsafe
from records.json_drafts import NAMES, TRUSTED, BadRecord
from records.limits import MAX_BODY_BYTES, MAX_FIELD_BYTES
from records.models import ValueType
from records.values import FIELDS as VALUE_FIELDS

HEADS = ("inputs", "outputs", "expected", "metadata", "metrics")
FORMATS = ("jsonl", "csv")

# A line of the file: its number, from 1, its content as far as it tells it from others, and what it says.
Line = tuple[int, bytes, dict[str, Any] | BadRecord]


@dataclass(frozen=True, slots=True)
class Shape:
    """How columns become fields: `names` (column -> field) as the operator mapped them, and the value types of the
    known metrics by slug, which decide which field of a score a column `metric.<slug>` is."""

    names: Mapping[str, str] = field(default_factory=dict)
    value_types: Mapping[str, str] = field(default_factory=dict)


class BadHeading(ValueError):
    """A table whose columns are not what they should be: nothing of it is stored."""


def no_column(column: str, there: Iterable[str]) -> str:
    return f"The file has no column {column!r} to map; it has {', '.join(map(repr, there)) or 'none'}."


def jsonl_lines(stream: BinaryIO, shape: Shape) -> Iterator[Line]:
    """Empty lines are passed over; one that is no JSON object comes as a BadRecord."""
    number = 0
    while line := stream.readline(MAX_BODY_BYTES + 1):
        number += 1
        if len(line) > MAX_BODY_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_BODY_BYTES)
            yield number, b"", BadRecord([("", f"The line is longer than the limit of {MAX_BODY_BYTES:,} bytes.")])
            continue
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            item = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield number, text, BadRecord([("", f"Not valid JSON: {error.msg} (column {error.colno}).")])
            continue
        if isinstance(item, dict):
            yield number, text, _mapped(item, shape) if shape.names else item
        else:
            yield number, text, BadRecord([("", "A record is an object.")])


def csv_lines(stream: TextIO, shape: Shape) -> Iterator[Line]:
    """The first line is the heading. Empty cells say nothing. Raises BadHeading."""
    csv.field_size_limit(MAX_FIELD_BYTES)
    reader = csv.reader(stream, strict=True)
    try:
        header = [name.strip() or f"column {n}" for n, name in enumerate(next(reader, []), 1)]
    except csv.Error as error:
        raise BadHeading(f"The heading is not valid CSV: {error}.") from error
    if twice := [name for name, times in Counter(header).items() if times > 1]:
        raise BadHeading(f"The heading names {twice[0]!r} twice.")
    if missing := shape.names.keys() - set(header):
        raise BadHeading(no_column(min(missing), header))
    exported = "is_root" in header
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, b"", BadRecord([("", f"Not valid CSV: {error}.")])
            continue
        if not any(cells):
            continue
        content = "\0".join(cells).encode("utf-8", "replace")
        if len(cells) != len(header):
            problem = f"The line has {len(cells):,} cells; the heading has {len(header):,}."
            yield reader.line_num, content, BadRecord([("", problem)])
            continue
        said = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
        yield reader.line_num, content, _table_item(said, exported, shape)


def field_problem(name: str) -> str:
    """Why `name` is no field that a column can be mapped to; empty if it is one."""
    head, dot, rest = name.partition(".")
    if dot and rest and (head in HEADS or (head == "metric" and "." not in rest)):
        return ""
    if not dot and name in NAMES and name not in TRUSTED:
        return ""
    known = ", ".join(sorted(set(NAMES) - TRUSTED))
    return f"There is no field {name!r}. Fields are {known}, places such as inputs.question, and metric.<slug>."


def line_id(file_name: str, number: int, content: bytes) -> str:
    """The external id of a row without one: the same line of the same file, unchanged, is the same record. A file is
    known by its name without folders: two months' exports may hold the same line, and a file may be moved."""
    named = file_name.encode("utf-8", "surrogateescape")
    return "import:" + hashlib.sha256(b"%s\0%d\0%s" % (named, number, content)).hexdigest()[:32]


def missing_columns(lines: Iterable[Line], columns: Collection[str]) -> tuple[set[str], list[str]]:
    """Which of the columns no line has, and up to 20 that lines do have. Reads no further than all are found."""
    missing, seen = set(columns), dict[str, None]()
    for _, _, item in lines:
        if not missing:
            break
        if isinstance(item, dict):
            missing -= item.keys()
            seen.update(dict.fromkeys(islice(item, max(0, 20 - len(seen)))))
    return missing, list(seen)


def _put(out: dict[str, Any], name: str, value: Any, split: bool) -> None:
    head, dot, _ = name.partition(".")
    if not (split and dot and head in HEADS):
        out[name] = value
        return
    place = out
    *levels, last = name.split(".")
    for level in levels:
        inner = place.get(level)
        if not isinstance(inner, dict):
            inner = place[level] = {} if inner is None else {"": inner}
        place = inner
    place[last] = value


def _mapped(item: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """A JSON object with its mapped columns where they belong; only those may name a place by dots."""
    out: dict[str, Any] = {}
    scores: dict[str, dict[str, Any]] = {}
    for column, value in item.items():
        name = shape.names.get(column)
        if name and name.startswith("metric."):
            _score(scores, name.removeprefix("metric."), value, shape)
        else:
            _put(out, name or column, value, split=bool(name))
    return _with_scores(out, scores)


def _table_item(said: Mapping[str, str], exported: bool, shape: Shape) -> dict[str, Any]:
    item: dict[str, Any] = {}
    scores: dict[str, dict[str, Any]] = {}
    for column, text in said.items():
        name = shape.names.get(column, column)
        text = unsafe(text) if exported else text
        if name.startswith("metric."):
            _score(scores, name.removeprefix("metric."), text, shape)
        else:
            _put(item, name, _value(name, text, exported), split=True)
    return _with_scores(item, scores)


def _with_scores(item: dict[str, Any], scores: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    found = [score for score in scores.values() if any(name in score for name in VALUE_FIELDS.values())]
    if found:
        item["scores"] = [*(item.get("scores") or []), *found]
    return item


def _score(scores: dict[str, dict[str, Any]], name: str, value: Any, shape: Shape) -> None:
    """`<slug>` is a value, `<slug>.reasoning` what was said to it; `<slug>.passed` follows from the value."""
    slug, _, part = name.partition(".")
    score = scores.setdefault(slug, {"metric": slug})
    if part == "reasoning":
        score["reasoning"] = value
    elif not part and value is not None:
        read = _json_or_text(value) if isinstance(value, str) else value
        value_type = shape.value_types.get(slug) or _guessed(read)
        if value_type == ValueType.COMMENT:
            read = value
        elif value_type == ValueType.CATEGORICAL and not isinstance(read, list):
            read = [value]
        score[VALUE_FIELDS[value_type]] = read


def _guessed(value: Any) -> ValueType:
    match value:
        case bool():
            return ValueType.BOOLEAN
        case int() | float():
            return ValueType.NUMERICAL
        case list():
            return ValueType.CATEGORICAL
    return ValueType.COMMENT


def _value(name: str, text: str, exported: bool) -> Any:
    """A cell as JSON where it is meant so: in our own exports wherever it reads as such, in other tables only where it
    is an object or array, because a question "42" is text."""
    target = NAMES.get(name.partition(".")[0], "metadata")
    if target == "tags":
        return _json_or_text(text) if text.startswith("[") else [tag.strip() for tag in text.split(",")]
    if exported and target in ("cost_estimated", "truncated"):
        return text == "true"
    if target in HEADS and (exported or text.lstrip().startswith(("{", "["))):
        return _json_or_text(text)
    return text


def _json_or_text(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text

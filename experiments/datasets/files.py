"""Uploaded files of items -> rows of columns, one by one: CSV with a heading, JSON lines, or a JSON array of objects.

Pure but for reading the stream. A CSV that EvalHub has exported reads back as what it was.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from experiments.datasets.drafts import MAX_VALUE_BYTES, BadItem
from records.export import unsafe

FORMATS = ("csv", "jsonl", "json")
EXPORTED = ("id", "split", "tags")  # a heading that begins like this is of our own export
MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_ARRAY_BYTES = 64 * 1024 * 1024  # a JSON array is read whole; JSON lines have no such bound
MAX_COLUMNS = 450  # the form that maps them has two fields for each, and Django reads 1,000

Line = tuple[int, dict[str, Any] | BadItem]  # the row's number, from 1, and its columns


class BadFile(ValueError):
    """The file is not what it should be: nothing of it is stored."""


def format_of(name: str, beginning: bytes) -> str:
    """By the file's name, else by how it begins."""
    suffix = name.lower().rpartition(".")[2]
    if suffix in ("jsonl", "ndjson"):
        return "jsonl"
    first = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if suffix == "json":
        return "json" if first == b"[" or not _is_lines(beginning) else "jsonl"
    if suffix in ("csv", "tsv", "txt") or first not in (b"[", b"{"):
        return "csv"
    return "json" if first == b"[" else "jsonl"


def lines(stream: BinaryIO, format: str) -> Iterator[Line]:
    """Empty rows are passed over, but counted. Raises BadFile."""
    try:
        yield from {"csv": _csv_lines, "jsonl": _jsonl_lines, "json": _array}[format](stream)
    except UnicodeDecodeError as error:
        raise BadFile(f"The file is not UTF-8 text ({error.reason}): save it as UTF-8.") from None


def heading(stream: BinaryIO, format: str) -> list[str]:
    """The columns that the file itself names, those with empty cells too: none but in a CSV. Raises BadFile."""
    return _opened(stream)[0] if format == "csv" else []


def _is_lines(beginning: bytes) -> bool:
    """Whether the first line is an object of its own."""
    try:
        return isinstance(orjson.loads(beginning.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]), dict)
    except orjson.JSONDecodeError:
        return False


def _jsonl_lines(stream: BinaryIO) -> Iterator[Line]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            yield number, BadItem([("", f"The line is longer than the limit of {MAX_LINE_BYTES:,} bytes.")])
            continue
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            yield number, _object(orjson.loads(text))
        except orjson.JSONDecodeError as error:
            yield number, BadItem([("", f"Not valid JSON: {error.msg} (column {error.colno}).")])


def _array(stream: BinaryIO) -> Iterator[Line]:
    """Also an object that holds the array as its `items`."""
    data = stream.read(MAX_ARRAY_BYTES + 1)
    if len(data) > MAX_ARRAY_BYTES:
        raise BadFile(f"A JSON array has at most {MAX_ARRAY_BYTES // 2**20} MB; JSON lines, an object each, have more.")
    try:
        read = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise BadFile(f"Not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    if isinstance(read, dict):
        read = read.get("items")
    if not isinstance(read, list):
        raise BadFile('The file is to be an array of objects, or an object with such an array as its "items".')
    for number, item in enumerate(read, 1):
        yield number, _object(item)


def _object(item: Any) -> dict[str, Any] | BadItem:
    if not isinstance(item, dict):
        return BadItem([("", "A row is an object.")])
    if any("\0" in name for name in item):
        return BadItem([("", "A column's name holds a NUL character, which cannot be stored.")])
    return item


def _opened(stream: BinaryIO) -> tuple[list[str], Iterator[list[str]]]:
    """The heading of a CSV, and the rows behind it. Raises BadFile."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_VALUE_BYTES * 2))
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    head = text.readline(MAX_VALUE_BYTES)
    reader = csv.reader(_with(head, text), delimiter=_delimiter(head), strict=True)
    try:
        header = [name.strip() or f"column {n}" for n, name in enumerate(next(reader, []), 1)]
    except csv.Error as error:
        raise BadFile(f"The heading is not valid CSV: {error}.") from None
    if not any(header):
        raise BadFile("The file has no heading: its first line is to name the columns.")
    if any("\0" in name for name in header):
        raise BadFile("The heading holds a NUL character: save the file as UTF-8 text.")
    if len(header) > MAX_COLUMNS:
        raise BadFile(f"The heading names {len(header):,} columns; the limit is {MAX_COLUMNS}.")
    if twice := [name for name, times in Counter(header).items() if times > 1]:
        raise BadFile(f"The heading names {twice[0]!r} twice.")
    return header, reader


def _csv_lines(stream: BinaryIO) -> Iterator[Line]:
    """An empty cell says nothing. Numbers count the rows behind the heading."""
    header, reader = _opened(stream)
    exported = tuple(header[: len(EXPORTED)]) == EXPORTED
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, BadItem([("", f"Not valid CSV: {error}.")])
            continue
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield number, BadItem([("", f"The row has {len(cells):,} cells; the heading has {len(header):,}.")])
            continue
        said = zip(header, cells, strict=True)
        yield number, {name: _exported(name, cell) if exported else cell for name, cell in said if cell != ""}


def _with(head: str, rest: io.TextIOWrapper) -> Iterator[str]:
    if head:
        yield head
    yield from rest


def _delimiter(head: str) -> str:
    """The one of comma, semicolon and tab that the heading has most of; spreadsheets of half of Europe write `;`."""
    return max(",;\t", key=head.count)


def _exported(name: str, cell: str) -> Any:
    """Our own exports write anything but plain text as JSON."""
    text = unsafe(cell)
    if name in ("id", "split"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text

"""Items written out whole, as JSON lines or as a table for spreadsheets; an import reads both back as they were.

Everything streams: a batch of items is read, written and forgotten.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import F, Func, QuerySet, TextField

from evalhub.api import to_json
from experiments.datasets.files import EXPORTED
from experiments.models import DatasetItem
from records.export import cell, safe

BATCH = 500
MAX_KEYS = 200  # columns of one part
UNFIT = re.compile(r"[.;\t\r\n]")  # what in a key would read as a path, as a delimiter or as the end of the heading


def item_json(item: DatasetItem) -> dict[str, Any]:
    return {
        "id": item.case_id, "inputs": item.inputs, "expected": item.expected, "metadata": item.metadata,
        "tags": item.tags, "split": item.split,
    }  # fmt: skip


def jsonl(items: QuerySet[DatasetItem]) -> Iterator[bytes]:
    """One item a line."""
    for item in _streamed(items):
        yield to_json(item_json(item)) + b"\n"


def csv_lines(items: QuerySet[DatasetItem]) -> Iterator[bytes]:
    """A heading and one item a line: inputs and metadata have a column for each key, or stand whole in one, as JSON,
    where keys would not do. Nothing in a cell is a formula to a spreadsheet."""
    inputs, metadata = _keys(items, "inputs"), _keys(items, "metadata")
    if inputs is not None and items.exclude(inputs__has_any_keys=inputs).exists():
        inputs = None  # messages, or nothing at all
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(
        [safe(name) for name in [*EXPORTED, "expected", *_names("inputs", inputs), *_names("metadata", metadata)]]
    )
    yield _taken(buffer)
    for item in _streamed(items):
        cells = [safe(item.case_id), safe(item.split), _cell(item.tags) if item.tags else ""]
        cells.append("" if item.expected is None else _cell(item.expected))
        writer.writerow([*cells, *_cells(item.inputs, inputs), *_cells(item.metadata, metadata)])
        yield _taken(buffer)


def _names(field: str, keys: list[str] | None) -> list[str]:
    return [field] if keys is None else [f"{field}.{key}" for key in keys]


def _cells(value: Any, keys: list[str] | None) -> list[str]:
    """A key that is not there is an empty cell; one that is there and empty says so."""
    return [_cell(value)] if keys is None else [_cell(value[key]) if key in value else "" for key in keys]


def _streamed(items: QuerySet[DatasetItem]) -> Iterable[DatasetItem]:
    """By keyset, so that no cursor stays open while somebody downloads slowly."""
    after = 0
    while batch := list(items.filter(position__gt=after).order_by("position")[:BATCH]):
        yield from batch
        after = batch[-1].position


def _keys(items: QuerySet[DatasetItem], field: str) -> list[str] | None:
    """All keys of an object field, by name; None where there are too many, or some that no heading gives back."""
    objects = items.order_by().annotate(kind=Func(F(field), function="jsonb_typeof", output_field=TextField()))
    keys = objects.filter(kind="object").annotate(
        key=Func(F(field), function="jsonb_object_keys", output_field=TextField())
    )
    found = sorted(keys.values_list("key", flat=True).distinct()[: MAX_KEYS + 1])
    unfit = any(UNFIT.search(key) or not key or key != key.strip() for key in found)
    return None if unfit or len(found) > MAX_KEYS else found


def _cell(value: Any) -> str:
    return cell("inputs", value) or to_json(value).decode()


def _taken(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data

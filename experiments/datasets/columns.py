"""Which part of an item each column of a file is. Pure.

A place is `id`, `inputs`, `expected`, `metadata`, `tags` or `split`, or a key inside one: `inputs.question`. A column
that is mapped to "" is left out; one that the mapping does not know refuses its row.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from experiments.datasets.drafts import NAMES, BadItem, Draft, read_draft

HEADS = ("inputs", "expected", "metadata")
WHOLE = ("id", "inputs", "expected", "metadata", "tags", "split")
# Other names under which people keep the same, as they are met in files.
GUESSES = {
    "case": "id", "key": "id", "uid": "id", "uuid": "id",
    "answer": "expected", "target": "expected", "label": "expected", "ideal": "expected", "reference": "expected",
    "ground_truth": "expected", "golden": "expected", "output": "expected", "expected_answer": "expected",
    "messages": "inputs", "tag": "tags", "labels": "tags", "set": "split", "subset": "split", "fold": "split",
}  # fmt: skip


def guessed(columns: Iterable[str]) -> dict[str, str]:
    """A place for each column: by its name, else one of the inputs, or of the metadata where a column is all inputs."""
    mapping = {column: _named(column) for column in columns}
    for column, place in mapping.items():
        if place and any(other == place for name, other in mapping.items() if name != column):
            first = next(name for name, other in mapping.items() if other == place)
            mapping[column] = place if column == first else ""
    taken = set(mapping.values())
    rest = next((head for head in ("inputs", "metadata") if head not in taken), "")
    for column, place in mapping.items():
        if not place and rest:
            mapping[column] = f"{rest}.{column.replace('.', '_')}"
    return mapping


def _named(column: str) -> str:
    if column.partition(".")[0] in HEADS and is_place(column):
        return column
    name = column.strip().lower().replace(" ", "_").replace("-", "_")
    place = NAMES.get(name, GUESSES.get(name, ""))
    return "id" if place == "case_id" else place


def is_place(name: str) -> bool:
    head, dot, rest = name.partition(".")
    return name in WHOLE or (head in HEADS and bool(dot) and all(part.strip() for part in rest.split(".")))


def mapping_problem(mapping: Mapping[str, str]) -> str:
    """Why these columns make no items; empty if they do."""
    places = [place for place in mapping.values() if place]
    for place in places:
        if not is_place(place):
            return f"{place!r} is no part of an item: choose {', '.join(WHOLE)}, or a key such as inputs.question."
        if places.count(place) > 1:
            return f"Two columns are mapped to {place}: each needs a place of its own."
        if "." not in place and any(other.startswith(f"{place}.") for other in places):
            return f"One column is all of {place}, and another one a key of it: choose one of the two."
    if not any(place.partition(".")[0] == "inputs" for place in places) and "id" not in places:
        return "No column is mapped to inputs, and none to the id by which items that are there could be known."
    return ""


def draft_of(row: Mapping[str, Any], mapping: Mapping[str, str]) -> Draft:
    """Raises BadItem."""
    item: dict[str, Any] = {}
    for column, value in row.items():
        if column not in mapping:
            raise BadItem([(column[:100], "The first rows have no such column, so nothing says what it is.")])
        if place := mapping[column]:
            _put(item, place, value)
    if isinstance(inputs := item.get("inputs"), str | int | float):
        item["inputs"] = {"input": inputs}
    if not item:
        raise BadItem([("", "The row says nothing that is mapped.")])
    return read_draft(item)


def _put(item: dict[str, Any], place: str, value: Any) -> None:
    head, *keys = place.split(".")
    value = _tags(value) if head == "tags" else _value(value)
    if not keys:
        item[head] = value
        return
    inner = item.setdefault(head, {})
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            raise BadItem([(place, "Is a place inside another column's value.")])
    inner[keys[-1]] = value


def _value(value: Any) -> Any:
    """A cell that is an object or an array is meant as one; "42" stays the text that it is."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _tags(value: Any) -> Any:
    read = _value(value)
    return [tag.strip() for tag in read.split(",") if tag.strip()] if isinstance(read, str) else read

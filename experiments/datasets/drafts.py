"""What somebody sends as an item -> what is to be stored of it, or why not. Pure.

A draft says only what it was given: of a case that is there already, what it does not say stays as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from evalhub.api import nul_path
from records import json_values
from records.conversation import messages_of
from records.json_values import Wrong
from records.search_text import search_text
from scoring.builtins.schemas import Inapplicable, mismatch

MAX_VALUE_BYTES = 1024 * 1024  # inputs and expected, each, as JSON
MAX_METADATA_BYTES = 64 * 1024
MAX_CASE_CHARS = 200
MAX_SPLIT_CHARS = 40
FIELDS = ("inputs", "expected", "metadata", "tags", "split")
NAMES = {
    "id": "case_id", "case_id": "case_id", "inputs": "inputs", "input": "inputs", "expected": "expected",
    "expected_output": "expected", "metadata": "metadata", "tags": "tags", "split": "split",
}  # fmt: skip
OBJECT = 'must be an object, such as {"question": "..."}, or an array of messages.'


class BadItem(ValueError):
    """`problems` are (field, what is wrong with it)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(f"{where}: {what}" if where else what for where, what in self.problems))


@dataclass(slots=True)
class Draft:
    """`fields` by the names of FIELDS. An empty `case_id` is a new case, which gets one."""

    case_id: str
    fields: dict[str, Any]


def read_draft(sent: Any) -> Draft:
    """Raises BadItem."""
    if not isinstance(sent, Mapping):
        raise BadItem([("", "An item is an object.")])
    said: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, value in sent.items():
        field = NAMES.get(name)
        if field is None:
            problems.append((str(name)[:100], "There is no such field."))
        elif field in said:
            problems.append((name, f"Says {field} a second time."))
        else:
            try:
                said[field] = READERS[field](value)
            except Wrong as wrong:
                problems.append((name, str(wrong)))
    if not problems and (where := nul_path(said)) is not None:
        problems.append((where, "Holds a NUL character, which cannot be stored."))
    if problems:
        raise BadItem(problems)
    return Draft(said.pop("case_id", ""), said)


def check_inputs(schema: dict[str, Any] | None, inputs: Any) -> None:
    """Raises BadItem where the dataset's schema refuses them."""
    if schema is None:
        return
    try:
        if found := mismatch(schema, inputs):
            where, _, what = found.removeprefix("$").partition(": ")
            raise BadItem([(f"inputs{where}", what)])
    except Inapplicable as error:
        raise BadItem([("inputs", f"The dataset's schema cannot be applied: {error}")]) from None


def words_of(case_id: str, fields: Mapping[str, Any]) -> str:
    """What a search reads of an item: all its words, in lower case."""
    rest = [case_id, fields["split"], *fields["tags"], fields["metadata"]]
    return (search_text([fields["inputs"], rest], fields["expected"]) or "").lower()


def _case_id(value: Any) -> str:
    if value is None:
        return ""
    text = json_values.text(value).strip()
    if len(text) > MAX_CASE_CHARS:
        raise Wrong(f"must have at most {MAX_CASE_CHARS} characters.")
    if not text.isprintable():
        raise Wrong("must hold no control characters.")
    return text


def _inputs(value: Any) -> Any:
    if not isinstance(value, dict) and messages_of(value) is None:
        raise Wrong(OBJECT)
    return _bounded(value)


def _bounded(value: Any, limit: int = MAX_VALUE_BYTES) -> Any:
    try:
        json_values.bounded(value, limit)
    except orjson.JSONEncodeError as error:
        raise Wrong(f"is no JSON that can be stored: {error}.") from None
    return value


def _metadata(value: Any) -> dict[str, Any]:
    return _bounded(json_values.mapping({} if value is None else value), MAX_METADATA_BYTES)


def _tags(value: Any) -> list[str]:
    return json_values.tags([] if value is None else value)


def _split(value: Any) -> str:
    text = "" if value is None else json_values.text(value).strip()
    if len(text) > MAX_SPLIT_CHARS:
        raise Wrong(f"must have at most {MAX_SPLIT_CHARS} characters.")
    return text


READERS: dict[str, Callable[[Any], Any]] = {
    "case_id": _case_id, "inputs": _inputs, "expected": _bounded, "metadata": _metadata, "tags": _tags, "split": _split,
}  # fmt: skip

"""Many rows as one parameter: a JSON array that json_to_recordset() reads on the other side."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL's text holds neither NUL nor half a surrogate pair


def as_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Numbers the rows in `n`, from 0. What text cannot hold becomes U+FFFD: a model may answer anything. Raises
    ValueError for a number that is none."""
    numbered = [{"n": n, **{name: _storable(value) for name, value in row.items()}} for n, row in enumerate(rows)]
    return orjson.dumps(numbered, default=str).decode()


def _storable(value: Any) -> Any:
    if value is None or isinstance(value, int | UUID):  # most of them
        return value
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case bytes() | memoryview():
            return "\\x" + value.hex()
        case list():
            return [_storable(item) for item in value]
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} is no number that can be stored.")
        case _:
            return value

"""Many rows as one parameter: a JSON array that json_to_recordset() reads on the other side."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL's text holds neither NUL nor half a surrogate pair


def as_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Numbers the rows in `n`, from 0. What text cannot hold becomes U+FFFD: a model may answer anything."""
    return json.dumps(
        [{"n": n, **{name: _storable(value) for name, value in row.items()}} for n, row in enumerate(rows)],
        default=str,
        allow_nan=False,
    )


def _storable(value: Any) -> Any:
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case bytes() | memoryview():
            return "\\x" + value.hex()
        case list():
            return [_storable(item) for item in value]
        case _:
            return value

"""What JSON may hold before it is stored, checked in one place for every door.

PostgreSQL keeps neither NUL nor half a surrogate pair, JSON knows no NaN, and whole numbers are written with 64 bits:
unchecked, each would be a 500.
"""

import math
import re
from typing import Any

from records.limits import MAX_JSON_DEPTH

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
INTEGERS = range(-(2**63), 2**64)


class Refused(ValueError):
    """A value that cannot be stored as it is. `path` names it, as `inputs.messages.0.content`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


def clean[T](value: T) -> T:
    """The value itself, once every part of it can be stored. Raises Refused."""
    _check(value, "", 0)
    return value


def _check(value: Any, path: str, depth: int) -> None:
    """Run on every part of everything that comes in: the plain tests first, and paths only where there is a depth."""
    kind = type(value)
    if kind is str:
        if "\0" in value or not (value.isascii() or UNSTORABLE.search(value) is None):
            raise Refused(path, "Holds a NUL character or half a surrogate pair, which cannot be stored.")
    elif kind is int:
        if value not in INTEGERS:
            raise Refused(path, "A whole number of more than 64 bits; send it as text.")
    elif kind is float:
        if not math.isfinite(value):
            raise Refused(path, "NaN and infinity are not JSON; send null.")
    elif kind is dict:
        _check_depth(path, depth)
        for key, item in value.items():
            _check(key, path, depth)
            _check(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif kind is list:
        _check_depth(path, depth)
        for number, item in enumerate(value):
            _check(item, f"{path}.{number}" if path else str(number), depth + 1)


def _check_depth(path: str, depth: int) -> None:
    if depth >= MAX_JSON_DEPTH:
        raise Refused(path, f"Nested deeper than the limit of {MAX_JSON_DEPTH} levels.")


def repaired(value: Any, depth: int = 0) -> Any:
    """The nearest value that can be stored, for senders who cannot be asked again: U+FFFD for what text cannot hold,
    null for NaN, and text for what is nested too deeply or a number too large."""
    if value is None or value == "":  # most of what is asked about
        return value
    match value:
        case str():
            return UNSTORABLE.sub("\ufffd", value)
        case float():
            return value if math.isfinite(value) else None
        case int():
            return value if value in INTEGERS else str(value)
        case dict() | list() if depth >= MAX_JSON_DEPTH:
            return UNSTORABLE.sub("\ufffd", str(value))
        case dict():
            return {UNSTORABLE.sub("\ufffd", str(key)): repaired(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [repaired(item, depth + 1) for item in value]
    return value

"""Reading attributes: each function takes the first of some names that says what is asked for, and leaves the rest.

What is taken is removed from the attributes; None if none of them says it.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from records.limits import MAX_JSON_DEPTH
from records.sanitize import repaired

Attributes = dict[str, Any]

ALWAYS_JSON = frozenset({"traceloop.entity.input", "traceloop.entity.output"})
MAX_COUNT, MAX_SMALL_COUNT = 2**31 - 1, 2**15 - 1
MAX_COST = Decimal(100_000_000)


def take_text(attributes: Attributes, names: Sequence[str]) -> str | None:
    """The first that is text, not blank, or a whole number."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and (value := value.strip()):
            del attributes[name]
            return value
    return None


def take_count(attributes: Attributes, names: Sequence[str], at_most: int = MAX_COUNT) -> int | None:
    """The first whole number that is not negative and fits its column."""
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        number = _whole(value)
        if number is not None and 0 <= number <= at_most:
            del attributes[name]
            return number
    return None


def take_small_count(attributes: Attributes, names: Sequence[str]) -> int | None:
    return take_count(attributes, names, MAX_SMALL_COUNT)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None
    return value if isinstance(value, int) else None


def take_milliseconds(attributes: Attributes, names: Sequence[str]) -> int | None:
    """The first duration, sent in seconds."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT / 1000:
            del attributes[name]
            return round(value * 1000)
    return None


def take_cost(attributes: Attributes, names: Sequence[str]) -> Decimal | None:
    """The first amount of USD, to the column's 8 places."""
    for name in names:
        value = attributes.get(name)
        if not isinstance(value, int | float | str) or isinstance(value, bool):
            continue
        try:
            amount = round(Decimal(str(value)), 8)
        except InvalidOperation:
            continue
        if 0 <= amount < MAX_COST:
            del attributes[name]
            return amount
    return None


def take_value(attributes: Attributes, names: Sequence[str]) -> Any:
    """The first that is not null, with JSON in text read as JSON."""
    for name in names:
        if attributes.get(name) is not None:
            return read_json(attributes.pop(name), "json" if name in ALWAYS_JSON else "")
    return None


def read_json(value: Any, mime_type: Any = "") -> Any:
    """Text that is a JSON object or array, as that; with a JSON mime type, any JSON. Everything else as it is."""
    if not isinstance(value, str) or not value:
        return value
    if value[0] in "{[" or (isinstance(mime_type, str) and "json" in mime_type):
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
        # What a parser lets through and PostgreSQL does not; looked for only where it can be.
        if "\\u0000" in value or value.count("{") + value.count("[") > MAX_JSON_DEPTH:
            parsed = repaired(parsed)
        return parsed
    return value


def take_texts(attributes: Attributes, names: Sequence[str]) -> list[str] | None:
    """The first that is a list of texts: an array, JSON, or words with commas between them."""
    for name in names:
        value = read_json(attributes.get(name))
        if isinstance(value, str):
            value = value.split(",")
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            del attributes[name]
            return list(dict.fromkeys(item.strip() for item in value if item.strip()))
    return None

"""Readers of single JSON values: each gives what its column holds, or raises Wrong. Pure."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from records.limits import (
    MAX_ERROR_CHARS,
    MAX_FIELD_BYTES,
    MAX_NAME_BYTES,
    MAX_NAME_CHARS,
    MAX_TAG_CHARS,
    MAX_TAGS,
)
from records.models import Source

Problem = tuple[str, str]  # where, as `spans.0.latency`, and what is wrong there


class Wrong(ValueError):
    """What the sender has to change: `str()` goes on after the name of the place."""


def text(value: Any) -> str:
    """One line of text; whole numbers are taken as ids."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Wrong("must be text.")
    if len(value) > MAX_NAME_CHARS:
        raise Wrong(f"must have at most {MAX_NAME_CHARS:,} characters.")
    if len(value.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise Wrong(f"must have at most {MAX_NAME_BYTES:,} bytes as UTF-8.")
    return value


def long_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("must be text.")
    if len(value) > MAX_ERROR_CHARS:
        raise Wrong(f"must have at most {MAX_ERROR_CHARS:,} characters.")
    return value


def time(value: Any) -> datetime:
    """RFC 3339; without an offset it is UTC, as everywhere in the API."""
    if not isinstance(value, str):
        raise Wrong("must be a time such as 2026-01-31T12:00:00Z.")
    try:
        read = datetime.fromisoformat(value.strip())
        read = (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Wrong("must be a time such as 2026-01-31T12:00:00Z.") from None
    if not 1970 <= read.year <= 9998:
        raise Wrong("must be a time from 1970 on.")
    return read


def _number(value: Any, what: str) -> Decimal:
    """Also from a text of digits, which is how tables carry numbers."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidOperation
        number = Decimal(str(value).strip())
        if not number.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise Wrong(f"must be {what}.") from None
    if number < 0:
        raise Wrong("must not be negative.")
    return number


def milliseconds(value: Any) -> int:
    number = _number(value, "a number of seconds")
    if number > 2_147_483:
        raise Wrong("must be in seconds, at most 2,147,483 of them.")
    return round(number * 1000)


def count(value: Any) -> int:
    number = _number(value, "a whole number")
    if number > 2_147_483_647:
        raise Wrong("must be at most 2,147,483,647.")
    if number != int(number):
        raise Wrong("must be a whole number.")
    return int(number)


def epoch(value: Any) -> int:
    if (number := count(value)) > 32_767:
        raise Wrong("must be at most 32,767.")
    return number


def usd(value: Any) -> Decimal:
    number = _number(value, "an amount of USD")
    if number >= 100_000_000:
        raise Wrong("must be below 100,000,000 USD.")
    return round(number, 8)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("must be true or false.")
    return value


def kind(value: Any) -> str:
    """A kind that EvalHub does not know is `other`; its name is kept in metadata."""
    return text(value).lower()


def source(value: Any) -> Source:
    try:
        return Source[str(value).upper()]
    except KeyError:
        raise Wrong(f"must be one of {', '.join(s.label for s in Source)}.") from None


def tags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Wrong("must be an array of texts.")
    found = list(dict.fromkeys(tag.strip() for tag in value if tag.strip()))
    if len(found) > MAX_TAGS:
        raise Wrong(f"must hold at most {MAX_TAGS} tags.")
    if any(len(tag) > MAX_TAG_CHARS for tag in found):
        raise Wrong(f"must hold tags of at most {MAX_TAG_CHARS} characters.")
    return found


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Wrong("must be an object.")
    return value


def array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Wrong("must be an array.")
    return value


def payload(value: Any) -> Any:
    bounded(value, MAX_FIELD_BYTES)
    return value


def bounded(value: Any, limit: int) -> None:
    size = len(orjson.dumps(value))
    if size > limit:
        raise Wrong(f"has {size:,} bytes as JSON; the limit is {limit:,}.")

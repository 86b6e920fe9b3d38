"""Where a page ends and the next one begins, as opaque text in a URL."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from uuid import UUID

import orjson

from records.filterlang.values import EARLIEST, LATEST
from records.search.plan import RecordRow

MAX_DIGITS = 30  # more than any sorted column has, and few enough for PostgreSQL's numbers
INT8 = 2**63


class BadCursor(ValueError):
    """A cursor that no page of this list has given out."""

    def __init__(self) -> None:
        super().__init__("This page's address was cut off or changed; start again from the first page.")


@dataclass(slots=True)
class Page:
    """`next` continues after the last row, or, where time ran out, from `searched_back_to`; empty at the end."""

    rows: list[RecordRow]
    next: str = ""
    searched_back_to: datetime | None = None


@dataclass(slots=True)
class Position:
    """Where a list goes on: after a row (with its id), or before a time (without)."""

    value: Any
    id: UUID | None


def write_cursor(value: datetime | Decimal | float, id: UUID | None) -> str:
    """Opaque to whoever gets it; a time, or a number as text, and the id of the last row."""
    kind, text = ("t", value.astimezone(UTC).isoformat()) if isinstance(value, datetime) else ("n", str(value))
    return urlsafe_b64encode(orjson.dumps([kind, text, str(id) if id else None])).decode().rstrip("=")


def read_cursor(cursor: str, number: type | None = None) -> Position | None:
    """`number` is the type of a list sorted by one: int, float or Decimal. Such a list may also stand at a time, among
    the records without the number; a list by time (None) only there. Raises BadCursor."""
    if not cursor:
        return None
    try:
        kind, text, id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        value = _time(text) if kind == "t" else NUMBERS[number](text)
        position = Position(value, UUID(id) if id else None)
    except (ValueError, TypeError, KeyError, NotBase64, InvalidOperation, AttributeError):
        raise BadCursor from None
    if position.id is None and kind != "t":
        raise BadCursor
    return position


def _time(text: str) -> datetime:
    """Beyond these years, walking slices of time would leave the calendar."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None or not EARLIEST <= value.year <= LATEST:
        raise ValueError
    value = value.astimezone(UTC)
    if not EARLIEST <= value.year <= LATEST:
        raise ValueError
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or len(value.as_tuple().digits) + abs(value.as_tuple().exponent) > MAX_DIGITS:
        raise ValueError
    return value


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError
    return value


def _int(text: str) -> int:
    """As the column's own type: compared with a numeric, an integer column's index could not be used."""
    value = int(text)
    if abs(value) >= INT8:
        raise ValueError
    return value


NUMBERS: dict[type | None, Callable[[str], Any]] = {int: _int, float: _float, Decimal: _decimal}

"""What a written value means: numbers, times, ages. None where it is not one."""

import json
import math
import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from records.filterlang.tree import Value

NUMBER = re.compile(r"[-+]?\d{1,15}(\.\d{1,15})?([eE][-+]?\d{1,2})?")
AGE = re.compile(r"-?(\d{1,5})([smhdw])")
AGE_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
EARLIEST, LATEST = 1900, 2200  # years; beyond them a zone's offset may overflow


def number_of(value: Value) -> int | float | None:
    """An unquoted number of at most 15 digits before the point."""
    if value.kind != "word" or not NUMBER.fullmatch(value.raw) or not value.raw.isascii():
        return None
    return float(value.raw) if re.search(r"[.eE]", value.raw) else int(value.raw)


def time_of(value: Value, now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The time as [start, end): an age and a date-time are an instant (both the same), a date is its whole day."""
    if value.kind not in ("word", "string") or not value.raw.isascii():
        return None
    if age := AGE.fullmatch(value.raw):
        at = now - timedelta(seconds=int(age[1]) * AGE_SECONDS[age[2]])
        return at, at
    try:
        at = datetime.fromisoformat(value.raw)
    except ValueError:
        return None
    if not EARLIEST <= at.year <= LATEST:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    if DATE.fullmatch(value.raw):
        return at, datetime.combine(at.date() + timedelta(days=1), time(), zone)
    at = at.astimezone(UTC)  # an offset may be 23:59, of which PostgreSQL knows no more than 15:59
    return at, at


def bool_of(value: Value) -> bool | None:
    word = value.raw.lower()
    return True if word in ("true", "yes", "1") else False if word in ("false", "no", "0") else None


def nested(path: tuple[str, ...], leaf: Any) -> str:
    """The JSON that a value at a path is contained in: {"a": {"b": leaf}}"""
    for key in reversed(path):
        leaf = {key: leaf}
    return json.dumps(leaf)


def json_path(path: tuple[str, ...], condition: str) -> str:
    """An SQL/JSON path over literal keys; JSON's own quoting is also the path language's."""
    return "$." + ".".join(json.dumps(key) for key in path) + f" ? (@ {condition} $v)"


def like(text: str, wildcards: bool = False) -> str:
    """`text` as a LIKE pattern that matches itself; with `wildcards`, * stands for any characters."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return re.sub(r"\*+", "%", escaped) if wildcards else escaped


def whole_bound(op: str, number: int | float) -> tuple[str, int] | None:
    """The same comparison with a whole number, which an index on whole numbers can serve; None: never true."""
    if isinstance(number, int) or number.is_integer():
        return op, int(number)
    match op:
        case "<" | ">=":
            return op, math.ceil(number)
        case "<=" | ">":
            return op, math.floor(number)
    return None

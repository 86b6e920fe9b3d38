"""Cursors: where a list goes on. Opaque to clients, who only send them back; a broken one is refused."""

import base64
from collections.abc import Callable
from typing import Any

import orjson

from evalhub.api import Problem


def write_cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts, float)).decode().rstrip("=")


def read_cursor(cursor: str, *readers: Callable[[Any], Any]) -> list[Any]:
    """The parts, each through its reader. Raises Problem for what no answer ever contained."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [reader(part) for reader, part in zip(readers, parts, strict=True)]
    # UUID() raises AttributeError for what is no text, int() OverflowError for what has no end.
    except (ValueError, TypeError, AttributeError, OverflowError):
        message = "This is no cursor of this list: send one back as it was in next_cursor, or none."
        raise Problem(400, "invalid_cursor", message, [("cursor", message)]) from None

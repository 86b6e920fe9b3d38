"""The text that a text search reads: every string and number in inputs and outputs, capped."""

from collections.abc import Iterator
from typing import Any

from records.limits import SEARCH_TEXT_CHARS


def search_text(inputs: Any, outputs: Any) -> str | None:
    """The words of both, each capped at SEARCH_TEXT_CHARS; None where there are none."""
    found = [text for text in (_flat(inputs), _flat(outputs)) if text]
    return "\n".join(found) or None


def _flat(value: Any) -> str:
    if isinstance(value, str):
        return value[:SEARCH_TEXT_CHARS]
    parts, room = [], SEARCH_TEXT_CHARS
    for text in _leaves(value):
        parts.append(text[:room])
        room -= len(text) + 1
        if room <= 0:
            break
    return " ".join(parts)


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case bool() | None:
            return
        case int() | float():
            yield str(value)
        case dict():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)

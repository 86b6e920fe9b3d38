"""The JSON object in what a model says. Strict: no NaN, no key twice, which would be guessed at."""

import json
import re
from typing import Any

MAX_STARTS = 100  # braces at which an object is looked for
THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)  # what local reasoning models put before their answer


class NoObject(ValueError):
    """There is no JSON object in the text."""


class BadObject(ValueError):
    """There is one, with a key twice or a value that JSON does not have. The text says so, to the model."""


def read_object(text: str) -> dict[str, Any]:
    """The text as a JSON object, else the first balanced one in it. Raises NoObject or BadObject."""
    text = THOUGHTS.sub("", text).strip()
    starts = 0
    at = text.find("{")
    while at >= 0 and starts < MAX_STARTS:
        try:
            found, _ = DECODER.raw_decode(text, at)
        except BadObject:
            raise
        except (ValueError, RecursionError):
            starts += 1
            at = text.find("{", at + 1)
            continue
        return found
    raise NoObject("There is no JSON object in the answer.")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadObject(f"The key {twice[:60]!r} stands in the JSON object twice.")
    return made


def _constant(name: str) -> Any:
    raise BadObject(f"{name} is no JSON number.")


DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, strict=False)

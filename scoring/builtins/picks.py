"""Taking from a record's unified inputs what a built-in evaluator is to look at."""

import json
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, Field

from scoring.inputs import NAMES
from scoring.raw_values import number_in
from scoring.snippets import ARGUMENTS
from scoring.verdicts import Verdict, errored, skipped

MAX_COMPARED_CHARS = 100_000  # of a text that is compared letter by letter


class NoVerdict(Exception):
    """What is to be looked at is not there, or is not of its kind; `verdict` says so."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.error or verdict.reasoning)
        self.verdict = verdict


def _path(path: str) -> str:
    name, *rest = path.strip().split(".")
    if name not in ARGUMENTS:
        raise ValueError(f"There is no {name or 'empty path'}: a path starts with one of {', '.join(NAMES)}.")
    if not all(rest):
        raise ValueError("Two dots with nothing between them.")
    return ".".join([ARGUMENTS[name], *rest])


Path = Annotated[str, Field(max_length=500), AfterValidator(_path)]
VALUE = Field("output", title="Look at", description="A path, such as output, output.answer or output.items.0.")
AGAINST = Field("expected", title="Compare with", description="A path, such as expected or expected.answer.")


def pick(inputs: dict[str, Any], path: str) -> Any:
    """The value at the path; a text on the way is read as JSON.

    Raises NoVerdict: skipped where the record has no such part at all, errored where the part is not as the path wants.
    """
    name, *rest = path.split(".")
    value = inputs.get(name)
    if value is None:
        raise NoVerdict(skipped(f"The record has no {name}."))
    for done, key in enumerate(rest):
        at = ".".join([name, *rest[:done]])
        if isinstance(value, str):
            value = parsed(value, at)
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise NoVerdict(errored(f"{at} has no {key}."))
    return value


def parsed(text: str, at: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NoVerdict(errored(f"{at} is not JSON: {error.msg} (line {error.lineno}).")) from None


def as_text(value: Any) -> str:
    """A text as it is; anything else as JSON with sorted keys, so that equal values are equal texts."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def compared_text(value: Any, at: str) -> str:
    text = as_text(value)
    if len(text) > MAX_COMPARED_CHARS:
        raise NoVerdict(
            errored(f"{at} is longer than {MAX_COMPARED_CHARS:,} characters, too long for this comparison.")
        )
    return text


def as_number(value: Any, at: str) -> float:
    """A number, or a text that is one. Raises NoVerdict."""
    if isinstance(value, str) and (number := number_in(value.strip())) is not None:
        return number
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = as_text(value)
        raise NoVerdict(errored(f"{at} is not a number: {shown[:80] + '...' if len(shown) > 80 else shown}"))
    return float(value)


def shown(value: Any, limit: int = 200) -> str:
    """A value for a reasoning, short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "..."

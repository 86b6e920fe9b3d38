"""What came of one row, read from what a child says of it, none of which is believed. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from records.sanitize import repaired
from scoring.sandbox.channel import Forged

Value = bool | int | float | str | list[str]

MOST_RESULT = 64 << 10  # characters of a value and its reasoning
MOST_OUTPUT = 8 << 10  # characters of what was printed
MOST_MESSAGE = 1000
LOADED = -1  # the row number of the answer that says whether the snippet could be loaded


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a snippet is no evaluator. `line` counts from 1; None where no line is to blame."""

    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.message} (line {self.line})" if self.line else self.message


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """One row's score: `value`, or `skipped` (the evaluator declined: why), or `error`, which names the line.

    `output` is what the snippet printed; `slow` says that it ran out of time, `stopped` that it was not run at all,
    because rows before it had killed the sandbox or run out of time too often.
    """

    index: int
    value: Value | None = None
    skipped: str | None = None
    error: str | None = None
    line: int | None = None
    reasoning: str = ""
    output: str = ""
    duration_ms: int | None = None
    slow: bool = False
    stopped: bool = False


def outcome(answer: dict, index: int) -> RowOutcome:
    """The row `index` as the child tells it. Raises Forged."""
    if answer.get("i") != index or type(answer["i"]) is not int:
        raise Forged("answered for a row that was not its turn")
    if len({"value", "skip", "error"} & answer.keys()) != 1:
        raise Forged("gave an answer that is none")
    error, line = None, _line(answer)
    if "error" in answer:
        error = str(Problem(_text(answer, "error", MOST_MESSAGE), line))
    return RowOutcome(
        index,
        value=_value(answer["value"]) if "value" in answer else None,
        skipped=_text(answer, "skip", MOST_RESULT) if "skip" in answer else None,
        error=error,
        line=line,
        reasoning=_text(answer, "reasoning", MOST_RESULT),
        output=_text(answer, "output", MOST_OUTPUT),
        duration_ms=_milliseconds(answer),
        slow=answer.get("slow") is True,
    )


def problem_of(answer: dict) -> Problem | None:
    """What the child says of the snippet as a whole, in its first answer. Raises Forged."""
    if answer.get("i") != LOADED:
        raise Forged("answered before the snippet was loaded")
    if "broken" in answer:  # a wall could not be raised, so the snippet was not run; or it says so itself
        raise Forged(f"could not be locked in ({_text(answer, 'broken', MOST_MESSAGE)})")
    return Problem(_text(answer, "error", MOST_MESSAGE), _line(answer)) if "error" in answer else None


def _value(value: object) -> Value:
    if type(value) is bool:
        return value
    if type(value) in (int, float):
        if not (abs(value) < 1 << 64 if type(value) is int else math.isfinite(value)):
            raise Forged("gave a number that is none")
        return value
    texts: Sequence[object] = value if type(value) is list else [value]
    if any(type(text) is not str for text in texts) or sum(len(text) + 1 for text in texts) > MOST_RESULT + 1:
        raise Forged("gave a value that no evaluator can return")
    return repaired(value)


def _text(answer: dict, key: str, most: int) -> str:
    """PostgreSQL keeps neither NUL nor half a surrogate pair: `repaired` puts U+FFFD in their place."""
    text = answer.get(key, "")
    if type(text) is not str or len(text) > most:
        raise Forged(f"gave a text that is too long ({key})")
    return repaired(text)


def _line(answer: dict) -> int | None:
    line = answer.get("line")
    if line is not None and not (type(line) is int and 0 <= line < 1 << 31):
        raise Forged("named a line that is none")
    return line or None


def _milliseconds(answer: dict) -> int | None:
    used = answer.get("us")
    if used is None:
        return None
    if type(used) is not int or not 0 <= used < 1 << 50:
        raise Forged("took a time that is none")
    return round(used / 1000)

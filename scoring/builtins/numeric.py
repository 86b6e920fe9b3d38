"""Numbers: within a tolerance, and how close. A text that is a number counts as one; any other is an error."""

from typing import Any, Literal

from pydantic import Field

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import AGAINST, VALUE, NoVerdict, Path, as_number, pick
from scoring.builtins.regex import compiled
from scoring.verdicts import Verdict, completed, errored

NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"


class NumericSettings(Settings):
    value: Path = VALUE
    against: Path = AGAINST
    take: Literal["whole", "first", "last"] = Field(
        "whole",
        title="Of a text take",
        description="The whole, which must be a number, or the first or last number in it.",
    )


class ToleranceSettings(NumericSettings):
    absolute: float = Field(0, ge=0, title="Absolute tolerance")
    relative: float = Field(
        0, ge=0, le=1, title="Relative tolerance", description="0.01 allows 1 % of the expected number."
    )


def closeness(left: float, right: float) -> float:
    """1 - |a - b| / (|a| + |b|), from 0 to 1; two zeros are equal."""
    return 1.0 if left == right else 1 - min(1.0, abs(left - right) / (abs(left) + abs(right)))


def _numbers(inputs: dict[str, Any], settings: NumericSettings) -> tuple[float, float]:
    value = pick(inputs, settings.value)
    if isinstance(value, str) and settings.take != "whole":
        found = compiled(NUMBER).findall(value)
        if not found:
            raise NoVerdict(errored(f"{settings.value} has no number in it."))
        value = found[0 if settings.take == "first" else -1].replace(",", "")
    return as_number(value, settings.value), as_number(pick(inputs, settings.against), settings.against)


def within(inputs: dict[str, Any], settings: ToleranceSettings) -> Verdict:
    value, wanted = _numbers(inputs, settings)
    allowed = max(settings.absolute, settings.relative * abs(wanted))
    off = abs(value - wanted)
    return completed(off <= allowed, f"{value:g} is {off:g} off {wanted:g}; {allowed:g} is allowed.")


def close(inputs: dict[str, Any], settings: NumericSettings) -> Verdict:
    value, wanted = _numbers(inputs, settings)
    return completed(closeness(value, wanted), f"{value:g} against {wanted:g}.")


TOLERANCE = Builtin(
    key="numeric_tolerance",
    name="Number within tolerance",
    description="The output is the expected number, or close enough.",
    settings=ToleranceSettings,
    evaluate=within,
    gives=lambda settings: ValueType.BOOLEAN,
)
CLOSENESS = Builtin(
    key="numeric_closeness",
    name="Closeness of numbers",
    description="How close two numbers are, from 0 to 1: 1 - |a - b| / (|a| + |b|).",
    settings=NumericSettings,
    evaluate=close,
    gives=lambda settings: ValueType.NUMERICAL,
    known_as=("NumericDiff",),
)

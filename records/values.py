"""What a score's value may be, by its metric's type, and what follows from it: the number that sorts, pass or fail.

A score carries exactly one of four typed fields, the one its metric's value type names. Pass or fail is computed here,
never taken from a sender.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from records.limits import MAX_COMMENT_CHARS, MAX_NUMBER
from records.models import Metric, ValueType
from records.models.metric import Direction

FIELDS: dict[str, str] = {
    ValueType.NUMERICAL: "numerical_value",
    ValueType.BOOLEAN: "boolean_value",
    ValueType.CATEGORICAL: "categorical_value",
    ValueType.COMMENT: "string_value",
}


class ValueProblem(Exception):
    """A value that its metric does not allow. `field` is the one the sender has to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class TypedValue:
    """One of the four typed fields, `value` that sorts and averages whatever the type, and pass (None: no verdict)."""

    numerical_value: float | None = None
    boolean_value: bool | None = None
    categorical_value: list[str] | None = None
    string_value: str | None = None
    value: float | None = None
    passed: bool | None = None


def read_value(metric: Metric, sent: Mapping[str, Any]) -> TypedValue:
    """The value in `sent` (other keys are not looked at; null counts as absent), or ValueProblem."""
    field = FIELDS[metric.value_type]
    given = [name for name in FIELDS.values() if sent.get(name) is not None]
    if not given:
        raise ValueProblem(field, f"A {metric.value_type} score needs {field}.")
    for name in given:
        if name != field:
            raise ValueProblem(name, f"{metric.slug} is a {metric.value_type} metric: use {field}, not {name}.")
    value = READERS[metric.value_type](metric, sent[field])
    return judge(metric, TypedValue(**{field: value}))


def judge(metric: Metric, typed: TypedValue) -> TypedValue:
    """The same typed field with `value` and `passed` as the metric's definition has them now."""
    value, passed = None, None
    match metric.value_type:
        case ValueType.NUMERICAL:
            value = typed.numerical_value
            if metric.passing_score is not None:
                higher = metric.direction == Direction.HIGHER
                passed = value >= metric.passing_score if higher else value <= metric.passing_score
        case ValueType.BOOLEAN:
            value = float(typed.boolean_value)
            if metric.passing_value is not None:
                passed = typed.boolean_value == metric.passing_value
        case ValueType.CATEGORICAL:
            number_of = {choice["value"]: choice.get("number") for choice in metric.categorical_choices}
            numbers = [number_of[c] for c in typed.categorical_value if number_of.get(c) is not None]
            if numbers:
                value = sum(numbers) / len(numbers)
            if metric.passing_choices:
                passed = set(typed.categorical_value) <= set(metric.passing_choices)
    return TypedValue(
        typed.numerical_value, typed.boolean_value, typed.categorical_value, typed.string_value, value, passed
    )


def _numerical(metric: Metric, sent: Any) -> float:
    field = "numerical_value"
    if isinstance(sent, bool) or not isinstance(sent, int | float):
        raise ValueProblem(field, f"{field} must be a number, not {_kind(sent)}.")
    try:
        number = float(sent)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueProblem(field, f"{field} must be a finite number.")
    if abs(number) > MAX_NUMBER:
        raise ValueProblem(field, f"{field} must be between {-MAX_NUMBER:g} and {MAX_NUMBER:g}, not {number:g}.")
    low, high = metric.min_score, metric.max_score
    if (low is not None and number < low) or (high is not None and number > high):
        if low is None:
            bounds = f"at most {high:g}"
        elif high is None:
            bounds = f"at least {low:g}"
        else:
            bounds = f"between {low:g} and {high:g}"
        raise ValueProblem(field, f"{field} of {metric.slug} must be {bounds}, not {number:g}.")
    return number


def _boolean(metric: Metric, sent: Any) -> bool:
    if not isinstance(sent, bool):
        raise ValueProblem("boolean_value", f"boolean_value must be true or false, not {_kind(sent)}.")
    return sent


def _categorical(metric: Metric, sent: Any) -> list[str]:
    field = "categorical_value"
    if not isinstance(sent, list | tuple) or not all(isinstance(choice, str) for choice in sent):
        raise ValueProblem(field, f"{field} must be an array of strings, not {_kind(sent)}.")
    if not sent:
        raise ValueProblem(field, f"{field} must name at least one choice.")
    if len(set(sent)) < len(sent):
        raise ValueProblem(field, f"{field} names a choice twice.")
    if len(sent) > 1 and not metric.several:
        raise ValueProblem(field, f"{metric.slug} takes one choice, not {len(sent)}.")
    allowed = [choice["value"] for choice in metric.categorical_choices if not choice.get("archived")]
    for choice in sent:
        if choice not in allowed:
            shown = ", ".join(allowed[:20]) + (", ..." if len(allowed) > 20 else "")
            raise ValueProblem(field, f"{choice[:100]!r} is not a choice of {metric.slug}; it has {shown or 'none'}.")
    return list(sent)


def _comment(metric: Metric, sent: Any) -> str:
    field = "string_value"
    if not isinstance(sent, str):
        raise ValueProblem(field, f"{field} must be text, not {_kind(sent)}.")
    if not sent.strip():
        raise ValueProblem(field, f"{field} must not be empty.")
    if len(sent) > MAX_COMMENT_CHARS:
        raise ValueProblem(field, f"{field} must have at most {MAX_COMMENT_CHARS:,} characters.")
    return sent


READERS = {
    ValueType.NUMERICAL: _numerical,
    ValueType.BOOLEAN: _boolean,
    ValueType.CATEGORICAL: _categorical,
    ValueType.COMMENT: _comment,
}

KINDS = {bool: "a boolean", int: "a number", float: "a number", str: "text", dict: "an object"}


def _kind(sent: Any) -> str:
    """What was sent, in JSON's words."""
    if isinstance(sent, list | tuple):
        odd = next((item for item in sent if not isinstance(item, str)), None)
        return "an array" if odd is None else f"an array with {_kind(odd) if not isinstance(odd, list) else 'an array'}"
    return KINDS.get(type(sent), "that")

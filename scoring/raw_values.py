"""What an evaluator said, as a value of its metric. Pure.

Evaluators are held to less than senders: a boolean may stand for 1 or 0 and 1 or 0 for a boolean, a text for the one
choice that it names, a numeric text for its number. Anything else that the metric does not allow is a problem.
"""

import math
from typing import Any

from records.models import Metric, ValueType
from records.values import FIELDS, TypedValue, ValueProblem, read_value


def typed_value(metric: Metric, raw: Any) -> TypedValue:
    """Raises ValueProblem, which names the field and what the metric allows."""
    field = FIELDS[metric.value_type]
    match metric.value_type, raw:
        case ValueType.NUMERICAL, bool():
            raw = float(raw)
        case ValueType.NUMERICAL, str():
            raw = number_in(raw)
            if raw is None:
                raise ValueProblem(field, f"{field} must be a number, and the evaluator gave a text that is none.")
        case ValueType.BOOLEAN, int() | float() if raw in (0, 1):
            raw = bool(raw)
        case ValueType.CATEGORICAL, str():
            raw = [raw]
    return read_value(metric, {field: raw})


def number_in(text: str) -> float | None:
    """The number that a text is, in digits and without separators; None for any other text, also for nan and inf."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None

import math

import pytest

from records.models import Metric, ValueType
from records.models.metric import Direction
from records.values import TypedValue, ValueProblem, read_value

CHOICES = [
    {"value": "good", "number": 1, "archived": False},
    {"value": "fair", "number": 0.5, "archived": False},
    {"value": "odd", "number": None, "archived": False},
    {"value": "old", "number": 0, "archived": True},
]


def numerical(**fields):
    return Metric(slug="m", value_type=ValueType.NUMERICAL, **{"min_score": 1, "max_score": 5} | fields)


def boolean(**fields):
    return Metric(slug="m", value_type=ValueType.BOOLEAN, **fields)


def categorical(**fields):
    return Metric(slug="m", value_type=ValueType.CATEGORICAL, categorical_choices=CHOICES, **fields)


COMMENT = Metric(slug="m", value_type=ValueType.COMMENT)
LOWER = numerical(passing_score=2, direction=Direction.LOWER)
SEVERAL = categorical(several=True, passing_choices=["good", "fair"])


@pytest.mark.parametrize(
    ("metric", "sent", "value", "passed"),
    [
        (numerical(), {"numerical_value": 4.5}, 4.5, None),
        (numerical(passing_score=3), {"numerical_value": 3}, 3, True),
        (numerical(passing_score=3), {"numerical_value": 2.999}, 2.999, False),
        (numerical(passing_score=3), {"numerical_value": 1}, 1, False),
        (LOWER, {"numerical_value": 2}, 2, True),
        (LOWER, {"numerical_value": 2.1}, 2.1, False),
        (numerical(min_score=None, max_score=None), {"numerical_value": -1e300}, -1e300, None),
        (numerical(), {"numerical_value": 1, "boolean_value": None, "reasoning": "why"}, 1, None),
        (boolean(), {"boolean_value": True}, 1, True),
        (boolean(), {"boolean_value": False}, 0, False),
        (boolean(passing_value=False), {"boolean_value": False}, 0, True),
        (boolean(passing_value=None), {"boolean_value": False}, 0, None),
        (categorical(), {"categorical_value": ["good"]}, 1, None),
        (SEVERAL, {"categorical_value": ["good", "fair"]}, 0.75, True),
        (SEVERAL, {"categorical_value": ["good", "odd"]}, 1, False),
        (SEVERAL, {"categorical_value": ("odd",)}, None, False),
        (COMMENT, {"string_value": "Good response quality"}, None, None),
    ],
)
def test_a_value_its_number_and_its_verdict(metric, sent, value, passed):
    read = read_value(metric, sent)
    field, given = next((name, v) for name, v in sent.items() if v is not None)
    assert getattr(read, field) == (list(given) if isinstance(given, tuple) else given)
    assert (read.value, read.passed) == (value, passed)
    assert sum(getattr(read, name) is not None for name in TypedValue.__dataclass_fields__ if "_" in name) == 1


@pytest.mark.parametrize(
    ("metric", "sent", "field", "says"),
    [
        (numerical(), {}, "numerical_value", "needs numerical_value"),
        (numerical(), {"numerical_value": None}, "numerical_value", "needs numerical_value"),
        (numerical(), {"boolean_value": True}, "boolean_value", "use numerical_value, not boolean_value"),
        (numerical(), {"string_value": "4"}, "string_value", "use numerical_value"),
        (numerical(), {"numerical_value": 4, "string_value": "good"}, "string_value", "use numerical_value"),
        (boolean(), {"numerical_value": 1}, "numerical_value", "use boolean_value"),
        (categorical(), {"string_value": "good"}, "string_value", "use categorical_value"),
        (COMMENT, {"categorical_value": ["good"]}, "categorical_value", "use string_value"),
        (numerical(), {"numerical_value": True}, "numerical_value", "must be a number, not a boolean"),
        (numerical(), {"numerical_value": "4.5"}, "numerical_value", "must be a number, not text"),
        (numerical(), {"numerical_value": [4]}, "numerical_value", "must be a number, not an array"),
        (numerical(), {"numerical_value": math.nan}, "numerical_value", "finite"),
        (numerical(), {"numerical_value": -math.inf}, "numerical_value", "finite"),
        (numerical(), {"numerical_value": 10**400}, "numerical_value", "finite"),
        (numerical(max_score=None), {"numerical_value": 1.7e308}, "numerical_value", r"between -1e\+300 and 1e\+300"),
        (numerical(min_score=None), {"numerical_value": -1.7e308}, "numerical_value", r"between -1e\+300 and 1e\+300"),
        (numerical(), {"numerical_value": 5.01}, "numerical_value", "between 1 and 5, not 5.01"),
        (numerical(max_score=None), {"numerical_value": 0}, "numerical_value", "at least 1"),
        (numerical(min_score=None), {"numerical_value": 6}, "numerical_value", "at most 5"),
        (boolean(), {"boolean_value": 1}, "boolean_value", "true or false, not a number"),
        (boolean(), {"boolean_value": "true"}, "boolean_value", "true or false, not text"),
        (categorical(), {"categorical_value": "good"}, "categorical_value", "array of strings, not text"),
        (categorical(), {"categorical_value": [1]}, "categorical_value", "an array with a number"),
        (categorical(), {"categorical_value": []}, "categorical_value", "at least one"),
        (categorical(), {"categorical_value": ["good", "fair"]}, "categorical_value", "takes one choice, not 2"),
        (SEVERAL, {"categorical_value": ["good", "good"]}, "categorical_value", "twice"),
        (SEVERAL, {"categorical_value": ["good", "great"]}, "categorical_value", "'great' is not a choice of m"),
        (categorical(), {"categorical_value": ["old"]}, "categorical_value", "it has good, fair, odd"),
        (COMMENT, {"string_value": 5}, "string_value", "must be text, not a number"),
        (COMMENT, {"string_value": " \n"}, "string_value", "must not be empty"),
        (COMMENT, {"string_value": "x" * 100_001}, "string_value", "at most 100,000 characters"),
    ],
)
def test_a_value_that_is_refused_names_the_field_and_the_reason(metric, sent, field, says):
    with pytest.raises(ValueProblem, match=says) as problem:
        read_value(metric, sent)
    assert problem.value.field == field

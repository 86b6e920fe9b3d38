"""A judge to start from: its prompt, what earns which value, and the metric it needs."""

from dataclasses import dataclass
from typing import Any

from records.models import ValueType


@dataclass(frozen=True, slots=True)
class JudgeTemplate:
    """`metric` holds the fields of `records.metrics.create_metric`; every one of these metrics has values in 0-1."""

    key: str
    name: str
    description: str
    evaluator_definition: str
    rubric: str
    metric: dict[str, Any]
    known_as: tuple[str, ...] = ()  # in the autoevals library


def yes_or_no(slug: str, passing: bool = True) -> dict[str, Any]:
    return {"slug": slug, "value_type": ValueType.BOOLEAN, "passing_value": passing}


def share(slug: str, passing: float = 0.7) -> dict[str, Any]:
    return {"slug": slug, "value_type": ValueType.NUMERICAL, "min_score": 0, "max_score": 1, "passing_score": passing}


def grades(slug: str, passing: tuple[str, ...], **numbers: float) -> dict[str, Any]:
    """Choices with their numbers, `says_more=0.6` for the choice "says more"."""
    choices = [
        {"value": name.replace("_", " "), "number": number, "archived": False} for name, number in numbers.items()
    ]
    return {
        "slug": slug,
        "value_type": ValueType.CATEGORICAL,
        "categorical_choices": choices,
        "passing_choices": list(passing),
    }


QUESTION_AND_ANSWER = """\
The question or task:
{{ input }}

The answer to be judged:
{{ output }}
"""

# Where records keep what was retrieved: beside the question, or in the retriever spans of the trace.
CONTEXT = """\
The context that the answer was to be drawn from:
{% if input.context %}{{ input.context }}
{% else %}{% for span in trace.spans | of_kind("retriever") %}{{ span.output }}
{% else %}(No context was recorded. Decline to judge.)
{% endfor %}{% endif %}"""

"""The form of a score that is filled by keys: y and n, numbers for what can be chosen, steps on a scale."""

from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from records.models import Metric, Score, ValueType
from records.scoreform import ScoreForm

MOST_STEPS = 10
STEPS = 5  # on a scale that is not of a few whole numbers


@dataclass(frozen=True, slots=True)
class Choice:
    """One that a key makes. `tag` is its input; without one it puts `value` into the form's number."""

    keys: str
    label: str
    tag: SafeString | None = None
    value: str = ""


def score_form(metric: Metric, data: Any = None, said: Score | None = None) -> ScoreForm:
    """`said`: an answer of the person's own, to be changed; what others said is never in it."""
    form = ScoreForm(metric, data, said)
    typed = {ValueType.NUMERICAL: "v", ValueType.COMMENT: "c"}.get(metric.value_type)
    if typed:
        form.fields["value"].widget.attrs |= {
            "data-key": typed,
            "data-does": f"Write the {form['value'].label.lower()}",
        }
    if "reasoning" in form.fields:
        form.fields["reasoning"].widget.attrs |= {"data-key": "c", "data-does": "Write a comment"}
    if said is not None:
        form.initial |= {"reasoning": said.reasoning}
        if metric.value_type == ValueType.COMMENT:
            form.initial |= {"value": said.string_value}
    return form


def choices_of(form: ScoreForm) -> list[Choice]:
    """Empty where there is nothing to choose from: a number without bounds, a comment."""
    metric = form.metric
    if metric.value_type == ValueType.NUMERICAL:
        return [Choice(key, value, value=value) for key, value in steps_of(metric)]
    if metric.value_type == ValueType.COMMENT:
        return []
    options = list(form["value"])
    if metric.value_type == ValueType.BOOLEAN:
        return [
            Choice(key, option.choice_label, option.tag()) for key, option in zip(("y 1", "n 2"), options, strict=True)
        ]
    return [Choice(_key(n), option.choice_label, option.tag()) for n, option in enumerate(options, 1)]


def steps_of(metric: Metric) -> list[tuple[str, str]]:
    """(key, value): each whole number of a short scale, under its own digit where it has one; else five steps."""
    low, high = metric.min_score, metric.max_score
    if low is None or high is None or low >= high:
        return []
    if low.is_integer() and high.is_integer() and 2 <= high - low < MOST_STEPS:
        values = [int(low) + n for n in range(int(high - low) + 1)]
        own = all(0 <= value <= 9 for value in values)
        return [(str(value) if own else _key(n), str(value)) for n, value in enumerate(values, 1)]
    return [(_key(n + 1), f"{low + (high - low) * n / (STEPS - 1):.6g}") for n in range(STEPS)]


def _key(n: int) -> str:
    return str(n) if n <= 9 else ""

"""The form by which a person scores a record: one field of the metric's type, and why."""

from collections.abc import Sequence
from typing import Any

from django import forms

from records.ids import uuid7
from records.limits import MAX_COMMENT_CHARS
from records.models import Metric, Score, ScoreStatus, ValueType
from records.values import FIELDS, TypedValue, ValueProblem, read_value

YES_NO = [("yes", "Yes"), ("no", "No")]


class ScoreForm(forms.Form):
    """After `is_valid()`, `typed` is the value. Field ids hold the metric's slug: a page has a form for each metric.

    `key` was made with the form, so that sending it twice is one score.
    """

    reasoning = forms.CharField(
        required=False, max_length=MAX_COMMENT_CHARS, label="Why",
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "Why (shown with the score)"}),
    )  # fmt: skip
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    typed: TypedValue

    def __init__(self, metric: Metric, data: Any = None, current: Score | None = None) -> None:
        super().__init__(data, auto_id=f"score-{metric.slug}-%s", initial=_initial(metric, current))
        self.metric = metric
        self.fields["value"] = _field(metric)
        self.order_fields(["value", "reasoning", "key"])
        if metric.value_type == ValueType.COMMENT:
            del self.fields["reasoning"]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "value" in data and not self.errors:
            try:
                self.typed = read_value(
                    self.metric, {FIELDS[self.metric.value_type]: _sent(self.metric, data["value"])}
                )
            except ValueProblem as problem:
                # The API's name of the field says nothing to a reader.
                self.add_error("value", problem.message.replace(FIELDS[self.metric.value_type], "The value", 1))
        return data


def _field(metric: Metric) -> forms.Field:
    match metric.value_type:
        case ValueType.NUMERICAL:
            attrs = {"step": "any", "min": metric.min_score, "max": metric.max_score, "class": "short"}
            widget = forms.NumberInput(attrs={name: value for name, value in attrs.items() if value is not None})
            return forms.FloatField(label="Value", widget=widget)
        case ValueType.BOOLEAN:
            return forms.ChoiceField(label="Value", choices=YES_NO, widget=forms.RadioSelect)
        case ValueType.CATEGORICAL:
            values = [c["value"] for c in metric.categorical_choices if not c.get("archived")]
            choices = list(zip(values, values, strict=True))
            if metric.several:
                return forms.MultipleChoiceField(label="Value", choices=choices, widget=forms.CheckboxSelectMultiple)
            return forms.ChoiceField(label="Value", choices=choices, widget=forms.RadioSelect)
        case _:
            return forms.CharField(
                label="Comment", strip=False, max_length=MAX_COMMENT_CHARS, widget=forms.Textarea(attrs={"rows": 3})
            )


def _sent(metric: Metric, value: Any) -> Any:
    """The form's value as the API would send it."""
    if metric.value_type == ValueType.BOOLEAN:
        return value == "yes"
    if metric.value_type == ValueType.CATEGORICAL:
        return value if isinstance(value, list) else [value]
    return value


def _initial(metric: Metric, current: Score | None) -> dict[str, Any]:
    """What stands now, to be corrected; an evaluator's reasoning is not put into a person's mouth."""
    initial: dict[str, Any] = {"key": str(uuid7())}
    if current is None or current.status != ScoreStatus.COMPLETED:
        return initial
    value = getattr(current, FIELDS[metric.value_type])
    if metric.value_type == ValueType.BOOLEAN:
        value = "yes" if value else "no"
    elif metric.value_type == ValueType.CATEGORICAL and not metric.several:
        value = value[0] if value else None
    return initial if metric.value_type == ValueType.COMMENT else initial | {"value": value}


def forms_for(metrics: Sequence[Metric], current: dict[int, Score], refused: ScoreForm | None = None) -> dict[int, Any]:
    """By metric id, one form each; `refused` stands in the place of its metric's."""
    made = {metric.id: ScoreForm(metric, current=current.get(metric.id)) for metric in metrics}
    return made | ({refused.metric.id: refused} if refused else {})

"""What an evaluator is tried on from its form: recent records, or values typed in."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from evalhub.models import Project, User
from records.filters import RecordFilters
from scoring.inputs import given_inputs
from scoring.trial import MAX_ROWS, Row, rows_of

TYPED = ("input", "output", "expected", "metadata")


class TryForm(forms.Form):
    """Lies inside the evaluator's form, so its names have a prefix of their own."""

    records = forms.IntegerField(
        min_value=1, max_value=MAX_ROWS, initial=5, label="Newest records", widget=UnfoldAdminIntegerFieldWidget
    )
    q = forms.CharField(
        required=False, max_length=2000, label="That match", help_text="A filter, as on the Records page. Empty: all.",
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    input = forms.CharField(required=False, strip=False, widget=UnfoldAdminTextareaWidget({"rows": 3}))
    output = forms.CharField(required=False, strip=False, widget=UnfoldAdminTextareaWidget({"rows": 3}))
    expected = forms.CharField(required=False, strip=False, widget=UnfoldAdminTextareaWidget({"rows": 3}))
    metadata = forms.CharField(required=False, strip=False, widget=UnfoldAdminTextareaWidget({"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="try", auto_id="id_%s", label_suffix="", **kwargs)

    @property
    def typed(self) -> dict[str, Any]:
        """What was typed in: JSON where it is JSON, else text."""
        return {name: _value(self.cleaned_data[name]) for name in TYPED if self.cleaned_data[name].strip()}


def rows_for(form: TryForm, project: Project, user: User) -> list[Row]:
    """Values typed in stand before records. Raises ValidationError, SearchTimeout."""
    if form.typed:
        try:
            return [Row(given_inputs(form.typed))]
        except ValueError as error:
            raise ValidationError(str(error)) from None
    address = QueryDict(mutable=True)
    address["q"] = form.cleaned_data["q"]
    filters = RecordFilters(address, project, user)
    if error := filters.error:
        raise ValidationError(f"That match: {error.message}")
    rows = rows_of(filters.search, form.cleaned_data["records"])
    if not rows:
        raise ValidationError("No record of the project matches: type values in, or send records first.")
    return rows


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.replace("\r\n", "\n")

"""The forms of datasets and their items. What may be stored is asked of the services."""

import csv
from collections.abc import Mapping
from typing import Any

import orjson
from django import forms
from django.core.exceptions import ValidationError

from experiments.datasets.drafts import NAMES, BadItem, Draft, read_draft
from experiments.models import Dataset, DatasetItem
from records.conversation import pretty

CODE = {"class": "code-field", "spellcheck": "false", "autocomplete": "off"}


class JsonField(forms.CharField):
    """A JSON value as somebody writes it; None for an empty field."""

    def __init__(self, rows: int = 6, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, **CODE}), strip=True, **kwargs)

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) or value is None else pretty(value)

    def clean(self, value: str) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ValidationError(f"This is not valid JSON: {error.msg} ({where}).") from None


class JsonOrTextField(JsonField):
    """What reads as JSON is JSON, anything else is text; a text that reads as JSON is shown in quotes."""

    def prepare_value(self, value: Any) -> str | None:
        if isinstance(value, str) and not self.stored:
            return value
        if not isinstance(value, str):
            return None if value is None else pretty(value)
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
        return orjson.dumps(value).decode()

    stored = False  # whether the value is one of the database, not one that was typed

    def clean(self, value: str) -> Any:
        try:
            return super().clean(value)
        except ValidationError:
            return value.replace("\r\n", "\n").strip()


class DatasetForm(forms.Form):
    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}))
    slug = forms.CharField(
        max_length=63, required=False, label="Name in addresses",
        help_text="Lower-case letters, digits and hyphens; made of the name where it is empty. It stays as it is.",
    )  # fmt: skip
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    inputs_schema = JsonField(
        rows=8, required=False, label="JSON Schema for the inputs",
        help_text="Items that do not keep to it are refused, with the row and the reason. Empty: any inputs.",
    )  # fmt: skip
    file = forms.FileField(
        required=False, label="File with items", help_text="CSV, JSON or JSON lines. Its columns are mapped next."
    )

    def __init__(self, data: Any = None, files: Any = None, dataset: Dataset | None = None) -> None:
        names = ("name", "description", "inputs_schema")
        super().__init__(data, files, initial={name: getattr(dataset, name) for name in names} if dataset else None)
        if dataset:
            del self.fields["slug"], self.fields["file"]

    def details(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.fields if name != "file"}


class UploadForm(forms.Form):
    file = forms.FileField(label="File", help_text="CSV with a heading, a JSON array of objects, or JSON lines; UTF-8.")


class ItemForm(forms.Form):
    case_id = forms.CharField(
        required=False, max_length=200, label="Case id", help_text="Empty: one is made.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    inputs = JsonField(rows=5, help_text="An object, or an array of messages.")
    expected = JsonOrTextField(rows=5, required=False, help_text="Text, or JSON.")
    metadata = JsonField(rows=2, required=False, help_text="An object.")
    tags = forms.CharField(required=False, max_length=2000, help_text="With commas between them.")
    split = forms.CharField(
        required=False, max_length=40, help_text="Such as train or test.",
        widget=forms.TextInput(attrs={"list": "known-splits", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, data: Any = None, item: DatasetItem | None = None) -> None:
        super().__init__(data, initial=_initial(item) if item else None, auto_id="item-%s")
        self.fields["expected"].stored = data is None
        if item:
            del self.fields["case_id"]
        self.fields["inputs"].widget.attrs["autofocus"] = data is None

    def clean_tags(self) -> list[str]:
        """Split at commas; a tag that holds one stands in double quotes."""
        try:
            rows = list(csv.reader([self.cleaned_data["tags"]], skipinitialspace=True))
        except csv.Error:
            raise ValidationError("Tags stand in one line.") from None
        return [tag for row in rows for tag in row if tag.strip()]

    def draft(self, case_id: str = "") -> Draft | None:
        """What the form says, or None with errors at the fields."""
        if not self.is_valid():
            return None
        said = dict(self.cleaned_data)
        said["case_id"] = case_id or said.get("case_id", "")
        try:
            return read_draft(said)
        except BadItem as problem:
            self.explain(problem)
            return None

    def explain(self, problem: BadItem) -> None:
        for where, what in problem.problems:
            name = NAMES.get(where.partition(".")[0], "")
            self.add_error(name if name in self.fields else None, what[:1].upper() + what[1:])


def _initial(item: DatasetItem) -> Mapping[str, Any]:
    return {
        "inputs": item.inputs, "expected": item.expected, "metadata": item.metadata or None, "split": item.split,
        "tags": ", ".join(f'"{tag}"' if "," in tag else tag for tag in item.tags),
    }  # fmt: skip


def explain(form: forms.Form, problem: ValidationError) -> None:
    """Each message at the field that it speaks of."""
    if not hasattr(problem, "error_dict"):
        form.add_error(None, problem)
        return
    for name, texts in problem.message_dict.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)

"""The settings of the built-in evaluators as fields of the evaluator's form: `b_<key>_<setting>`."""

import types
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from scoring.admin.widgets import LinesField
from scoring.builtins import BUILTINS


def _names() -> dict[str, tuple[str, str]]:
    """Form field -> (built-in evaluator, setting as it is stored)."""
    return {
        f"b_{key}_{field.alias or name}": (key, field.alias or name)
        for key, kind in BUILTINS.items()
        for name, field in kind.settings.model_fields.items()
    }


FIELDS = _names()


def field_of(key: str, setting: str) -> str:
    return f"b_{key}_{setting}"


def form_fields() -> dict[str, forms.Field]:
    return {
        field_of(key, field.alias or name): _form_field(field)
        for key, kind in BUILTINS.items()
        for name, field in kind.settings.model_fields.items()
    }


def settings_from(cleaned: dict[str, Any], key: str) -> dict[str, Any]:
    """What the form says of one built-in evaluator; what was left empty is not said."""
    return {
        setting: cleaned[name]
        for name, (of, setting) in FIELDS.items()
        if of == key and cleaned.get(name) not in (None, "")
    }


def _form_field(field: FieldInfo) -> forms.Field:
    """Nothing is required here: a hidden field must not stop the form. The definition says what is missing."""
    options: dict[str, Any] = {"label": field.title, "help_text": field.description or "", "required": False}
    if field.default is not PydanticUndefined:
        options["initial"] = field.default
    kind = _plain(field.annotation)
    if kind is bool:
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **options)
    if get_origin(kind) is Literal:
        choices = [(choice, choice) for choice in get_args(kind)]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **options)
    if kind is int:
        return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget, **options)
    if kind is float:
        return forms.FloatField(widget=UnfoldAdminDecimalFieldWidget({"step": "any"}), **options)
    if get_origin(kind) is list:
        del options["required"]
        return LinesField(**options)
    if get_origin(kind) is dict:
        return forms.JSONField(widget=UnfoldAdminTextareaWidget({"rows": 8, "class": "editor"}), **options)
    return forms.CharField(widget=UnfoldAdminTextInputWidget, strip=False, **options)


def _plain(annotation: Any) -> Any:
    """Without the `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation

"""Widgets of the admin's forms: editors for prompts and code, lists with an item a line."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget


class EditorWidget(UnfoldAdminTextareaWidget):
    """A monospaced textarea that admin-editor.js gives line numbers and a Tab key; a plain one without it."""

    def __init__(self, rows: int = 16, wrap: bool = False) -> None:
        attrs = {"rows": rows, "class": "editor", "spellcheck": "false", "data-editor": "", "autocapitalize": "off"}
        super().__init__(attrs if wrap else attrs | {"wrap": "off"})

    class Media:
        js = [forms.Script("js/admin-editor.js", defer=True)]


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget({"rows": 4}), required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:
        lines = value if isinstance(value, list) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

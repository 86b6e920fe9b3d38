"""The words of the experiments' templates."""

from collections.abc import Mapping
from typing import Any

from django import template

from experiments.datasets import previews
from records.conversation import pretty

register = template.Library()
register.filter("preview", previews.preview)


@register.filter
def as_json(value: Any) -> str:
    """Any JSON value as text to read. The template escapes it."""
    return pretty(value)


@register.filter
def of(found: Mapping[str, Any], name: str) -> Any:
    """What a mapping has under a name that the template holds."""
    return found.get(name)

"""The words of the experiments' templates."""

from collections.abc import Mapping
from typing import Any

from django import template

from experiments.datasets import previews
from records.conversation import pretty
from scoring.stats.estimates import number, percent

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


@register.filter
def in_short(metric: dict[str, Any]) -> str:
    """A metric of `Totals.metrics`: its pass rate where it has one, else its mean, else how many there are."""
    if metric["judged"]:
        return percent(metric["passed"] / metric["judged"])
    return f"{metric['n']:,}" if metric["mean"] is None else number(metric["mean"])

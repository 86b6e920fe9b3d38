"""Experiments in few words, for lists."""

from typing import Any

from django import template

from scoring.stats.estimates import number, percent

register = template.Library()


@register.filter
def in_short(metric: dict[str, Any]) -> str:
    """A metric of `Totals.metrics`: its pass rate where it has one, else its mean, else how many there are."""
    if metric["judged"]:
        return percent(metric["passed"] / metric["judged"])
    return f"{metric['n']:,}" if metric["mean"] is None else number(metric["mean"])

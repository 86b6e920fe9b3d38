"""Estimates as the pages show them: the number, and its interval beside it."""

from django import template

from scoring.stats.estimates import Estimate, number, percent

register = template.Library()


@register.filter
def estimated(estimate: Estimate, share: bool = False) -> str:
    """The value alone; as per cent where it is a share."""
    return _said(estimate.value, share)


@register.filter
def interval(estimate: Estimate, share: bool = False) -> str:
    """Both ends, and the number of cases."""
    return f"{_said(estimate.low, share)} to {_said(estimate.high, share)}, n {estimate.n:,}"


def _said(value: float, share: bool) -> str:
    return percent(value) if share else number(value)

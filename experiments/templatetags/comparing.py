"""How differences and verdicts look."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from evalhub.templatetags.look import icon, shape
from experiments.comparison.asked import Asked
from records.cells import duration, money
from records.conversation import pretty

register = template.Library()

# Verdict -> badge class, icon. Looked up by its text, so that a page without verdicts loads no scipy.
BADGES = {
    "better": ("pass", "arrow-up"),
    "worse": ("fail", "arrow-down"),
    "no difference": ("", "equal-approximately"),
    "cannot tell yet": ("maybe", "circle-question-mark"),
}
OUTCOMES = {"pass": ("pass", "passes"), "fail": ("fail", "fails"), "inconclusive": ("maybe", "cannot tell")}


@register.simple_tag
def verdict(decision: object, neutral: bool = False) -> SafeString:
    """A badge; where neither side is better, a difference is only that."""
    css, sign = BADGES[decision.verdict]
    word = str(decision.verdict)
    if neutral and css in ("pass", "fail"):
        css, sign, word = "", "diff", "differs"
    return format_html('<span class="badge {}">{}{}</span>', css, icon(sign), word)


@register.simple_tag
def gate_outcome(outcome: str) -> SafeString:
    css, word = OUTCOMES[outcome]
    return format_html(
        '<span class="badge {}">{}{}</span>', css, icon("circle-question-mark") if css == "maybe" else shape(css), word
    )


@register.filter
def side_value(value: float | None, shares: bool) -> str:
    """A side's own rate or mean."""
    from scoring.stats.estimates import number

    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if shares else number(value)


@register.filter
def change(line: object) -> str:
    """The difference alone, in points or as a number."""
    from scoring.stats.paired import signed

    value = line.found.change.value
    return "–" if value is None else signed(value, line.found.shares)


@register.filter
def change_ends(line: object) -> str:
    """Its interval; empty where there is none."""
    from scoring.stats.paired import signed

    found = line.found.change
    if not found.has_interval:
        return ""
    return f"{signed(found.low, line.found.shares, bare=True)} to {signed(found.high, line.found.shares, bare=True)}"


@register.filter
def took(value: float | None, what: str) -> str | SafeString:
    """Seconds, USD or tokens."""
    if value is None:
        return "–"
    if what == "latency":
        return duration(round(value * 1000))
    return money(value) if what == "cost" else f"{value:,.0f}"


@register.simple_tag
def compare_query(asked: Asked, **changes: object) -> str:
    return asked.query(**changes)


@register.filter
def as_text(value: Any) -> str:
    return pretty(value)


@register.simple_tag
def spark(bins: Sequence[Any]) -> SafeString:
    """A distribution as a few small bars, stacked by verdict; said in words for who does not see it."""
    highest, width = max((bin.n for bin in bins), default=0) or 1, 100 / max(1, len(bins))
    bars = []
    for index, bin in enumerate(bins):
        base = 24.0
        for css, n in (("fail", bin.failed), ("pass", bin.passed), ("none", bin.other)):
            height = 24 * n / highest
            base -= height
            if n:
                bars.append((css, *(f"{size:.2f}" for size in (index * width, base, width * 0.85, height))))
    drawn = format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', bars)
    words = "; ".join(f"{bin.label}: {bin.n:,}" for bin in bins if bin.n)
    return format_html(
        '<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{}">'
        "<title>{}</title>{}</svg>", words, words, drawn,
    )  # fmt: skip

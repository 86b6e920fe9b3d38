"""The record templates' words: each filter hands a value to records.cells."""

from decimal import Decimal
from typing import Any

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from evalhub.templatetags.look import icon, shape
from records import cells
from records.columns import hint_of
from records.models import Metric, Outcome, Score, ScoreSource, ScoreStatus

register = template.Library()

register.filter("money", cells.money)
register.filter("moment", cells.moment)
register.filter("hint", hint_of)
register.filter("kind_icon", cells.kind_icon)
register.filter("source_icon", cells.source_icon)


@register.inclusion_tag("records/_bulk_act.html", takes_context=True)
def bulk_act(
    context: Context, url_name: str, icon: str, label: str, key: str = "", quiet: bool = False
) -> dict[str, object]:
    """A button of the bulk bar that opens a dialog; none where no app has such a URL (yet). `quiet`: the icon alone."""
    try:
        href = reverse(url_name, args=[context["project"].slug])
    except NoReverseMatch:
        href = ""
    return {"href": href, "icon": icon, "label": label, "key": key, "quiet": quiet}


@register.filter
def seconds(value: float | Decimal | None) -> Any:
    return cells.duration(None if value is None else round(value * 1000))


@register.filter
def milliseconds(value: int | None) -> Any:
    return cells.duration(value)


@register.simple_tag
def score_cell(metric: Metric, current: Score | None, latest: Score | None = None) -> SafeString:
    return cells.score(metric, current, latest)


@register.filter
def outcome_class(score: Score) -> str:
    word = {Outcome.NONE: ""}.get(score.outcome, Outcome(score.outcome).label)
    return f"human {word}" if score.source == ScoreSource.HUMAN else word


@register.filter
def attempt_icon(score: Score) -> SafeString:
    if score.source == ScoreSource.HUMAN:
        return shape("human")
    return icon("message-square") if score.outcome == Outcome.NONE else shape(Outcome(score.outcome).label)


@register.filter
def attempt_words(score: Score, metric: Metric) -> str:
    """An attempt in a line: value or error, and whose it was."""
    whose = score.scorer or score.evaluator or ScoreSource(score.source).label
    if score.evaluator and score.version_no:
        whose = f"{score.evaluator} v{score.version_no}"
    if score.status == ScoreStatus.ERRORED:
        return f"{score.error[:120]} ({whose}, attempt {score.attempts})"
    if score.status == ScoreStatus.COMPLETED:
        return f"{cells.shown_value(metric, score)}, {whose}"
    return f"{ScoreStatus(score.status).label}, {whose}"

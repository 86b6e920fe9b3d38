"""How a value looks in the table and on the record: small pieces of HTML, built here since a page has hundreds of them.

Everything a client or a model wrote goes through html()'s escaping.
"""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString, mark_safe

from evalhub.markup import html
from evalhub.templatetags.look import icon, shape
from records.models import Metric, Outcome, Rank, RecordStatus, ScoreSource, ScoreStatus, Source, ValueType

DASH = mark_safe('<span class="muted" aria-label="none">–</span>')  # noqa: S308 - a constant
EXPIRED = mark_safe('<span class="muted">no longer kept</span>')  # noqa: S308 - a constant
NARROW_SPACE = "\u202f"

SOURCE_ICON = {Source.API: "plug", Source.PLAYGROUND: "play", Source.KICKOFF: "zap", Source.TRACE: "list-tree"}
KIND_ICON = {
    "llm": "sparkles", "tool": "wrench", "retriever": "search", "agent": "bot", "chain": "link", "embedding": "binary",
    "reranker": "arrow-down-up", "guardrail": "shield-check", "task": "list-tree", "eval": "gauge",
}  # fmt: skip

WORD = {
    Outcome.PASS: ("pass", "passes:"),
    Outcome.FAIL: ("fail", "fails:"),
    Outcome.ERRORED: ("errored", "errored:"),
    Outcome.SKIPPED: ("skipped", "skipped:"),
    Outcome.PENDING: ("pending", ""),
    Outcome.NONE: ("", ""),
}


def source_icon(code: int) -> SafeString:
    return icon(SOURCE_ICON[Source(code)])


def kind_icon(kind: str) -> SafeString:
    return icon(KIND_ICON.get(kind, "circle"))


def by_person() -> SafeString:
    return html('<span class="by" title="by a person">{}<span class="sr">by a person</span></span>', shape("human"))


def moment(at: datetime | None) -> SafeString:
    """A time; the page's script rewrites it in the reader's own words (today: the hour)."""
    if at is None:
        return DASH
    return SafeString(f'<time datetime="{at.isoformat()}">{at:%d %b %H:%M}</time>')


def duration(milliseconds: int | None) -> str | SafeString:
    if milliseconds is None:
        return DASH
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds}{NARROW_SPACE}ms"
    if seconds < 120:
        return f"{seconds:.2f}{NARROW_SPACE}s"
    return f"{seconds / 60:.1f}{NARROW_SPACE}min"


def money(usd: Any) -> str | SafeString:
    """USD with as many digits as tell something."""
    if usd is None:
        return DASH
    value = float(usd)
    if value == 0:
        return "$0"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    return f"${value:.4f}" if abs(value) >= 0.0001 else f"${value:.6f}"


def whole(number: int | None) -> str | SafeString:
    return DASH if number is None else f"{number:,}"


@cache
def source(code: int) -> SafeString:
    word = Source(code).label
    return html('<span class="badge plain" title="{}">{}{}</span>', word, source_icon(code), word)


@cache
def scoring_status(code: int) -> SafeString:
    word = RecordStatus(code).label
    css = {"completed": "", "unscored": "muted"}.get(word, word)
    return html('<span class="{}">{}</span>', css, word)


def short_id(id: Any) -> SafeString:
    return html('<span class="mono" title="{}">{}</span>', id, str(id)[-8:])


def tags(names: list[str] | None) -> Any:
    if not names:
        return DASH
    return SafeString(" ".join(html('<span class="badge line">{}</span>', name) for name in names))


def words(value: Any) -> Any:
    return DASH if value is None or value == "" else str(value)


def preview(text: str | None) -> Any:
    """The beginning of a payload value on one line."""
    return DASH if text is None else " ".join(text.split())


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def shown_value(metric: Metric, score: Any) -> str:
    """A completed score's value in words."""
    if metric.value_type == ValueType.NUMERICAL:
        value = score.numerical_value
        share = metric.max_score is not None and metric.max_score <= 1
        return f"{value:.2f}" if share and value is not None else number(value)
    if metric.value_type == ValueType.BOOLEAN:
        return "yes" if score.boolean_value else "no"
    if metric.value_type == ValueType.CATEGORICAL:
        return ", ".join(score.categorical_value or [])
    return score.string_value or ""


def meter(metric: Metric, value: float | None) -> SafeString | str:
    """Where the value lies between the bounds, with the threshold as a notch; nothing without both bounds."""
    low, high = metric.min_score, metric.max_score
    if value is None or low is None or high is None or high <= low:
        return ""
    share, notch = (value - low) / (high - low), ""
    if metric.passing_score is not None:
        at = (metric.passing_score - low) / (high - low)
        notch = f'<path class="tick" d="M{_on_meter(at)} .5v7"/>'
    return mark_safe(  # noqa: S308 - numbers of ours
        '<svg class="meter" viewBox="0 0 30 8" aria-hidden="true">'
        '<rect class="track" y="2.5" width="30" height="3" rx="1.5"/>'
        f'<rect class="fill" y="2.5" width="{_on_meter(share)}" height="3" rx="1.5"/>{notch}</svg>'
    )


def _on_meter(share: float) -> str:
    return f"{min(max(share, 0), 1) * 30:.1f}"


def score(metric: Metric, current: Any, latest: Any = None) -> SafeString:
    """Shape, value, meter, then marks: a person, being scored again, latest attempt errored.

    `current` is the score that counts (None: never asked for), `latest` the newest attempt where it is another one.
    """
    if current is None:
        return DASH
    if current.status == ScoreStatus.PENDING:
        waits = "for a person" if current.source == ScoreSource.HUMAN else ""
        return html('<span class="score pending">{}<span class="v">pending {}</span></span>', shape("pending"), waits)
    if current.status == ScoreStatus.ERRORED:
        return html(
            '<span class="score errored" title="{}">{}<span class="sr">errored:</span><span class="v">{}</span></span>',
            current.error, shape("errored"), current.error[:40] or "errored",
        )  # fmt: skip
    if current.status == ScoreStatus.SKIPPED:
        return html(
            '<span class="score skipped" title="{}">{}<span class="v">skipped</span></span>',
            current.reasoning, shape("skipped"),
        )  # fmt: skip
    css, spoken = WORD[Outcome(current.outcome)]
    if metric.value_type == ValueType.COMMENT:
        css, mark = "comment", icon("message-square")
    else:
        mark = shape(css) if css else ""
    by = by_person() if current.rank <= Rank.HUMAN else ""
    again = ""
    if latest is not None and latest.id != current.id:
        if latest.status == ScoreStatus.PENDING:
            again = html('<span class="again" title="being scored again">{}</span>', shape("pending", "i-s"))
        elif latest.status == ScoreStatus.ERRORED:
            again = html('<span class="again warn" title="{}">{}</span>', latest.error, shape("errored", "i-s"))
    return html(
        '<span class="score {}" title="{}">{}<span class="sr">{}</span><span class="v">{}</span>{}{}{}</span>',
        css, current.reasoning[:300], mark, spoken, shown_value(metric, current),
        meter(metric, current.numerical_value) if metric.value_type == ValueType.NUMERICAL else "", by, again,
    )  # fmt: skip


def is_awaited(current: Any, latest: Any) -> bool:
    """Whether one of a cell's attempts is still pending, so that the cell will change by itself."""
    return (current or latest) is not None and ScoreStatus.PENDING in (
        current and current.status,
        latest and latest.status,
    )


def settling(record_id: UUID, metric_id: int, drawn: Any, swapped: bool = False) -> SafeString:
    """A cell that can be replaced by a later one: `swapped` is that later one, sent beside another fragment."""
    again = mark_safe(' hx-swap-oob="true"') if swapped else ""  # noqa: S308 - a constant
    return html('<span id="s-{}-{}"{}>{}</span>', record_id.hex, metric_id, again, drawn)

"""A trace's spans as lines of HTML: built here since a page has a thousand of them. Everything sent is escaped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from records import cells
from records.models import Kind, Outcome, Record
from records.span_tree import GROUP_ROWS, Span, opened
from records.trace import Evaluation, Trace, evaluations_of

MAX_INDENT = 12  # deeper spans are indented as far: their names stay readable
KINDS = (*Kind.values, "eval")


def waterfall(record: Record, slug: str, trace: Trace, under: UUID | None = None, start: int = 0) -> SafeString:
    """The lines below the span `under` (None: from the top), from its `start`-th child on, as <li> elements.

    `record` is whose page it is: its own line is marked, and open to. `slug` is the project's.
    """
    keep = [] if under else trace.path_to(record.id)
    open_ones = opened(trace.children, under, keep, trace.whole)
    level = len(trace.path_to(under)) + 1 if under else 0
    drawn = set(_drawn(trace, under, start, open_ones))
    drawing = Drawing(record, slug, trace, open_ones, evaluations_of(record.project_id, drawn | ({under} - {None})))
    return mark_safe("".join(drawing.group(under, level, start)))  # noqa: S308 - every part is escaped where it is made


def _drawn(trace: Trace, under: UUID | None, start: int, open_ones: set[UUID]) -> Iterator[UUID]:
    waiting = list(_slice(trace, under, start))
    while waiting:
        span = waiting.pop()
        yield span.id
        if span.id in open_ones:
            waiting += _slice(trace, span.id, 0)


def _slice(trace: Trace, under: UUID | None, start: int) -> Sequence[Span]:
    group = trace.children.get(under, ())
    return group[start:] if trace.whole else group[start : start + GROUP_ROWS]


class Drawing:
    """Draws groups of one waterfall, all on the scale of its trace."""

    def __init__(
        self, record: Record, slug: str, trace: Trace, open_ones: set[UUID], judged: Mapping[UUID, list[Evaluation]]
    ) -> None:
        self.record, self.trace, self.open_ones, self.judged = record, trace, open_ones, judged
        self.scale = trace.seconds or 0.001
        self.base = reverse("records:list", args=[slug])
        self.branch = reverse("records:spans", args=[slug, record.id])

    def group(self, under: UUID | None, level: int, start: int = 0) -> Iterator[str]:
        """Spans by start, then what evaluators found on the span above; the rest of a long group behind a link."""
        group, shown = self.trace.children.get(under, ()), _slice(self.trace, under, start)
        for span in shown:
            yield from self.span(span, level)
        rest = len(group) - start - len(shown)
        if rest:
            url = f"{self.branch}?from={start + len(shown)}" + (f"&amp;under={under}" if under else "")
            yield (
                f'<li class="more"><a class="btn small" href="{url}" hx-get="{url}" hx-target="closest li" '
                f'hx-swap="outerHTML">{min(rest, GROUP_ROWS):,} more of {rest:,}</a></li>'
            )
        elif under:
            for evaluation in self.judged.get(under, ()):
                css = _css(level, "eval", evaluation.error)
                yield f'<li><div class="{css}">{self.evaluation(evaluation)}</div></li>'

    def span(self, span: Span, level: int) -> Iterator[str]:
        css = _css(level, span.kind, span.error)
        here = ' aria-current="true"' if span.id == self.record.id else ""
        line = f'<li><div class="{css}"{here}>{self.line(span)}</div>'
        # The line's link stands beside the summary, not in it: what folds must hold no other control.
        below = f"Spans below {escape(span.name) or 'a span'}"
        fold = f'<summary class="l{min(level, MAX_INDENT)}" aria-label="{below}"></summary>'
        if not self.trace.children.get(span.id) and not self.judged.get(span.id):
            yield f"{line}</li>"
        elif span.id in self.open_ones or not self.trace.children.get(span.id):
            yield f"{line}<details open>{fold}<ol>"
            yield from self.group(span.id, level + 1)
            yield "</ol></details></li>"
        else:
            yield (
                f'{line}<details hx-get="{self.branch}?under={span.id}" hx-trigger="toggle once" hx-target="find ol">'
                f'{fold}<ol><li class="muted">Loading…</li></ol></details></li>'
            )

    def line(self, span: Span) -> str:
        url = f"{self.base}{span.id}/"
        left = (span.started_at - self.trace.begin).total_seconds() / self.scale * 100
        width = (span.latency_ms or 0) / 1000 / self.scale * 100
        name = escape(span.name) or "span"
        title = f"{name}: {escape(span.error)}" if span.error else name
        kind = span.kind if span.kind in KINDS else "other"
        return (
            f'<a class="name" href="{url}" hx-get="{url}span" title="{title}"><svg class="i" aria-hidden="true">'
            f'<use href="#kind-{kind}"/></svg><span>{name}</span></a>'
            f"{_bar(left, width)}{_figures(span.latency_ms, span.cost)}"
        )

    def evaluation(self, found: Evaluation) -> str:
        """Judging happens after the trace: its bar is as long as it took, at the end of the scale, never beyond it."""
        url = f"{self.base}{found.record_id}/scores/{found.id}"
        width = min((found.duration_ms or 0) / 1000 / self.scale * 100, 100)
        name = f"evaluator.{escape(found.evaluator)}"
        word = Outcome(found.outcome).label
        mark = "" if found.outcome == Outcome.NONE else f'<span class="tone {word}">{_shape(word)}</span>'
        return (
            f'<a class="name" href="{url}" hx-get="{url}" title="{name}: {escape(found.error) or word}">'
            f'<svg class="i" aria-hidden="true"><use href="#kind-eval"/></svg><span>{name}</span>{mark}</a>'
            f"{_bar(100 - width, width)}{_figures(found.duration_ms, found.cost)}"
        )


def _css(level: int, kind: str, error: str) -> str:
    return f"line l{min(level, MAX_INDENT)} k-{kind if kind in KINDS else 'other'}{' errored' if error else ''}"


def _bar(left: float, width: float) -> str:
    # At least as wide as can be seen, and never past the right edge.
    width = max(width, 0.4)
    return (
        f'<svg class="bar" aria-hidden="true"><rect x="{min(left, 100 - width):.2f}%" y="4" width="{width:.2f}%" '
        'height="8" rx="2"/></svg>'
    )


def _figures(milliseconds: int | None, cost: object) -> str:
    return (
        f'<span class="d">{cells.duration(milliseconds)}</span>'
        f'<span class="c">{"" if cost is None else cells.money(cost)}</span>'
    )


def _shape(word: str) -> str:
    return f'<svg class="i i-s" aria-hidden="true"><use href="#shape-{word}"/></svg><span class="sr">{word}</span>'


@lru_cache(maxsize=1)
def kind_symbols() -> SafeString:
    """The icons of kinds once, for all lines to refer to."""
    symbols = []
    for kind in KINDS:
        inner = re.sub(r"\A\s*<svg[^>]*>|</svg>\s*\Z", "", cells.kind_icon(kind))
        symbols.append(f'<symbol id="kind-{kind}" viewBox="0 0 24 24">{inner}</symbol>')
    return mark_safe("".join(symbols))  # noqa: S308 - lucide's own icons

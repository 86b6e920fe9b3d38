"""The history chart: as plain numbers for the template's own drawing, and as a plotly figure, which is a plain dict.

plotly itself is only ever loaded by the browser: its Python package takes half a second to import.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from records.history import DAY, HOUR, Bucket, History

HEIGHT = 66.0  # of the tallest bar, in the units of the drawing
ORDER = (
    "errored", "fail", "pending", "completed", "unscored", "pass", "none", "skipped",
    "trace", "api", "playground", "kickoff",
)  # fmt: skip
CSS = {
    "errored": "errored", "fail": "fail", "pending": "pending", "completed": "k-done", "unscored": "skipped",
    "pass": "pass", "none": "k-other", "skipped": "skipped",
    "trace": "k-llm", "api": "k-retriever", "playground": "k-tool", "kickoff": "k-eval",
}  # fmt: skip
SAID = {"none": "no verdict"}


class Piece(NamedTuple):
    css: str
    y: float
    height: float


class Part(NamedTuple):
    """One word of the stack, with its class and its count."""

    word: str
    css: str
    n: int


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    pieces: list[Piece]
    start: datetime
    when: str
    parts: list[Part]
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    anchor: str
    n: int  # of the bar that it stands at


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    ticks: list[Tick]
    legend: list[Part]
    width: str  # of a bucket, in words
    highest: int
    total: int
    about: bool


def chart_of(history: History, link: Callable[[Bucket], str], zone: tzinfo) -> Chart:
    """`link` is where a click on a bar leads; `zone` is the reader's."""
    highest = max((bucket.total for bucket in history.buckets), default=0)
    share = 100 / len(history.buckets) if history.buckets else 0
    bars = [_bar(n, bucket, history, share, highest or 1, link, zone) for n, bucket in enumerate(history.buckets)]
    return Chart(
        bars, _ticks(history, share, zone), parts_of(history.totals()), words_of(history.seconds), highest,
        history.total, history.about,
    )  # fmt: skip


def parts_of(counts: dict[str, int]) -> list[Part]:
    return [Part(SAID.get(word, word), CSS[word], counts[word]) for word in ORDER if counts.get(word)]


def _bar(
    n: int, bucket: Bucket, history: History, share: float, highest: int, link: Callable[[Bucket], str], zone: tzinfo
) -> Bar:
    pieces, y, parts = [], HEIGHT, parts_of(bucket.counts)
    for part in parts:
        height = max(part.n / highest * HEIGHT, 0.8)
        y -= height
        pieces.append(Piece(part.css, round(y, 1), round(height - 0.6 if height > 2 else height, 1)))
    when = f"{bucket.start.astimezone(zone):%a %d %b %H:%M}"
    about = "about " if history.about else ""
    said = ", ".join(f"{part.n:,} {part.word}" for part in parts)
    title = f"{when}: {about if said else ''}{said or 'nothing'}"
    return Bar(round(n * share, 3), round(share, 3), pieces, bucket.start, when, parts, title, link(bucket))


def _ticks(history: History, share: float, zone: tzinfo) -> list[Tick]:
    """About seven times along the axis, the first and the last kept inside it."""
    if not history.buckets:
        return []
    every = max(1, len(history.buckets) // 6)
    pattern = "%H:%M" if history.seconds < HOUR else "%d %b %H:%M" if history.seconds < 6 * HOUR else "%d %b"
    found = []
    for n in range(0, len(history.buckets), every):
        label = history.buckets[n].start.astimezone(zone).strftime(pattern)
        anchor = "start" if n == 0 else "middle" if n * share < 95 else "end"
        found.append(Tick(round(n * share, 2), label, anchor, n))
    return found


def rows_of(chart: Chart) -> list[tuple[Bar, list[int]]]:
    """The chart as a table, newest first: each bar that is not empty, with a number for each word of the legend."""
    return [
        (bar, [counts.get(part.css, 0) for part in chart.legend])
        for bar, counts in ((bar, {part.css: part.n for part in bar.parts}) for bar in reversed(chart.bars))
        if counts
    ]


def figure_of(chart: Chart, seconds: int) -> dict[str, Any]:
    """The same bars as a plotly figure, without colours: the script adds those of the page, light or dark.

    The x of a bar is its number and not its time: plotly knows no zones, and an hour may come twice in one night.
    A trace's `meta` is the class whose colour it has. The layout's `meta` holds what a click or a dragged range is
    turned into a time by: each bar's start in Unix seconds, and how many seconds it lasts.
    """
    counts = [{part.css: part.n for part in bar.parts} for bar in chart.bars]
    titles = [bar.title for bar in chart.bars]
    traces = [
        {
            "type": "bar", "name": part.word, "meta": part.css, "y": [bar.get(part.css, 0) for bar in counts],
            "hoverinfo": "none",
        }
        for part in chart.legend
    ]  # fmt: skip
    # One label a bar, whatever its pieces: that of a trace which draws nothing.
    traces.append(
        {
            "type": "bar", "name": "", "meta": "", "y": [0] * len(titles), "hovertext": titles,
            "hovertemplate": "%{hovertext}<extra></extra>",
        }
    )  # fmt: skip
    return {
        "data": traces,
        "layout": {
            "barmode": "stack",
            "bargap": 0.12,
            "dragmode": "select",
            "selectdirection": "h",
            "hovermode": "x",
            "hoverdistance": -1,
            "showlegend": False,
            "margin": {"l": 0, "r": 38, "t": 0, "b": 18, "pad": 0},
            "xaxis": {
                "range": [-0.5, len(titles) - 0.5],
                "tickvals": [tick.n for tick in chart.ticks],
                "ticktext": [tick.label for tick in chart.ticks],
                "fixedrange": True, "showgrid": False, "zeroline": False, "showline": True,
            },
            "yaxis": {
                "range": [0, chart.highest], "visible": False, "fixedrange": True,
            },
            "annotations": [
                {
                    "text": f"{chart.highest:,}", "xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "left",
                    "yanchor": "top", "showarrow": False, "borderpad": 0,
                }
            ],
            "meta": {"starts": [int(bar.start.timestamp()) for bar in chart.bars], "seconds": seconds},
        },
    }  # fmt: skip


def words_of(seconds: int) -> str:
    """A bucket's width: 15 min, 2 h, day, 7 days."""
    if seconds < HOUR:
        return f"{seconds // 60} min"
    if seconds < DAY:
        return "hour" if seconds == HOUR else f"{seconds // HOUR} h"
    return "day" if seconds == DAY else f"{seconds // DAY} days"

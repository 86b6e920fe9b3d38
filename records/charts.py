"""The history chart as plain numbers for its template: bars in percent, so that no style is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from records.history import DAY, HOUR, Bucket, History

HEIGHT = 66.0  # of the tallest bar, in the units of the drawing
ORDER = ("errored", "pending", "completed", "unscored", "trace", "api", "playground", "kickoff")
CSS = {
    "errored": "errored", "pending": "pending", "completed": "k-done", "unscored": "skipped", "trace": "k-llm",
    "api": "k-retriever", "playground": "k-tool", "kickoff": "k-eval",
}  # fmt: skip


class Piece(NamedTuple):
    css: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    pieces: list[Piece]
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    ticks: list[Tick]
    legend: list[tuple[str, str, int]]  # word, class, count
    width: str  # of a bucket, in words
    highest: int
    total: int
    about: bool


def chart_of(history: History, link: Callable[[Bucket], str], zone: object) -> Chart:
    """`link` is where a click on a bar leads; `zone` is the reader's."""
    highest = max((bucket.total for bucket in history.buckets), default=0)
    share = 100 / len(history.buckets) if history.buckets else 0
    bars = [_bar(n, bucket, history, share, highest or 1, link, zone) for n, bucket in enumerate(history.buckets)]
    totals = history.totals()
    legend = [(word, CSS[word], totals[word]) for word in ORDER if totals.get(word)]
    return Chart(
        bars, _ticks(history, share, zone), legend, words_of(history.seconds), highest, history.total, history.about
    )


def _bar(
    n: int, bucket: Bucket, history: History, share: float, highest: int, link: Callable[[Bucket], str], zone: object
) -> Bar:
    pieces, y = [], HEIGHT
    for word in ORDER:
        count = bucket.counts.get(word, 0)
        if count:
            height = max(count / highest * HEIGHT, 0.8)
            y -= height
            pieces.append(Piece(CSS[word], round(y, 1), round(height - 0.6 if height > 2 else height, 1)))
    start = bucket.start.astimezone(zone)
    parts = ", ".join(f"{bucket.counts[word]:,} {word}" for word in ORDER if bucket.counts.get(word))
    about = "about " if history.about else ""
    title = f"{start:%a %d %b %H:%M}: {about}{parts or 'nothing'}"
    return Bar(round(n * share, 3), round(share, 3), pieces, title, link(bucket))


def _ticks(history: History, share: float, zone: object) -> list[Tick]:
    """About seven times along the axis, the first and the last kept inside it."""
    if not history.buckets:
        return []
    every = max(1, len(history.buckets) // 6)
    pattern = "%H:%M" if history.seconds < HOUR else "%d %b %H:%M" if history.seconds < 6 * HOUR else "%d %b"
    found = []
    for n in range(0, len(history.buckets), every):
        label = history.buckets[n].start.astimezone(zone).strftime(pattern)
        found.append(Tick(round(n * share, 2), label, "start" if n == 0 else "middle" if n * share < 95 else "end"))
    return found


def words_of(seconds: int) -> str:
    """A bucket's width: 15 min, 2 h, day, 7 days."""
    if seconds < HOUR:
        return f"{seconds // 60} min"
    if seconds < DAY:
        return "hour" if seconds == HOUR else f"{seconds // HOUR} h"
    return "day" if seconds == DAY else f"{seconds // DAY} days"

"""What was measured, as the page shows it: one panel a chart, with its lines, its number in large, and its links."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from records.cells import duration, money
from scoring.monitor.charts import Chart
from scoring.monitor.grouping import OTHERS, Grouping
from scoring.monitor.latency import Latency, Times
from scoring.monitor.scope import Scope
from scoring.monitor.traffic import Counts, Traffic
from scoring.monitor.values import Values
from scoring.stats.estimates import Estimate, unknown
from scoring.stats.rates import rate
from scoring.stats.weighted import Sums, weighted_mean, weighted_rate

COLOURS = ("c1", "c2", "c3", "c4", "c5")
REST = "skipped"  # the colour of what has none of its own
NONE = "none"


class Point(NamedTuple):
    """`value` None: nothing to draw, and `text` says why, or is empty where nothing happened."""

    start: datetime
    value: float | None
    low: float | None
    high: float | None
    text: str
    q: str  # the filter that finds what is behind it


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    css: str
    points: list[Point]
    total: str = ""
    dotted: bool = False
    known: str | None = None  # by this in the legend, "" for not at all; None: by its name

    @property
    def legend(self) -> str:
        return self.name if self.known is None else self.known


@dataclass(frozen=True, slots=True)
class Panel:
    """`kind` bars or lines; `unit` share, seconds, usd, count or value; `big` and `small` say the whole range."""

    key: str
    title: str
    kind: str
    unit: str
    lines: list[Line]
    big: str
    small: str = ""
    note: str = ""
    about: bool = False

    @property
    def is_empty(self) -> bool:
        return not any(point.value is not None for line in self.lines for point in line.points)

    @property
    def is_silent(self) -> bool:
        """Nothing happened at all: not even too little."""
        return not any(point.text for line in self.lines for point in line.points)


@dataclass(frozen=True, slots=True)
class Split:
    """How the scope is divided: (place in the query, name, colour, filter) for each line."""

    scope: Scope
    grouping: Grouping | None = None
    groups: tuple[str, ...] = ()

    def lines(self, used: Iterable[int]) -> list[tuple[int, str, str, str]]:
        """`used` are the places where something was found: the rest is a line only where it is not empty."""
        if self.grouping is None:
            return [(0, "", COLOURS[0], "")]
        named = [
            (n, value or NONE, COLOURS[n - 1], self.grouping.clause(value)) for n, value in enumerate(self.groups, 1)
        ]
        rest = [(0, OTHERS, REST, self.grouping.rest(self.groups))] if 0 in set(used) else []
        return named + rest


def traffic_panels(charts: list[Chart], split: Split, found: Traffic) -> list[Panel]:
    drawers = {"records": _records, "errors": _errors, "tokens": _tokens, "cost": _cost}
    return [drawers[chart.key](chart, split, found) for chart in charts if chart.part == "traffic"]


def _records(chart: Chart, split: Split, found: Traffic) -> Panel:
    return _sums(chart, split, found, "count", lambda counts: counts.records, whole)


def _tokens(chart: Chart, split: Split, found: Traffic) -> Panel:
    return _sums(chart, split, found, "count", lambda counts: counts.tokens, whole, "tokens > 0")


def _cost(chart: Chart, split: Split, found: Traffic) -> Panel:
    return _sums(chart, split, found, "usd", lambda counts: counts.cost, money, "cost > 0")


def _sums(
    chart: Chart, split: Split, found: Traffic, unit: str, of: Callable[[Counts], int | Decimal],
    say: Callable[[int | Decimal], str], clause: str = "",
) -> Panel:  # fmt: skip
    about = "about " if found.about else ""

    def point(start: datetime, place: int, group: str) -> Point:
        counts = found.cells.get((start, place), Counts())
        value = of(counts)
        text = f"{about}{say(value)}" if value else ""
        return Point(start, float(value), None, None, text, split.scope.within(start, clause, group))

    lines = _lines(split, found.cells, point, lambda place: f"{about}{say(of(found.total(place)))}")
    return Panel(chart.key, chart.title, "bars", unit, lines, f"{about}{say(of(found.total()))}", about=found.about)


def _errors(chart: Chart, split: Split, found: Traffic) -> Panel:
    def estimate(counts: Counts) -> Estimate:
        return rate(counts.errors, counts.seen)

    def point(start: datetime, place: int, group: str) -> Point:
        counts = found.cells.get((start, place), Counts())
        q = split.scope.within(start, "error IS NOT NULL" if counts.errors else "", group)
        return _point(start, estimate(counts), q)

    lines = _lines(split, found.cells, point, lambda place: estimate(found.total(place)).text)
    big, small = said(estimate(found.total()), share=True)
    return Panel(chart.key, chart.title, "lines", "share", lines, big, small, about=found.about)


def latency_panel(chart: Chart, split: Split, found: Latency) -> Panel:
    """Two lines a group: the median, and dotted the 95th percentile."""
    lines = []
    for place, name, css, group in split.lines(place for _, place in found.cells if place is not None):
        whole_group = found.cells.get((None, place), Times(0, None, None))
        for field_name, word, dotted in (("p50", "median", False), ("p95", "p95", True)):
            points = []
            for start in split.scope.starts:
                times = found.cells.get((start, place), Times(0, None, None))
                value = getattr(times, field_name)
                slow = f"latency >= {value:.3f}" if dotted and value else ""
                text = f"{seconds(value)}, n {times.n:,}" if value is not None else _few(times.n)
                points.append(Point(start, value, None, None, text, split.scope.within(start, slow, group)))
            colour = COLOURS[2] if dotted and split.grouping is None else css
            total, known = seconds(getattr(whole_group, field_name)), None
            if name:  # both lines of a group are one in the legend
                known = "" if dotted else name
                total = f"{total}, p95 {seconds(whole_group.p95)}"
            lines.append(Line(f"{name} {word}".strip(), colour, points, total, dotted, known))
    all_of_it = found.cells.get((None, None), Times(0, None, None))
    small = f"median, p95 {seconds(all_of_it.p95)}" if all_of_it.p95 is not None else _few(all_of_it.n)
    return Panel(chart.key, chart.title, "lines", "seconds", lines, seconds(all_of_it.p50), small, about=found.about)


def metric_panel(chart: Chart, split: Split, found: Values) -> Panel:
    """Its pass rate or its mean, with the interval of the design."""
    cells = found.verdicts if chart.of_passes else found.numbers
    estimate = weighted_rate if chart.of_passes else weighted_mean
    scored = f"metric.{chart.metric.slug}.status:({'pass OR fail' if chart.of_passes else 'pass OR fail OR none'})"

    def point(start: datetime, place: int, group: str) -> Point:
        return _point(start, estimate(cells.get((start, place), Sums())), split.scope.within(start, scored, group))

    def total(place: int | None = None) -> Estimate:
        return estimate(sum((sums for (_, at), sums in cells.items() if place in (None, at)), Sums()))

    lines = _lines(split, cells, point, lambda place: total(place).text)
    whole_range = total()
    big, small = said(whole_range, share=chart.of_passes)
    return Panel(
        chart.key, chart.title, "lines", "share" if chart.of_passes else "value", lines, big, small,
        _drawn(chart, sum(cells.values(), Sums()), found), found.about,
    )  # fmt: skip


def _drawn(chart: Chart, sums: Sums, found: Values) -> str:
    """What is measured, whose scores these are, and for how many they stand."""
    what = "pass rate" if chart.of_passes else "mean"
    if found.by_people:
        return f"{what}, scored by people"
    return f"{what}, drawn for about {sums.w:,.0f}" if sums.w > 1.005 * sums.n else what


def _lines(
    split: Split, cells: Iterable[tuple[datetime, int]], point: Callable[[datetime, int, str], Point],
    total: Callable[[int], str],
) -> list[Line]:  # fmt: skip
    return [
        Line(name, css, [point(start, place, group) for start in split.scope.starts], total(place))
        for place, name, css, group in split.lines(place for _, place in cells)
    ]


def _point(start: datetime, found: Estimate, q: str) -> Point:
    return Point(start, found.value, found.low, found.high, found.text if found.n else "", q)


def said(found: Estimate, share: bool) -> tuple[str, str]:
    """The value, and its interval and n; or nothing, and why."""
    from scoring.templatetags.estimates import estimated, interval

    if found.value is None:
        return "–", found.text
    return estimated(found, share), interval(found, share) if found.has_interval else found.text


def whole(value: int | Decimal) -> str:
    """Large numbers short: 14,862 and 3.4 million."""
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,.0f}"


def seconds(value: float | None) -> str:
    return "–" if value is None else str(duration(round(value * 1000)))


def _few(n: int) -> str:
    return unknown(n, f"{n:,}: too few").text if n else ""

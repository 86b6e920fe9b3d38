"""Panels as plotly figures: plain dicts without colours, which the script takes from the page.

A trace's `meta` is the class whose colour it has, and its `customdata` where a click on a point leads. plotly's Python
package is not needed.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from records.history import DAY, HOUR
from scoring.monitor.panels import Line, Panel, Point
from scoring.monitor.scope import Scope

TICKS = 5


def figure_of(panel: Panel, scope: Scope, link: Callable[[str], str], zone: tzinfo) -> dict[str, Any]:
    """The x of a point is its place and not its time: plotly knows no zones, and an hour may come twice in a night."""
    starts = scope.starts
    labels = [when(start, scope, zone) for start in starts]
    every = max(1, len(starts) // TICKS)
    pattern = "%H:%M" if scope.seconds < HOUR else "%d %b %H:%M" if scope.seconds < 6 * HOUR else "%d %b"
    axis = {
        "range": [-0.5, len(starts) - 0.5],
        "tickvals": list(range(0, len(starts), every)),
        "ticktext": [start.astimezone(zone).strftime(pattern) for start in starts[::every]],
    }
    traces = [_trace(panel, line, labels, link) for line in panel.lines]
    layout = {
        "barmode": "stack", "bargap": 0.12, "showlegend": False, "hovermode": "closest", "meta": {"links": True},
        "margin": {"l": 44, "r": 8, "t": 8, "b": 24, "pad": 0},
        "xaxis": axis | {"fixedrange": True, "showgrid": False, "zeroline": False, "showline": True},
        "yaxis": _upright(panel) | {"fixedrange": True, "zeroline": False, "nticks": 5},
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def _trace(panel: Panel, line: Line, labels: list[str], link: Callable[[str], str]) -> dict[str, Any]:
    points = line.points
    name = f"{line.name}: " if line.name else ""
    common = {
        "name": line.name, "meta": line.css, "x": list(range(len(points))), "y": [point.value for point in points],
        "customdata": [link(point.q) if point.text else "" for point in points],
        "hovertext": [f"{label}<br>{escaped(name)}{point.text}" for label, point in zip(labels, points, strict=True)],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip
    if panel.kind == "bars":
        return {"type": "bar"} | common
    drawn = {"type": "scatter", "mode": "lines+markers", "connectgaps": False} | common
    if line.dotted:
        drawn["line"] = {"dash": "dot"}
    if any(point.low is not None for point in points):
        drawn["error_y"] = {
            "type": "data", "symmetric": False, "width": 3, "thickness": 1,
            "array": [_beyond(point, point.high) for point in points],
            "arrayminus": [_beyond(point, point.low) for point in points],
        }  # fmt: skip
    return drawn


def _beyond(point: Point, end: float | None) -> float:
    return 0 if end is None or point.value is None else abs(end - point.value)


def _upright(panel: Panel) -> dict[str, Any]:
    if panel.unit != "share":
        look = {"usd": {"tickprefix": "$"}, "seconds": {"ticksuffix": " s"}, "count": {"tickformat": "~s"}}
        return look.get(panel.unit, {}) | ({} if panel.unit == "value" else {"rangemode": "tozero"})
    ends = [
        end
        for line in panel.lines
        for point in line.points
        for end in (point.low, point.high, point.value)
        if end is not None
    ]
    if not ends:
        return {"tickformat": ".0%"}
    return {"tickformat": ".0%", "range": [max(-0.02, min(ends) - 0.05), min(1.02, max(ends) + 0.05)]}


def escaped(text: str) -> str:
    """What a client sent, for a hover label: plotly reads a little HTML there."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def when(start: datetime, scope: Scope, zone: tzinfo) -> str:
    """A bucket as a label; one that has not ended yet says so."""
    pattern = "%a %d %b" if scope.seconds is not None and scope.seconds >= DAY else "%a %d %b %H:%M"
    so_far = ", so far" if scope.end_of(start) > scope.search.now else ""
    return f"{start.astimezone(zone):{pattern}}{so_far}"


def rows_of(panel: Panel) -> list[tuple[datetime, list[Point]]]:
    """The chart as a table, newest first: each bucket in which something happened, with a point for each line."""
    columns = zip(*(line.points for line in panel.lines), strict=True)
    rows = [(points[0].start, list(points)) for points in columns if any(point.text for point in points)]
    return rows[::-1]

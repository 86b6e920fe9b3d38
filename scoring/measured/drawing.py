"""An evaluator's charts as plotly figures: plain dicts without colours, which the script takes from the page.

A trace's `meta` is the class whose colour it has. plotly's Python package is not needed, and takes long to import.
"""

from typing import Any

from scoring.measured.summary import Bin, Trend

STACK = (("passed", "passes", "pass"), ("failed", "fails", "fail"), ("other", "no verdict", "c1"))


def distribution_figure(bins: list[Bin]) -> dict[str, Any]:
    """Bars stacked by verdict."""
    labels = [bin.label for bin in bins]
    traces = [
        {
            "type": "bar", "name": word, "meta": css, "x": list(range(len(bins))),
            "y": [getattr(bin, field) for bin in bins], "customdata": labels,
            "hovertemplate": f"%{{customdata}}: %{{y:,}} {word}<extra></extra>",
        }
        for field, word, css in STACK
        if any(getattr(bin, field) for bin in bins)
    ]  # fmt: skip
    every = max(1, len(bins) // 5)
    axis = {
        "tickvals": list(range(0, len(bins), every)),
        "ticktext": [label.split(" to ")[0] for label in labels[::every]],
    }
    return {"data": traces, "layout": _layout(axis, {"rangemode": "tozero"}) | {"barmode": "stack", "bargap": 0.12}}


def trend_figure(trend: Trend) -> dict[str, Any]:
    """A point a day (or week) with its interval; none where the cases carry no estimate, and no line across the gap."""
    points = trend.points
    known = [point.estimate if point.estimate.value is not None else None for point in points]
    labels = [f"{point.start:%d %b}" for point in points]
    trace = {
        "type": "scatter", "mode": "lines+markers", "name": "", "meta": "c1", "connectgaps": False,
        "x": list(range(len(points))),
        "y": [one.value if one else None for one in known],
        "error_y": {
            "type": "data", "symmetric": False, "width": 3, "thickness": 1,
            "array": [one.high - one.value if one and one.has_interval else 0 for one in known],
            "arrayminus": [one.value - one.low if one and one.has_interval else 0 for one in known],
        },
        "customdata": [f"{label}: {point.estimate.text}" for label, point in zip(labels, points, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip
    every = max(1, len(points) // 5)
    axis = {"tickvals": list(range(0, len(points), every)), "ticktext": labels[::every]}
    up = {"tickformat": ".0%"} if trend.of_passes else {}
    ends = [end for one in known if one for end in (one.low, one.high, one.value) if end is not None]
    if trend.of_passes:  # the whole range where there is no estimate yet
        up["range"] = [max(-0.02, min(ends, default=0) - 0.05), min(1.02, max(ends, default=1) + 0.05)]
    return {"data": [trace], "layout": _layout(axis, up)}


def _layout(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "showlegend": False,
        "hovermode": "closest",
        "margin": {"l": 40, "r": 8, "t": 8, "b": 24, "pad": 0},
        "xaxis": x | {"fixedrange": True, "showgrid": False, "zeroline": False, "showline": True},
        "yaxis": y | {"fixedrange": True, "zeroline": False, "nticks": 5},
    }

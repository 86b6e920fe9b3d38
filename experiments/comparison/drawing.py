"""The comparison's charts as plotly figures: plain dicts without colours, which the script takes from the page.

A trace's `meta` is the class whose colour it has. Each has a table or a sentence beside it that says the same.
"""

from typing import Any

from experiments.comparison.verdicts import Pairs, Versus
from scoring.stats.decisions import Verdict
from scoring.stats.estimates import Estimate, number

CLASSES = {Verdict.BETTER: "pass", Verdict.WORSE: "fail"}
MOST_POINTS = 2_000  # of a scatter; more are thinned out, evenly


def intervals_figure(versus: Versus) -> dict[str, Any]:
    """The difference of each metric with its interval, in hundredths of what the metric may range over (points), so
    that all stand on one axis; metrics without bounds have no place on it."""
    rows = []
    for line in reversed(versus.lines):
        change, width = line.found.change, 1.0 if line.shares else line.measure.width
        if change.value is None or not width:
            continue
        sign = -1 if line.kind == "mean" and line.measure.lower else 1
        value = sign * 100 * change.value / width
        ends = sorted(sign * 100 * end / width for end in (change.low, change.high)) if change.has_interval else None
        css = "c1" if line.neutral else CLASSES.get(line.decision.verdict, "c1")
        rows.append((line.measure.name, css, value, ends, f"{line.measure.name}: {change.text}"))
    traces = [
        {
            "type": "scatter", "mode": "markers", "name": "", "meta": css,
            "x": [value for _, own, value, _, _ in rows if own == css],
            "y": [index for index, (_, own, *_) in enumerate(rows) if own == css],
            "error_x": {
                "type": "data", "symmetric": False, "width": 4, "thickness": 2,
                "array": [ends[1] - value if ends else 0 for _, own, value, ends, _ in rows if own == css],
                "arrayminus": [value - ends[0] if ends else 0 for _, own, value, ends, _ in rows if own == css],
            },
            "customdata": [_plain(text) for _, own, _, _, text in rows if own == css],
            "hovertemplate": "%{customdata}<extra></extra>",
        }
        for css in ("pass", "fail", "c1")
    ]  # fmt: skip
    reach = max((abs(end) for *_, ends, _ in rows if ends for end in ends), default=10) * 1.1 or 10
    layout = _layout(
        {"range": [-reach, reach], "zeroline": True, "showgrid": True, "nticks": 5, "ticksuffix": ""},
        {
            "tickvals": list(range(len(rows))), "ticktext": [_short(name) for name, *_ in rows],
            "range": [-0.6, len(rows) - 0.4], "showgrid": False,
        },
    )  # fmt: skip
    return {"data": [trace for trace in traces if trace["x"]], "layout": layout | {"margin": _margin(left=110)}}


def scatter_figure(pairs: Pairs, first: str, second: str, shares: bool, lower: bool) -> dict[str, Any]:
    """A point a case: the first experiment's value to the right, the second's up; equal ones lie on the line."""
    step = max(1, -(-len(pairs.cases) // MOST_POINTS))
    chosen = range(0, len(pairs.cases), step)
    groups: dict[str, list[int]] = {"pass": [], "fail": [], "c1": []}
    for i in chosen:
        gain = pairs.after[i] - pairs.before[i]
        css = "c1" if gain == 0 else "pass" if (gain > 0) != lower else "fail"
        groups[css].append(i)
    ends = [*pairs.before, *pairs.after] or [0.0, 1.0]
    low, high = (0.0, 1.0) if shares else (min(ends), max(ends))
    room = (high - low) * 0.1 or 1.0
    # Equal points would hide one another: moved a little, always in the same way.
    jitter = (high - low) * (0.05 if shares else 0.008)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "name": "", "meta": "c1", "x": [low, high], "y": [low, high],
            "hoverinfo": "skip", "line": {"width": 1, "dash": "dot"},
        }
    ]  # fmt: skip
    names = {"pass": "better", "fail": "worse", "c1": "equal"}
    for css, members in groups.items():
        if members:
            traces.append(
                {
                    "type": "scatter", "mode": "markers", "name": names[css], "meta": css,
                    "x": [pairs.before[i] + jitter * _nudge(i, 7) for i in members],
                    "y": [pairs.after[i] + jitter * _nudge(i, 11) for i in members],
                    "customdata": [
                        _plain(f"{pairs.cases[i][0]}: {number(pairs.before[i])} → {number(pairs.after[i])}")
                        for i in members
                    ],
                    "hovertemplate": "%{customdata}<extra></extra>",
                }
            )  # fmt: skip
    axis = {"range": [low - room, high + room], "nticks": 5} | ({"tickformat": ".0%"} if shares else {})
    layout = _layout(axis | {"title": {"text": _short(first, 40)}}, axis | {"title": {"text": _short(second, 40)}})
    return {"data": traces, "layout": layout | {"margin": _margin(left=56, bottom=44)}}


def trend_figure(names: list[str], estimates: list[Estimate], baseline: int | None, shares: bool) -> dict[str, Any]:
    """One metric over the experiments of a dataset, the oldest at the left; the baseline marked."""
    known = [one if one.value is not None else None for one in estimates]

    def trace(css: str, mode: str, chosen: list[int]) -> dict[str, Any]:
        return {
            "type": "scatter", "mode": mode, "name": "", "meta": css, "connectgaps": False, "x": chosen,
            "y": [known[i].value if known[i] else None for i in chosen],
            "error_y": {
                "type": "data", "symmetric": False, "width": 3, "thickness": 1,
                "array": [known[i].high - known[i].value if known[i] and known[i].has_interval else 0 for i in chosen],
                "arrayminus": [
                    known[i].value - known[i].low if known[i] and known[i].has_interval else 0 for i in chosen
                ],
            },
            "customdata": [_plain(f"{names[i]}: {estimates[i].text}") for i in chosen],
            "hovertemplate": "%{customdata}<extra></extra>",
        }  # fmt: skip

    traces = [trace("c1", "lines+markers", list(range(len(names))))]
    if baseline is not None:
        traces.append(trace("c2", "markers", [baseline]) | {"marker": {"size": 11, "symbol": "diamond"}})
    every = max(1, len(names) // 6)
    x = {
        "tickvals": list(range(0, len(names), every)), "ticktext": [_short(name, 16) for name in names[::every]],
        "range": [-0.5, len(names) - 0.5],  # room for the outer names, which are not drawn else
    }  # fmt: skip
    return {"data": traces, "layout": _layout(x, {"tickformat": ".0%"} if shares else {})}


def _nudge(index: int, prime: int) -> float:
    return ((index * prime * 2654435761) % 1000) / 500 - 1


def _short(name: str, most: int = 18) -> str:
    return _plain(name if len(name) <= most else f"{name[: most - 1]}…")


def _plain(text: str) -> str:
    """plotly reads a little markup in labels; names and cases bring none of their own."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _margin(left: int = 40, bottom: int = 24) -> dict[str, int]:
    return {"l": left, "r": 8, "t": 8, "b": bottom, "pad": 0}


def _layout(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "showlegend": False,
        "hovermode": "closest",
        "margin": _margin(),
        "xaxis": {"fixedrange": True, "showgrid": False, "zeroline": False, "showline": True} | x,
        "yaxis": {"fixedrange": True, "zeroline": False, "nticks": 5} | y,
    }

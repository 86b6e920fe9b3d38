"""The Monitor page: what is asked for comes with the page, what was measured after it, a part at a time."""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from evalhub.access import project_page
from evalhub.htmx import render_page
from evalhub.models import Project, Role
from records.filterbar import echo
from records.filterlang import chips
from records.found_paths import found_paths
from records.models import RecordRollup
from records.saved_views import may_change
from records.search import SearchTimeout
from records.views.saved_views import number_of
from scoring.models import Alert, AlertState, Dashboard
from scoring.monitor.asked import GROUPS, Asked
from scoring.monitor.charts import Chart
from scoring.monitor.dashboards import PARTS, dashboards_of, query_of
from scoring.monitor.grouping import LABELS
from scoring.monitor.scope import DEFAULT, PRESETS

MOST_KEYS = 12  # of the metadata, offered to group by


@project_page("GET")
def monitor(request: HttpRequest, project: Project) -> HttpResponse:
    if len(chosen := request.GET.getlist("charts")) > 1:  # as a form sends them
        return redirect(link(request, charts=",".join(chosen)))
    dashboards = list(dashboards_of(project, request.user))
    if set(request.GET) == {"dashboard"}:  # a link to a dashboard without what it asks for
        found = get_object_or_404(dashboards_of(project, request.user), pk=number_of(request.GET["dashboard"]))
        if found.query:
            return redirect(url_of(request.path, found))
    asked = Asked(request.GET, project, request.user)
    firing = Alert.objects.filter(project=project, state=AlertState.FIRING).select_related("metric")
    context = _tabs(request, dashboards) | _form(request, asked) | {"firing": firing}
    wrong = asked.error is not None or bool(asked.problem)
    if not wrong:
        context |= _parts(request, asked)
    return render_page(request, "scoring/monitor.html", "monitor", context, status=422 if wrong else 200)


@project_page("GET")
def monitor_part(request: HttpRequest, project: Project, part: str) -> HttpResponse:
    """The charts that one query draws: `traffic`, `latency`, or one of a metric."""
    asked = Asked(request.GET, project, request.user)
    if asked.error is not None or asked.problem:
        return HttpResponse(status=422)
    charts = [chart for chart in asked.shown if chart.part == part]
    if not charts:
        raise Http404("There is no such chart here.")
    context: dict[str, Any] = {"charts": charts}
    try:
        context["panels"] = _drawn(request, asked, part, charts)
    except SearchTimeout as problem:
        context |= {"problem": str(problem), "again": request.get_full_path()}
    return render(request, "scoring/_monitor_part.html", context)


@project_page("GET")
def monitor_groupings(request: HttpRequest, project: Project) -> HttpResponse:
    """Keys of the newest records' metadata, to group by."""
    keys = [path.key for path in found_paths(project.id) if path.key.startswith("metadata.")]
    links = [(key.removeprefix("metadata."), link(request, by=key)) for key in keys[:MOST_KEYS]]
    return render(request, "scoring/_monitor_groupings.html", {"links": links})


def link(request: HttpRequest, **changed: str) -> str:
    """The page with some parameters set, the empty ones left out."""
    kept = {name: request.GET[name] for name in ("dashboard", *PARTS) if request.GET.get(name)} | changed
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"{reverse('scoring:monitor', args=[request.project.slug])}?{query}"


def url_of(base: str, dashboard: Dashboard) -> str:
    return f"{base}?{'&'.join(filter(None, [f'dashboard={dashboard.pk}', dashboard.query]))}"


def _drawn(request: HttpRequest, asked: Asked, part: str, charts: list[Chart]) -> list[dict[str, Any]]:
    """Raises SearchTimeout."""
    from scoring.monitor import drawing, panels  # and what measures

    split = asked.split
    found = _measured(part, split, charts)
    if part == "traffic":
        made = panels.traffic_panels(charts, split, found)
    elif part == "latency":
        made = [panels.latency_panel(charts[0], split, found)]
    else:
        made = [panels.metric_panel(charts[0], split, found)]
    base = reverse("records:list", args=[request.project.slug])
    spans = {"spans": "all"} if asked.filters.all_spans else {}

    def records(q: str) -> str:
        return f"{base}?{urlencode({'q': q} | spans)}"

    zone, scope = asked.filters.zone, asked.scope
    return [
        {
            "panel": panel,
            "figure": json.dumps(drawing.figure_of(panel, scope, records, zone), separators=(",", ":")),
            "alert_href": _alert_href(request, panel.key),
            "rows": [
                (drawing.when(start, scope, zone), [(point.text, records(point.q)) for point in points])
                for start, points in drawing.rows_of(panel)
            ],
        }
        for panel in made
    ]


def _alert_href(request: HttpRequest, key: str) -> str:
    """A new alert on what a chart shows; empty where the reader may make none."""
    if request.role < Role.EDITOR:
        return ""
    what = {"what": "latency_p95" if key == "latency" else key}
    given = {name: request.GET[name] for name in ("q", "spans") if request.GET.get(name)}
    return f"{reverse('scoring:alert-new', args=[request.project.slug])}?{urlencode(what | given)}"


def _measured(part: str, split: Any, charts: list[Chart]) -> Any:
    from scoring.monitor.latency import latency
    from scoring.monitor.traffic import traffic
    from scoring.monitor.values import values

    if part == "traffic":
        return traffic(split.scope, split.grouping, split.groups)
    if part == "latency":
        return latency(split.scope, split.grouping, split.groups)
    return values(split.scope, charts[0].metric.pk, split.grouping, split.groups)


def _tabs(request: HttpRequest, dashboards: list[Dashboard]) -> dict[str, Any]:
    """Dashboards as tabs, and which of them the page is: the one its URL names, else the one that asks the same."""
    base, now = reverse("scoring:monitor", args=[request.project.slug]), query_of(request.GET.dict())
    asked = next((one for one in dashboards if str(one.pk) == request.GET.get("dashboard")), None)
    current = asked or next((one for one in dashboards if one.query == now and now), None)
    return {
        "tabs": [
            {"name": one.name, "href": url_of(base, one), "current": one is current, "shared": one.shared}
            for one in dashboards
        ],
        "dashboard": current,
        "dashboard_changed": bool(current) and current.query != now,
        "may_change_dashboard": bool(current) and may_change(current, request.user, request.role),
        "all_href": base,
    }


def _form(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    """What the page says of what is asked, whether it can be read or not."""
    filters, by = asked.filters, request.GET.get("by", "")
    preset = "" if asked.is_custom else asked.preset
    return {
        "q": filters.text, "error": filters.error, "problem": asked.problem, "echo": echo(filters.text, filters.error),
        "chips": [] if filters.error else [(chip.words, link(request, q=chip.rest)) for chip in chips(filters.node)],
        "ranges": [(name, link(request, range=name, **{"from": "", "to": ""}), name == preset) for name in PRESETS],
        "custom": asked.is_custom, "given": {name: request.GET.get(name, "") for name in PARTS}, "default": DEFAULT,
        "by": by, "by_label": asked.grouping.label if asked.grouping else "",
        "groupings": [("nothing", link(request, by=""), not by)]
        + [(label, link(request, by=key), by == key) for key, label in LABELS.items()],
        "all_spans": filters.all_spans,
        "spans_links": (link(request, spans=""), link(request, spans="all")),
        "may_alert": request.role >= Role.EDITOR,
        "query": request.GET.urlencode(),
    }  # fmt: skip


def _parts(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    """The fragments that measure, each with the charts it is going to draw; and when it is all about."""
    slug, groups = request.project.slug, asked.found_groups()
    parameters = [(name, request.GET[name]) for name in PARTS if request.GET.get(name)]
    query = urlencode(parameters + [(GROUPS, value) for value in groups])
    parts: dict[str, list[Chart]] = {}
    for chart in asked.shown:
        parts.setdefault(chart.part, []).append(chart)
    return {
        "parts": [
            (f"{reverse('scoring:monitor-part', args=[slug, part])}?{query}", charts) for part, charts in parts.items()
        ],
        "choices": [(chart, chart in asked.shown) for chart in asked.charts],
        "scope": asked.scope,
        "grouped": asked.grouping is not None,
        "no_groups": asked.grouping is not None and not groups,
        "has_records": RecordRollup.objects.filter(project=request.project, n__gt=0).exists(),
    }

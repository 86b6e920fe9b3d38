"""The history chart above the list: a fragment that comes after the rows, and the list narrowed to a part of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from evalhub.access import project_page
from evalhub.models import Project
from records.charts import chart_of, figure_of, rows_of
from records.filterbar import replaced
from records.filters import RecordFilters
from records.history import Bucket, History, history
from records.search import SearchTimeout
from records.stacks import STATUS, stacks
from records.views.links import list_query, list_url


@project_page("GET")
def record_history(request: HttpRequest, project: Project) -> HttpResponse:
    """Bars over time, stacked by what `by` names; a click on one, or a range of them, narrows the list to its time."""
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:
        return HttpResponse(status=422)
    choices = stacks(filters.metrics)
    by = next((stack for stack in choices if stack.key == request.GET.get("by")), STATUS)
    after = request.GET.get("after", "")
    context = {
        "by": by,
        "stacks": [(stack, list_url(request, project, by=stack.key, after=after)) for stack in choices],
        "project": project,
        "within": f"{reverse('records:within', args=[project.slug])}{list_query(request)}",
    }
    try:
        found = history(filters.search, by)
    except SearchTimeout as problem:
        return render(request, "records/_history.html", context | {"problem": str(problem)})

    def link(bucket: Bucket) -> str:
        return list_url(request, project, q=narrowed(filters, bucket.start, found.end_of(bucket)))

    return render(request, "records/_history.html", context | drawn(found, link, filters))


def drawn(found: History, link: Callable[[Bucket], str], filters: RecordFilters) -> dict[str, Any]:
    chart = chart_of(found, link, filters.zone)
    figure = json.dumps(figure_of(chart, found.seconds), separators=(",", ":"))
    return {"chart": chart, "figure": figure, "rows": rows_of(chart), "counted_from": found.counted_from}


def narrowed(filters: RecordFilters, start: datetime, end: datetime) -> str:
    """The filter with its time set to [start, end)."""
    return replaced(filters.node, ("created",), f'created >= "{_stamp(start)}" created < "{_stamp(end)}"')


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


@project_page("GET")
def record_within(request: HttpRequest, project: Project) -> HttpResponse:
    """To the list with its time set to the range that was dragged over the chart, in Unix seconds."""
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:  # the list says what is wrong
        return HttpResponseRedirect(list_url(request, project))
    span = _span(request)
    if span is None:
        words = "start and end are wanted, in Unix seconds, the start before the end."
        return HttpResponseBadRequest(words, content_type="text/plain")
    return HttpResponseRedirect(list_url(request, project, q=narrowed(filters, *span)))


def _span(request: HttpRequest) -> tuple[datetime, datetime] | None:
    try:
        start, end = (datetime.fromtimestamp(int(request.GET.get(name, "")), UTC) for name in ("start", "end"))
    except (ValueError, OverflowError, OSError):
        return None
    return (start, end) if start < end else None

"""What changes while a list is read: records arrive, and pending scores settle. Two small fragments ask for themselves
again, ever more seldom while nothing happens, and not at all in a hidden tab (js/live.js)."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django_htmx.http import HTMX_STOP_POLLING

from evalhub.access import project_page
from evalhub.models import Project
from records import cells
from records.current import shown_scores
from records.filters import RecordFilters
from records.models import Metric
from records.news import LOOKED_AT, any_since, arrived
from records.search import SearchTimeout
from records.views.links import list_query, list_url

FIRST_SECONDS = 5
FIRST_SETTLING = 2
MOST_SECONDS = 60
MOST_CELLS = 8000  # 200 rows of 40 columns


def news_url(request: HttpRequest, project: Project, since: UUID, known: int = 0) -> str:
    """Where to ask what has arrived after the id `since`, of which `known` records are announced already."""
    query = list_query(request).rstrip("?")
    asked = urlencode({"since": since.hex, "known": known})
    return f"{reverse('records:news', args=[project.slug])}{query}{'&' if query else '?'}{asked}"


@never_cache
@project_page("GET")
def record_news(request: HttpRequest, project: Project) -> HttpResponse:
    """Says "12 new" once it is so; the list itself stays as it is until that is clicked."""
    try:
        since, known = UUID(request.GET.get("since", "")), int(request.GET.get("known", 0))
        wait = int(request.GET.get("wait", FIRST_SECONDS))
    except ValueError:
        return _refused("since is the id after which records are new; known and wait are numbers.")
    n = 0
    if any_since(project.id, since):
        filters = RecordFilters(request.GET, project, request.user)
        if filters.error is not None:
            return HttpResponse(status=HTMX_STOP_POLLING)
        try:
            n = arrived(filters.search, since)
        except SearchTimeout:
            n = known  # a filter too slow even for so few: nothing is said, and it is asked again later
    context = {
        "news": news_url(request, project, since, n),
        "news_wait": FIRST_SECONDS if n != known else _longer(wait),
        "changed": n != known,
        "n": f"{n:,}{'+' if n == LOOKED_AT else ''}" if n else "",
        "href": list_url(request, project, q=request.GET.get("q", "")),
    }
    return render(request, "records/_news.html", context)


def cells_of(awaited: Iterable[tuple[UUID, int]]) -> str:
    """Pending cells as one word: record.metric,record.metric"""
    return ",".join(f"{record.hex}.{metric}" for record, metric in awaited)


@never_cache
@project_page("POST")
def record_pending(request: HttpRequest, project: Project) -> HttpResponse:
    """The cells of a page that were pending and no longer are, each for its place; 286 once none is pending.

    It only reads. It is a POST for the sake of its length: a page has up to two hundred rows.
    """
    try:
        asked = _cells(request.POST.get("cells", ""))
        wait = int(request.POST.get("wait", FIRST_SETTLING))
    except ValueError:
        return _refused("cells are record.metric, with commas between them; wait is a number.")
    metrics = {metric.id: metric for metric in Metric.objects.filter(project=project, pk__in={m for _, m in asked})}
    current, newest = shown_scores(project.id, list({record for record, _ in asked}), list(metrics))
    still: list[tuple[UUID, int]] = []
    settled: list[SafeString] = []
    for record, id in asked:
        if id not in metrics:
            continue
        scores = current.get(record, {}).get(id), newest.get(record, {}).get(id)
        if cells.is_awaited(*scores):
            still.append((record, id))
        else:
            settled.append(cells.settling(record, id, cells.score(metrics[id], *scores), swapped=True))
    context: dict[str, Any] = {
        "project": project,
        "cells": cells_of(still),
        "wait": FIRST_SETTLING if settled else _longer(wait),
        "settled": settled,
    }
    return render(request, "records/_pending.html", context, status=200 if still else HTMX_STOP_POLLING)


def _cells(written: str) -> list[tuple[UUID, int]]:
    """Raises ValueError."""
    pairs = (word.split(".") for word in written.split(",", MOST_CELLS) if word)
    return [(UUID(record), int(metric)) for record, metric in pairs]


def _longer(seconds: int) -> int:
    return min(max(seconds, 1) * 3 // 2 + 1, MOST_SECONDS)


def _refused(words: str) -> HttpResponse:
    return HttpResponseBadRequest(words, content_type="text/plain")

"""Sessions: the threads of a project, and one of them read as a conversation."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from evalhub.access import project_page
from evalhub.htmx import render_page
from evalhub.models import Project
from records.filterbar import echo
from records.filterlang import chips
from records.filters import RecordFilters
from records.previews import previews
from records.search import BadCursor, SearchTimeout
from records.sessions.finding import SessionPage, page
from records.sessions.table import SessionTable
from records.sessions.talk import turns_of
from records.sessions.totals import SHOWN_RECORDS, metrics_of, totals_of
from records.views.links import list_query
from records.views.record import quoted

PREVIEW_CHARS = 160
ASKED = ("inputs",)


@project_page("GET")
def session_list(request: HttpRequest, project: Project) -> HttpResponse:
    """The threads in which a record matches the filter, those with the newest such record first."""
    filters = RecordFilters(request.GET, project, request.user)
    context = {"project": project, "q": filters.text, "error": filters.error, "chips": []}
    context |= {"echo": SimpleLazyObject(lambda: echo(filters.text, filters.error))}
    if filters.error is not None:
        return render_page(request, "records/sessions.html", "sessions", context, status=422)
    return render_page(request, "records/sessions.html", "sessions", context | _listed(request, filters))


def _listed(request: HttpRequest, filters: RecordFilters) -> dict[str, Any]:
    after, problem, found, totals = request.GET.get("after", ""), "", SessionPage([]), {}
    try:
        found = page(filters.search, after)
        totals = totals_of(filters.project.id, [row.thread for row in found.rows])
    except SearchTimeout as timeout:
        problem = str(timeout)
    except BadCursor as bad:
        raise BadRequest(str(bad)) from None
    begun = previews(filters.project.id, [total.first for total in totals.values()], [ASKED], PREVIEW_CHARS)
    rows = [
        {"thread": row.thread, "row": row, "totals": total, "preview": begun.get(total.first, {}).get(ASKED)}
        for row in found.rows
        if (total := totals.get(row.thread))  # else its records have just been deleted
    ]
    return {
        "table": SessionTable(rows, request=request) if rows else None,
        "words": filters.words(),
        "problem": problem,
        "chips": [
            {"words": chip.words, "without": list_query(request, q=chip.rest)}
            for chip in chips(filters.node, filters.zone)
        ],
        "remarks": filters.remarks,
        "after": after,
        "next": found.next,
        "searched_back": found.searched_back_to,
    }


@project_page("GET")
def session(request: HttpRequest, project: Project) -> HttpResponse:
    """One thread, named by `thread`: any text that a sender chose, so it is no part of the path."""
    thread, after = request.GET.get("thread", "").replace("\0", ""), request.GET.get("after", "")
    if not thread:
        return redirect("records:sessions", project.slug)
    totals, metrics, uncounted = None, [], False
    try:
        totals = totals_of(project.id, [thread], SHOWN_RECORDS).get(thread)
        metrics = metrics_of(project.id, thread) if totals else []
    except SearchTimeout:
        uncounted = True
    if totals is None and not uncounted:
        raise Http404("No record of this project is of such a session.")
    try:
        turns, more = turns_of(project.id, thread, after)
    except BadCursor as bad:
        raise BadRequest(str(bad)) from None
    context = {
        "project": project, "thread": thread, "totals": totals, "turns": turns, "metrics": metrics, "after": after,
        "uncounted": uncounted,
        "next": more, "records": f"{reverse('records:list', args=[project.slug])}", "most": SHOWN_RECORDS,
        "thread_query": f"thread = {quoted(thread)}",
    }  # fmt: skip
    return render(request, "records/session.html", context)

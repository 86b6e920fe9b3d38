"""What the page of a record fetches when it is asked for: branches of a trace, a span, parts of values, raw JSON."""

from uuid import UUID

import orjson
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from evalhub.access import project_page
from evalhub.htmx import vary, wants_fragment
from evalhub.models import Project
from records.json_tree import json_tree
from records.trace import trace_of
from records.views.record import facts_of, found, links_of, raw_json, span_detail
from records.waterfall import waterfall

MAX_PATH_LEVELS = 128
PART = "SELECT {} #> %s::text[] FROM payload WHERE project_id = %s AND record_id = %s"


@never_cache
@project_page("GET")
def record_spans(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """The lines below one span of the trace (`under`, a record's id; without it the top), from the `from`-th on."""
    record = found(project, id)
    trace = trace_of(record)
    under = _uuid(request.GET.get("under", ""))
    if trace is None or (under is not None and under not in trace.parents):
        raise Http404("No such span in this trace.")
    return HttpResponse(waterfall(record, project.slug, trace, under, _number(request.GET.get("from", ""))))


@never_cache
@project_page("GET")
def record_span(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """One span's inputs and outputs, to stand beside the waterfall."""
    record = found(project, id)
    if not wants_fragment(request):
        return redirect("records:detail", project.slug, id)
    context = {"project": project, "record": record, "detail": span_detail(project, record), "facts": facts_of(record)}
    return vary(render(request, "records/_span.html", context))


@never_cache
@project_page("GET")
def record_part(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """Part of a value as items of its tree: what lies at `path` (JSON) of `of`, from its `from`-th part on."""
    links = links_of(project, found(project, id))
    field = request.GET.get("of", "")
    path = _path(request.GET.get("path", ""))
    if field not in links or path is None:
        raise Http404("No such part.")
    with connection.cursor() as cursor:
        cursor.execute(PART.format(field), [[str(step) for step in path], project.id, id])
        row = cursor.fetchone()
    if row is None or row[0] is None:
        raise Http404("No such part.")
    value = orjson.loads(row[0]) if isinstance(row[0], str | bytes) else row[0]
    return HttpResponse(json_tree(value, links[field], path, _number(request.GET.get("from", ""))))


@never_cache
@project_page("GET")
def record_raw(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """The record whole, as the API answers it, to be saved or copied."""
    response = HttpResponse(raw_json(found(project, id)), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{id}.json"'
    return response


def _uuid(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Http404("No such span.") from None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _path(text: str) -> list[str | int] | None:
    try:
        path = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(path, list) or len(path) > MAX_PATH_LEVELS:
        return None
    return path if all(isinstance(step, str | int) and "\0" not in str(step) for step in path) else None

"""The menu of a cell, or of a whole row: filter by this value, or leave it out."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from evalhub.access import project_page
from evalhub.models import Project
from records.cell_filters import clauses_of, narrowings
from records.column_keys import split_keys
from records.columns import chosen
from records.current import shown_scores
from records.filters import RecordFilters
from records.layouts import columns_of, layout_of
from records.models import Payload, Record
from records.views.links import list_query


@project_page("GET")
def cell_filters(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """What the list's filter may be narrowed by: the values of the column `cell` (counted from 0), else of all, first
    what people filter by most."""
    record = Record.objects.filter(project=project, id=id).first()
    if record is None:
        raise Http404("No such record.")
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:
        return HttpResponse(status=422)
    columns = chosen(split_keys(request.GET.get("columns", "")), filters.metrics)
    columns = columns or columns_of(layout_of(project, request.user), filters.metrics)
    cell = request.GET.get("cell", "")
    if cell.isascii() and cell.isdigit() and len(cell) < 4:
        columns = columns[int(cell) : int(cell) + 1]
    payload = Payload.objects.filter(project=project, record_id=id).values("inputs", "outputs", "expected").first()
    current, _ = shown_scores(project.id, [id], [column.metric.id for column in columns if column.metric])
    scores = current.get(id, {})
    found = []
    for column in columns:
        score = scores.get(column.metric.id) if column.metric else None
        clauses = clauses_of(column, record, payload or {}, score, filters.zone)
        found += narrowings(filters.node, clauses, filters.vocabulary, filters.zone)
    found.sort(key=lambda one: one.rank)
    choices = [(one.words, list_query(request, q=one.q), list_query(request, q=one.without)) for one in found]
    return render(request, "records/_cell_filters.html", {"choices": choices, "project": project})

"""The Records page: the list, and the count that follows it."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from evalhub.access import project_page
from evalhub.htmx import render_page, wants_fragment
from evalhub.models import Project, Role
from records.column_keys import split_keys
from records.columns import Column, chosen
from records.current import shown_scores
from records.filterbar import echo, facets
from records.filterlang import chips
from records.filters import RecordFilters
from records.ids import first_of
from records.layouts import columns_of, layout_of
from records.models import ColumnLayout, RecordRollup
from records.previews import Begun, previews
from records.saved_views import views_of
from records.search import DEFAULT, BadCursor, Page, SearchTimeout, count, page
from records.search.sorting import in_words
from records.tables import PREVIEW_CHARS, RecordTable, Row, awaited, record_table
from records.views.facets import menu
from records.views.links import list_query, list_url
from records.views.live import FIRST_SECONDS, cells_of, news_url
from records.views.record import drawer_url
from records.views.saved_views import number_of, tabs, url_of

COUNT_SECONDS = 1.0  # the count comes behind the rows, in a fragment of its own


@project_page("GET")
def record_list(request: HttpRequest, project: Project) -> HttpResponse:
    views = list(views_of(project, request.user))
    if not request.GET and not wants_fragment(request) and views and views[0].is_default:
        return redirect(url_of(request.path, views[0]))
    if set(request.GET) == {"view"}:  # a link to a view without what it asks for: all records would be a wider result
        view = get_object_or_404(views_of(project, request.user), pk=number_of(request.GET["view"]))
        if view.query:
            return redirect(url_of(request.path, view))
    filters = RecordFilters(request.GET, project, request.user)
    context = tabs(request, project, views)
    context |= {"project": project, "q": filters.text, "error": filters.error, "all_spans": filters.all_spans}
    context |= {"echo": SimpleLazyObject(lambda: echo(filters.text, filters.error))}
    if filters.error is not None:
        context |= {"title": "Records", "columns_given": "", "sort_given": "", "chips": [], "facets": []}
        return render_page(request, "records/list.html", "results", context, status=422)
    return render_page(request, "records/list.html", "results", context | list_context(request, filters))


def list_context(request: HttpRequest, filters: RecordFilters) -> dict[str, Any]:
    """What the rows need, and what is around them. Only the rows are searched for here."""
    project, after = filters.project, request.GET.get("after", "")
    metrics = filters.metrics
    layout = layout_of(project, request.user)
    columns = chosen(split_keys(request.GET.get("columns", "")), metrics) or columns_of(layout, metrics)
    asked_at = first_of(int(time.time() * 1000))
    found, problem = _found(filters, after, layout.rows)
    words = filters.words()
    return {
        "news": news_url(request, project, max([asked_at, *(row.id for row in found.rows)])),
        "news_wait": FIRST_SECONDS,
        "title": f"Records {words}".strip(),
        "words": words,
        "remarks": filters.remarks,
        "table": table_of(request, filters, found, columns, layout) if found.rows else None,
        "empty_template": "records/_nothing.html"
        if found.rows or words or after or has_records(project)
        else "records/_welcome.html",
        "may_make_keys": request.role >= Role.ADMIN,
        "origin": f"{request.scheme}://{request.get_host()}",
        "problem": problem,
        "chips": [
            {"words": chip.words, "without": list_query(request, q=chip.rest)}
            for chip in chips(filters.node, filters.zone)
        ],
        "facets": [menu(request, project, facet) for facet in facets(filters.search, metrics)],
        "here": list_query(request, after=after),
        "drawer_url": drawer_url(request, project),
        "after": after,
        "next": found.next,
        "first_label": "Newest" if filters.order == DEFAULT else "First page",
        "next_label": "Search further back"
        if found.searched_back_to
        else "Older"
        if filters.order == DEFAULT
        else "More",
        "searched_back": found.searched_back_to,
        "at_end": bool(found.rows) and not found.next,
        "columns_given": request.GET.get("columns", ""),
        "sort_given": request.GET.get("sort", ""),
        "by_given": request.GET.get("by", ""),
    }


def _found(filters: RecordFilters, after: str, rows: int) -> tuple[Page, str]:
    """The page's rows, or none and what the reader should know instead."""
    try:
        return page(filters.search, after, rows), ""
    except (SearchTimeout, BadCursor) as problem:
        return Page([]), str(problem)


def table_of(
    request: HttpRequest, filters: RecordFilters, found: Page, columns: list[Column], layout: ColumnLayout
) -> RecordTable:
    """Fetches just what the columns show: previews and scores take a query each, for this page's rows."""
    project, ids = filters.project, [row.id for row in found.rows]
    paths = [column.path for column in columns if column.path]
    begun = previews(project.id, ids, paths, PREVIEW_CHARS)
    current, newest = shown_scores(project.id, ids, [column.metric.id for column in columns if column.metric])
    base, listed = reverse("records:list", args=[project.slug]), list_query(request, columns="").rstrip("?")
    rows = [
        Row(
            record,
            f"{base}{record.id}/{listed}",
            begun.get(record.id, Begun()),
            current.get(record.id, {}),
            newest.get(record.id, {}),
        )
        for record in found.rows
    ]
    caption = in_words(filters.order, filters.vocabulary)
    table = record_table(rows, columns, filters.order, lambda sort: list_url(request, project, sort=sort), caption)
    table.awaited = cells_of(awaited(rows, columns))
    table.look = f"{layout.density} wrap" if layout.wrap else layout.density
    table.widths = {column.key: layout.widths[column.key] for column in columns if column.key in layout.widths}
    return table


def has_records(project: Project) -> bool:
    return RecordRollup.objects.filter(project=project, n__gt=0).exists()


@project_page("GET")
def record_count(request: HttpRequest, project: Project) -> HttpResponse:
    """How many there are, said beside the filter's words."""
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:
        return HttpResponse(status=422)
    try:
        found = count(filters.search, budget=COUNT_SECONDS, sample=True)
    except SearchTimeout:
        found = None
    return render(request, "records/_count.html", {"count": found, "all_spans": filters.all_spans})

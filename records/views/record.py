"""One record: as a page of its own, and as the same fragment in the drawer over the table."""

from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.contrib import messages as django_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import push_url, replace_url

from evalhub.access import project_page
from evalhub.api import to_json
from evalhub.htmx import toast, vary, wants_fragment
from evalhub.models import Project
from records.detail import SHOWN_CHARS, Detail, detail_of, record_of
from records.filters import RecordFilters
from records.json_tree import Link, part_link
from records.models import Record
from records.search import SearchTimeout, neighbour
from records.trace import judges_of, trace_of, usage_of
from records.views.record_scores import scores_context
from records.waterfall import kind_symbols, waterfall
from records.whole import whole

TABS = {"": "Overview", "values": "Inputs and outputs", "scores": "Scores", "raw": "Raw"}
LIST = ("q", "spans", "sort")  # which list the record was opened from: where previous and next go
FACTS = (
    ("source", "get_source_display"), ("scoring", "get_status_display"), ("sent by", "created_by"), ("kind", "kind"),
    ("provider", "provider"), ("prompt", "prompt"), ("prompt version", "prompt_version"), ("custom id", "custom_id"),
    ("case", "case_id"), ("trace", "trace_id"), ("span", "span_id"),
)  # fmt: skip


@never_cache
@project_page("GET")
def record_detail(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    return shown(request, project, found(project, id))


@never_cache
@project_page("GET")
def record_step(request: HttpRequest, project: Project, id: UUID, way: str) -> HttpResponse:
    """The next or the previous record of the list that this one was opened from; at its end a word, and this one."""
    record = found(project, id)
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:
        return _stay(request, project, record, f"The list's filter cannot be read: {filters.error.message}")
    try:
        beside = neighbour(filters.search, record, forward=way == "next")
    except SearchTimeout as problem:
        return _stay(request, project, record, str(problem))
    if beside is None:
        return _stay(
            request, project, record, f"This is the {'last' if way == 'next' else 'first'} record of the list."
        )
    if wants_fragment(request):
        return shown(request, project, found(project, beside.id))
    return redirect(f"{reverse('records:detail', args=[project.slug, beside.id])}{carried(request)}")


def _stay(request: HttpRequest, project: Project, record: Record, words: str) -> HttpResponse:
    if wants_fragment(request):
        return vary(toast(HttpResponse(status=204), words, "skipped"))
    django_messages.info(request, words)
    return redirect(f"{reverse('records:detail', args=[project.slug, record.id])}{carried(request)}")


def found(project: Project, id: UUID) -> Record:
    record = record_of(project.id, id)
    if record is None:
        raise Http404("No such record in this project.")
    return record


def shown(request: HttpRequest, project: Project, record: Record) -> HttpResponse:
    """The record in the tab that the URL names; in the drawer with the list's own URL, so that a reload reopens it."""
    fragment = wants_fragment(request)
    template = "records/_drawer.html" if fragment else "records/detail.html"
    response = vary(render(request, template, context_of(request, project, record) | {"drawer": fragment}))
    return _with_list_url(request, response, project, record) if fragment else response


def _with_list_url(request: HttpRequest, response: HttpResponse, project: Project, record: Record) -> HttpResponse:
    here = urlsplit(request.htmx.current_url_abs_path or "")
    base = reverse("records:list", args=[project.slug])
    if here.path != base:
        return response
    query = dict(parse_qsl(here.query))
    remember = replace_url if "open" in query else push_url
    query |= {"open": str(record.id), "tab": tab_of(request)}
    return remember(response, f"{base}?{urlencode({name: value for name, value in query.items() if value})}")


def drawer_url(request: HttpRequest, project: Project) -> str:
    """What the drawer of a list loads by itself, because the list's URL says that a record is open; else empty."""
    try:
        id = UUID(request.GET.get("open", ""))
    except ValueError:
        return ""
    return f"{reverse('records:detail', args=[project.slug, id])}{carried(request)}"


def tab_of(request: HttpRequest) -> str:
    tab = request.GET.get("tab", "")
    return tab if tab in TABS else ""


def carried(request: HttpRequest, **changed: str) -> str:
    """The query string of this record's links: the list that it was opened from, and the tab."""
    wanted = {name: request.GET.get(name, "") for name in LIST} | {"tab": tab_of(request)} | changed
    kept = {name: value for name, value in wanted.items() if value}
    return f"?{urlencode(kept)}" if kept else ""


def context_of(request: HttpRequest, project: Project, record: Record) -> dict[str, object]:
    tab = tab_of(request)
    tabs = [
        {"key": key, "label": label, "query": carried(request, tab=key) or "?", "on": key == tab}
        for key, label in TABS.items()
    ]
    context: dict[str, object] = {
        "project": project,
        "record": record,
        "tab": tab,
        "tabs": tabs,
        "query": carried(request),
        "list_query": carried(request, tab="") or "?",
        "root": None if record.is_root else root_of(record),
        "experiment_query": f"experiment = {quoted(record.experiment)}",
    }
    match tab:
        case "raw":
            return context | raw_context(record)
        case "values":
            return context | {"detail": detail_of(record, links_of(project, record))}
        case "scores":
            return context | scores_context(request, project, record, all_attempts=True)
        case _:
            return context | overview_context(request, project, record)


def overview_context(request: HttpRequest, project: Project, record: Record) -> dict[str, object]:
    trace = trace_of(record)
    context = {
        "detail": detail_of(record, links_of(project, record)),
        "trace": trace,
        "is_trace": trace is not None and trace.count > 1,
        "facts": facts_of(record),
        "usage": usage_of(record),
        "judges": judges_of(record),
    }
    if trace is not None:
        scale = {"half": trace.seconds / 2, "lines": waterfall(record, project.slug, trace)}
        context |= scale | {"kind_symbols": kind_symbols()}
    return context | scores_context(request, project, record)


def raw_context(record: Record) -> dict[str, object]:
    text = raw_json(record).decode()
    return {"raw": text[:SHOWN_CHARS], "raw_chars": len(text), "raw_cut": len(text) > SHOWN_CHARS}


def raw_json(record: Record) -> bytes:
    return to_json(whole(record), indented=True)


def links_of(project: Project, record: Record) -> dict[str, Link]:
    """By field, where the parts of a big value are fetched."""
    address = reverse("records:part", args=[project.slug, record.id])
    return {field: part_link(address, field) for field in ("inputs", "outputs", "expected")}


def span_detail(project: Project, record: Record) -> Detail:
    return detail_of(record, links_of(project, record))


def root_of(record: Record) -> UUID | None:
    """The record that carries the trace's roll-up: its earliest root."""
    return (
        Record.objects.filter(
            project_id=record.project_id, trace_id=record.trace_id, is_root=True, trace_spans__isnull=False
        )
        .exclude(trace_id="")
        .values_list("id", flat=True)
        .first()
    )


def facts_of(record: Record) -> list[tuple[str, object]]:
    """Columns that say something, then metrics and metadata as they were sent."""
    columns = []
    for name, attribute in FACTS:
        value = getattr(record, attribute)
        columns.append((name, value() if callable(value) else value))
    sent = [*sorted(record.metrics.items()), *sorted(record.metadata.items())]
    return [(name, value) for name, value in [*columns, *sent] if value not in ("", None)]


def quoted(text: str) -> str:
    """A value of the filter language, whatever is in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

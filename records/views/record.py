"""The page of one record, and the further spans of its trace."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from evalhub.access import project_page
from evalhub.htmx import vary, wants_fragment
from evalhub.models import Project
from records.detail import Detail, detail_of, judge_cost, record_of
from records.models import Record

FACTS = (
    ("source", "get_source_display"), ("scoring", "get_status_display"), ("sent by", "created_by"), ("kind", "kind"),
    ("provider", "provider"), ("prompt", "prompt"), ("prompt version", "prompt_version"), ("custom id", "custom_id"),
    ("case", "case_id"), ("trace", "trace_id"), ("span", "span_id"),
)  # fmt: skip


@never_cache
@project_page("GET")
def record_detail(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    detail = found(project, id)
    template = "records/_record.html" if wants_fragment(request) else "records/detail.html"
    return vary(render(request, template, context_of(project, detail)))


@project_page("GET")
def record_spans(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """The next lines of a waterfall, which take the place of the link that asked for them."""
    start = request.GET.get("spans_from", "")
    detail = found(project, id, int(start) if start.isdecimal() and len(start) < 8 else 0)
    return render(request, "records/_waterfall.html", context_of(project, detail))


def found(project: Project, id: UUID, first_span: int = 0) -> Detail:
    record = record_of(project.id, id)
    if record is None:
        raise Http404("No such record in this project.")
    return detail_of(record, first_span)


def context_of(project: Project, detail: Detail) -> dict[str, object]:
    record = detail.record
    return {
        "project": project,
        "record": record,
        "detail": detail,
        "facts": facts_of(record),
        "half": detail.seconds / 2,
        "judging": judge_cost(detail.scores),
        "root": None if record.is_root else root_of(record),
        "thread_query": f"thread = {quoted(record.thread)}",
        "experiment_query": f"experiment = {quoted(record.experiment)}",
    }


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

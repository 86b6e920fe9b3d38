"""The items of a dataset and the cases of a comparison as files: streams, whose size costs time and no memory."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from evalhub import audit
from evalhub.access import project_page
from evalhub.models import Project
from experiments.comparison import exporting as compared
from experiments.comparison.asked import BadComparison, asked_of
from experiments.comparison.reading import side_of
from experiments.datasets import exporting
from experiments.datasets.listing import items_of, revision_of
from experiments.views.datasets import asked_for, number_in
from experiments.views.finding import dataset_of
from records.export import begun

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@project_page("POST")
def dataset_export(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    """What the page shows: of `revision`, behind its search, which are in the address; `format` csv or jsonl."""
    found = dataset_of(project, dataset)
    kind = request.POST.get("format", "")
    if kind not in FORMATS:
        raise BadRequest("Choose csv or jsonl as the format.")
    number = number_in(request, "revision")
    revision_of(found, number)
    items = items_of(found, found.revision if number is None else number, asked_for(request))
    lines = begun(exporting.csv_lines(items) if kind == "csv" else exporting.jsonl(items))
    audit.note(project, request.user, "dataset.export", found.slug, format=kind, revision=number or found.revision)
    return sent(lines, f"{found.slug}-r{number or found.revision}.{kind}", kind)


@project_page("POST")
def compare_export(request: HttpRequest, project: Project) -> HttpResponse:
    """All cases of the experiments in the address; `format` csv or jsonl."""
    kind = request.POST.get("format", "")
    if kind not in FORMATS:
        raise BadRequest("Choose csv or jsonl as the format.")
    try:
        asked = asked_of(project, request.GET)
    except BadComparison as problem:
        raise BadRequest(str(problem)) from problem
    if not asked.others:
        raise BadRequest("Two experiments at least are compared.")
    lines = compared.lines_of(project.pk, [side_of(one) for one in asked.experiments], kind)
    audit.note(project, request.user, "comparison.export", asked.first.slug, format=kind, ids=asked.parameters["ids"])
    return sent(begun(lines), f"{asked.first.slug}-compared.{kind}", kind)


def sent(lines: object, name: str, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=FORMATS[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

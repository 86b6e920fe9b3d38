"""Records as a file: a stream, so that its size costs time and no memory."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from evalhub import audit
from evalhub.access import project_page
from evalhub.models import Project
from records import export
from records.search import SearchTimeout
from records.selection import SelectionProblem, read_selection
from records.views.bulk import refused

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
BATCH = 500


@project_page("POST")
def record_export(request: HttpRequest, project: Project) -> HttpResponse:
    kind = request.POST.get("format", "")
    if kind not in FORMATS:
        return refused("Choose CSV or JSONL.")
    try:
        selection = read_selection(request.POST, project, request.user)
        rows = export.rows(project, selection.rows(BATCH))
        lines = export.csv_lines(project, rows) if kind == "csv" else export.jsonl(rows)
        lines = export.begun(lines)  # what cannot be searched for is told before the file begins
    except (SelectionProblem, SearchTimeout) as problem:
        return refused(str(problem))
    audit.note(project, request.user, "records.export", selection.words(), format=kind, filter=selection.text)
    response = StreamingHttpResponse(lines, content_type=FORMATS[kind])
    name = f"{project.slug}-records-{timezone.localdate():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response

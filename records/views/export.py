"""Records as a file: a stream, so that its size costs time and no memory."""

import logging
from collections.abc import Iterator
from itertools import chain

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from evalhub import audit
from evalhub.access import project_page
from evalhub.models import Project
from records import export
from records.search import SearchTimeout
from records.selection import SelectionProblem, read_selection
from records.views.bulk import refused

log = logging.getLogger(__name__)

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
        begun = list(_first(lines))  # what cannot be searched for is told before the file begins
    except (SelectionProblem, SearchTimeout) as problem:
        return refused(str(problem))
    audit.note(project, request.user, "records.export", selection.words(), format=kind, filter=selection.text)
    response = StreamingHttpResponse(chain(begun, _told(lines)), content_type=FORMATS[kind])
    name = f"{project.slug}-records-{timezone.localdate():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def _first(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The heading and the first record, as far as there are any."""
    for _ in range(2):
        line = next(lines, None)
        if line is not None:
            yield line


def _told(lines: Iterator[bytes]) -> Iterator[bytes]:
    """A file that ends early must not look whole, and a server that fails in a stream ends it as if it were.

    So the last line says it, and reads as no record in either format.
    """
    try:
        yield from lines
    except Exception as problem:
        log.exception("An export broke off.")
        why = str(problem) if isinstance(problem, SearchTimeout) else "The server failed."
        yield f"# The export broke off here, records are missing. {why}\n".encode()

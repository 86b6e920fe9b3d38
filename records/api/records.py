"""Calls on records: in, found, out, changed, deleted."""

from datetime import UTC
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from ninja import Query, Router

from evalhub import audit
from evalhub.api import KeyAuth, Problem, answer, read_json
from evalhub.models import Project, Scope
from records import export
from records.api.finding import found_record
from records.api.schemas import (
    Histogram,
    Posted,
    RecordChange,
    RecordDetail,
    RecordIn,
    RecordList,
    one_or_many,
)
from records.deletion import delete_records
from records.drafts import Sender
from records.filterlang import parse
from records.history import history
from records.intake import Intake, TooMany, change, take
from records.json_drafts import BadRecord
from records.json_records import record_json
from records.limits import MAX_ITEMS
from records.models import Metric
from records.previews import PAYLOAD, Begun, previews
from records.search import SORTS, Search, batches, ceiling_of, page, sorts_of
from records.stacks import stacks
from records.vocabulary import vocabulary_of
from records.whole import whole

router = Router(tags=["records"])

PREVIEW_CHARS = 1_000
SORT_SAID = f"{', '.join(SORTS)}, or metric.<slug> of a metric whose values are numbers or yes and no"


@router.post("", response={200: Posted}, auth=KeyAuth(Scope.INGEST), openapi_extra=one_or_many(RecordIn, "records"))
def record_create(request: HttpRequest) -> HttpResponse:
    """One record, a list of up to 1,000, or `{"records": [...]}`, each with its nested spans and its scores.

    Records are accepted or refused one by one; all that were accepted are stored when the answer comes. With an `id` of
    yours a repeat changes nothing, and a later piece of the same record is merged into it: arrays and values replace,
    objects merge. A score with an `id` of yours is stored once; without one it is a repeat where you have said the same
    of that record and metric and nothing else since. Fields that this list does not name are kept in `metadata`. 400 if
    nothing was accepted.
    """
    body = read_json(request, refuse_nul=False)
    many, items, prefix = True, body, ""
    if isinstance(body, dict):
        if isinstance(body.get("records"), list) and len(body) == 1:
            items, prefix = body["records"], "records."
        else:
            many, items = False, [body]
    if not isinstance(items, list):
        raise Problem(400, "invalid", "Send a record, a list of records, or an object with the list as `records`.")
    if len(items) > MAX_ITEMS:
        raise Problem(413, "too_large", f"{len(items):,} records in one call: at most {MAX_ITEMS:,}.")
    try:
        intake = take(request.project, items, Sender(request.api_key.name, timezone.now()))
    except TooMany as error:
        raise Problem(413, "too_large", str(error)) from None
    if intake.refused and not intake.accepted:
        raise _nothing_accepted(intake, prefix if many else None)
    return answer(_posted(intake))


def _posted(intake: Intake) -> dict[str, Any]:
    return {
        "accepted": [
            {"index": a.index, "id": a.id, "external_id": a.external_id, "spans": a.spans} for a in intake.accepted
        ],
        "refused": [
            {"index": index, "fields": [{"path": where, "message": what} for where, what in problems]}
            for index, problems in sorted(intake.refused.items())
        ],
        "created": intake.created,
        "updated": intake.updated,
    }


def _nothing_accepted(intake: Intake, prefix: str | None) -> Problem:
    fields = [
        (where if prefix is None else f"{prefix}{index}.{where}".rstrip("."), what)
        for index, problems in sorted(intake.refused.items())
        for where, what in problems
    ]
    where, what = fields[0]
    message = f"{where}: {what}" if where else what
    return Problem(400, "invalid", message if prefix is None else f"No record was accepted. {message}", fields)


@router.get("", response={200: RecordList}, auth=KeyAuth(Scope.READ))
def record_list(
    request: HttpRequest,
    q: str = Query("", description="A filter, in the language of the Records page."),
    limit: int = Query(50, ge=1, le=200),
    cursor: str = "",
    roots: bool = Query(True, description="Only roots; false: all spans."),
    sort: str = Query("-created", description=f"{SORT_SAID}; a `-` before it sorts from the highest down."),
) -> HttpResponse | StreamingHttpResponse:
    """Records that match, with previews of their inputs and outputs; `/records/{id}` has a record whole.

    `next_cursor` goes on where this page ends, whatever arrives in between. A search that ran out of time says how far
    back it came in `searched_back_to`, and `next_cursor` continues it. With `Accept: text/csv` or
    `application/x-ndjson` everything that matches is streamed, whole and newest first.
    """
    search = search_of(request.project, q, roots, sort)
    if sort.removeprefix("-") not in sorts_of(search.vocabulary):
        raise Problem(400, "invalid", f"sort: expected {SORT_SAID}.", [("sort", f"expected {SORT_SAID}.")])
    stream = _stream(request, search)
    if stream is not None:
        return stream
    found = page(search, cursor, limit)
    ids = [row.id for row in found.rows]
    begun = previews(request.project.id, ids, [(name,) for name in PAYLOAD], PREVIEW_CHARS + 1)
    items = []
    for row in found.rows:
        values = begun.get(row.id, Begun())
        shown = {name: _preview(values.get((name,))) for name in PAYLOAD}
        items.append(record_json(row) | shown | {"payload_expired": values.expired})
    back_to = found.searched_back_to
    return answer({"items": items, "next_cursor": found.next or None, "searched_back_to": back_to})


def search_of(project: Project, q: str, roots: bool = True, sort: str = "-created") -> Search:
    """Ages count back from now, dates without a zone are UTC. Raises FilterError."""
    vocabulary = vocabulary_of(project)
    return Search(project.id, parse(q, vocabulary), vocabulary, timezone.now(), UTC, roots=roots, sort=sort)


def _preview(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    return {"preview": text[:PREVIEW_CHARS], "truncated": len(text) > PREVIEW_CHARS}


def _stream(request: HttpRequest, search: Search) -> StreamingHttpResponse | None:
    """The whole of what matches, where the client asks for lines or a table; None for a page as JSON."""
    kind = request.get_preferred_type(["application/json", "text/csv", "application/x-ndjson", "application/jsonl"])
    if kind in (None, "application/json"):
        return None
    found = export.rows(request.project, batches(search, ceiling_of()))
    lines = export.csv_lines(request.project, found) if kind == "text/csv" else export.jsonl(found)
    # Begun here, so that a filter that cannot run is refused and not cut off.
    response = StreamingHttpResponse(export.begun(lines), content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="{request.project.slug}.{"csv" if kind == "text/csv" else "jsonl"}"'
    )
    return response


@router.get("/histogram", response={200: Histogram}, auth=KeyAuth(Scope.READ))
def record_histogram(
    request: HttpRequest,
    q: str = Query("", description="A filter, in the language of the Records page."),
    roots: bool = Query(True, description="Only roots; false: all spans."),
    by: str = Query("status", description="status, source, or metric.<slug>: of its scores, pass or fail."),
) -> HttpResponse:
    """How many records there are over time, as the chart above the Records page has them; the bars are as wide as the
    time is long."""
    known = stacks(Metric.objects.filter(project=request.project, archived_at=None))
    stack = next((stack for stack in known if stack.key == by), None)
    if stack is None:
        message = f"expected {', '.join(stack.key for stack in known)}."
        raise Problem(400, "invalid", f"by: {message}", [("by", message)])
    found = history(search_of(request.project, q, roots), stack)
    items = [{"start": bucket.start, "counts": bucket.counts} for bucket in found.buckets]
    return answer({"items": items, "seconds": found.seconds, "about": found.about, "counted_from": found.counted_from})


@router.get("/{path:id}", response={200: RecordDetail}, auth=KeyAuth(Scope.READ))
def record_get(request: HttpRequest, id: str) -> HttpResponse:
    """One record whole, by its id or by the one it was sent with (which may hold slashes): values, scores with their
    history, and the spans of its trace, evaluators among them (`evaluator.<slug>`)."""
    return answer(whole(found_record(request.project, id)))


@router.patch(
    "/{path:id}",
    response={200: RecordDetail},
    auth=KeyAuth(Scope.WRITE),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": RecordChange.json_schema()}}}},
)
def record_change(request: HttpRequest, id: str) -> HttpResponse:
    """Changes what the body names: values and arrays (`tags`) replace, `metadata` and `metrics` merge key by key.

    What a record is known by (ids, trace, created_at, source) stays; scores have calls of their own.
    """
    record = found_record(request.project, id)
    try:
        change(request.project, record, read_json(request), Sender(request.api_key.name, timezone.now()))
    except BadRecord as bad:
        raise Problem(400, "invalid", str(bad), bad.problems) from None
    return answer(whole(found_record(request.project, str(record.id))))


@router.delete("/{path:id}", response={204: None}, auth=KeyAuth(Scope.ADMIN))
def record_delete(request: HttpRequest, id: str) -> HttpResponse:
    """Deletes the record and its scores for good. Spans below it stay, and become roots."""
    record = found_record(request.project, id)
    delete_records(request.project.id, [record.id])
    audit.note(request.project, f"key {request.api_key.name}", "record.delete", record.id, name=record.name)
    return HttpResponse(status=204)

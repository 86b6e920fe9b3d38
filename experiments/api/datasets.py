"""Calls on datasets, by slug: CRUD, revisions, and whole files in and out."""

from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router

from evalhub import audit
from evalhub.api import KeyAuth, Problem, answer
from evalhub.body import MAX_BODY_BYTES, read_body
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from evalhub.openapi import CONFLICT
from experiments.api.finding import actor, changeable, dataset_named
from experiments.api.items import put
from experiments.api.listing import bounded, changed_last
from experiments.api.schemas import (
    DatasetChange,
    DatasetIn,
    DatasetList,
    DatasetOut,
    ImportOut,
    RevisionList,
)
from experiments.datasets import exporting, importing, making, uploads
from experiments.datasets.columns import mapping_problem
from experiments.datasets.listing import ItemFilter, items_of, revision_of
from experiments.models import Dataset, DatasetImport, DatasetRevision
from records.api.cursors import read_cursor, write_cursor
from records.export import begun

router = Router(tags=["datasets"])
FILE_NAMES = {"text/csv": "file.csv", "application/json": "file.json", "application/x-ndjson": "file.jsonl"}
FILES = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "id,question,expected\nq1,Where is it?,On its way."},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


def dataset_json(dataset: Dataset, newest: DatasetRevision | None = None) -> dict[str, Any]:
    names = ("slug", "name", "description", "inputs_schema", "revision", "created_by", "created_at", "changed_at")
    return {name: getattr(dataset, name) for name in names} | {
        "items": dataset.size, "splits": newest.splits if newest else {}, "archived": dataset.archived_at is not None,
    }  # fmt: skip


def whole(dataset: Dataset) -> dict[str, Any]:
    return dataset_json(dataset, revision_of(dataset, None))


@router.get("", response={200: DatasetList}, auth=KeyAuth(Scope.READ))
def dataset_list(request: HttpRequest, archived: bool = False, limit: int = 50, cursor: str = "") -> HttpResponse:
    """The last changed first; with `archived=true` those put away too."""
    there = Dataset.objects.filter(project=request.project)
    rows, after = changed_last(there if archived else there.filter(archived_at=None), limit, cursor)
    revisions = DatasetRevision.objects.filter(
        project=request.project, dataset__in=rows, number=F("dataset__revision")
    )  # fmt: skip
    newest = {revision.dataset_id: revision for revision in revisions}
    return answer({"items": [dataset_json(row, newest.get(row.pk)) for row in rows], "next_cursor": after})


@router.post("", response={201: DatasetOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def dataset_create(request: HttpRequest, body: DatasetIn) -> HttpResponse:
    """A new dataset. Where one of its `items` is refused, nothing is made."""
    fields = {"name": body.name, "slug": body.slug, "description": body.description or ""}
    taken = Problem(409, "conflict", "The project has a dataset of this slug already.", [("slug", "Is taken.")])
    if body.slug and Dataset.objects.filter(project=request.project, slug=body.slug).exists():
        raise taken
    try:
        with transaction.atomic():
            dataset = making.create_dataset(
                request.project, actor(request), inputs_schema=body.inputs_schema, **fields
            )  # fmt: skip
            if body.items:
                put(dataset, actor(request), body.items, all_or_none=True, prefix="items.")
    except IntegrityError:  # somebody else was faster
        raise taken from None
    return answer(whole(dataset), 201)


@router.get("/{slug}", response={200: DatasetOut}, auth=KeyAuth(Scope.READ))
def dataset_get(request: HttpRequest, slug: str) -> HttpResponse:
    """One dataset, with the splits of its newest revision."""
    return answer(whole(dataset_named(request, slug)))


@router.patch("/{slug}", response={200: DatasetOut}, auth=KeyAuth(Scope.WRITE))
def dataset_change(request: HttpRequest, slug: str, body: DatasetChange) -> HttpResponse:
    """Changes what is named in the body. A new schema holds for what is put in from then on."""
    dataset = dataset_named(request, slug)
    said = body.dict(exclude_unset=True)
    details = {name: value for name, value in said.items() if value is not None or name == "inputs_schema"}
    making.change_dataset(dataset, actor(request), **details)
    return answer(whole(dataset))


@router.delete("/{slug}", response={200: DatasetOut}, auth=KeyAuth(Scope.WRITE))
def dataset_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Puts it away: its items and what ran on them stay."""
    dataset = dataset_named(request, slug)
    making.archive_dataset(dataset, actor(request))
    return answer(whole(dataset))


@router.post("/{slug}/restore", response={200: DatasetOut}, auth=KeyAuth(Scope.WRITE))
def dataset_restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a dataset that was put away into use again."""
    dataset = dataset_named(request, slug)
    making.restore_dataset(dataset, actor(request))
    return answer(whole(dataset))


@router.get("/{slug}/revisions", response={200: RevisionList}, auth=KeyAuth(Scope.READ))
def revision_list(request: HttpRequest, slug: str, limit: int = 50, cursor: str = "") -> HttpResponse:
    """Newest first, each with what it changed."""
    size, revisions = bounded(limit), dataset_named(request, slug).revisions.all()
    if cursor:
        revisions = revisions.filter(number__lt=read_cursor(cursor, int)[0])
    rows = list(revisions[: size + 1])
    names = ("number", "words", "added", "changed", "removed", "splits", "created_by", "created_at")
    items = [{name: getattr(row, name) for name in names} | {"items": row.size} for row in rows[:size]]
    return answer({"items": items, "next_cursor": write_cursor(rows[size - 1].number) if len(rows) > size else None})


@router.get("/{slug}/export", auth=KeyAuth(Scope.READ), response={200: None})
def dataset_export(
    request: HttpRequest, slug: str, format: str = "jsonl", revision: int | None = None, q: str = "", split: str = "",
    tag: str = "",
) -> StreamingHttpResponse:  # fmt: skip
    """All items of a revision as `format` jsonl or csv; an import reads both back."""
    dataset = dataset_named(request, slug)
    if format not in ("jsonl", "csv"):
        raise Problem(400, "invalid", "format: jsonl or csv.", [("format", "jsonl or csv.")])
    at = revision_of(dataset, revision)
    items = items_of(dataset, at.number if at else None, ItemFilter(q, split, tag))
    lines = begun(exporting.csv_lines(items) if format == "csv" else exporting.jsonl(items))
    number = at.number if at else 0
    audit.note(request.project, actor(request), "dataset.export", slug, format=format, revision=number)
    kind = "text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson"
    return StreamingHttpResponse(lines, content_type=kind)


@router.post(
    "/{slug}/import", response={202: ImportOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE), openapi_extra=FILES
)  # fmt: skip
def dataset_import(
    request: HttpRequest, slug: str, name: str = "", mapping: str = "", all_or_none: bool = False
) -> HttpResponse:
    """The body is the file, CSV, JSON or JSON lines, at most 20 MB. `mapping` is a JSON object, {column: place}, places
    as `inputs.question`, `expected`, `id`; columns are guessed by name where it is not given. Rows are imported in one
    revision; `GET .../imports/{id}` tells how far it is."""
    dataset = changeable(request, slug)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body = read_body(request, MAX_BODY_BYTES)
    said = _mapping(mapping)
    with transaction.atomic():  # nothing is kept of a file that is refused for its mapping
        upload = uploads.keep(dataset, actor(request), name or FILE_NAMES.get(kind, "file"), [body])
        columns = dict(upload.mapping)
        if unknown := set(said or {}) - set(columns):
            message = f"The file has no column {min(unknown)!r}; it has {', '.join(columns)}."
            raise Problem(400, "invalid", message, [("mapping", message)])
        places = dict.fromkeys(columns, "") | said if said is not None else columns
        if message := mapping_problem(places):
            raise Problem(400, "invalid", f"mapping: {message}", [("mapping", message)])
    importing.start_file(upload, places, all_or_none)
    return answer(import_json(upload), 202)


@router.get("/{slug}/imports/{int:number}", response={200: ImportOut}, auth=KeyAuth(Scope.READ))
def import_get(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """How far an import is, and which rows it refused."""
    asked = DatasetImport.objects.filter(
        project=request.project, dataset=dataset_named(request, slug), pk=number
    ).first()
    if asked is None:
        raise Http404("The dataset has no such import.")
    return answer(import_json(asked))


def import_json(asked: DatasetImport) -> dict[str, Any]:
    names = ("id", "state", "added", "changed", "same", "refused", "revision", "error")
    return {name: getattr(asked, name) for name in names} | {
        "file": asked.words, "mapping": dict(asked.mapping), "rows": asked.total, "checked": asked.done,
        "problems": [{"row": number, "id": None, "error": why} for number, why in asked.problems],
    }  # fmt: skip


def _mapping(text: str) -> dict[str, str] | None:
    if not text:
        return None
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(place, str) for place in read.values()):
        message = 'A JSON object, such as {"question": "inputs.question"}.'
        raise Problem(400, "invalid", f"mapping: {message}", [("mapping", message)])
    return read

"""Imports into a dataset: a file is uploaded, its columns mapped with the first rows in sight, then it is watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from evalhub import htmx
from evalhub.access import project_page
from evalhub.health import workers_of
from evalhub.models import Project, Role
from experiments.datasets import importing, uploads
from experiments.datasets.columns import HEADS, draft_of, mapping_problem
from experiments.datasets.drafts import BadItem, Draft, check_inputs
from experiments.datasets.files import BadFile, Line
from experiments.datasets.listing import items_of
from experiments.datasets.previews import cut, said
from experiments.forms import UploadForm, explain
from experiments.models import Dataset, DatasetImport, ImportState
from experiments.views.finding import dataset_of, open_dataset

STOP_POLLING = 286
PREVIEWED = 8  # rows
PARTS = {"": "left out", "id": "id", "split": "split", "tags": "tags"} | {
    name: text for head in HEADS for name, text in ((head, f"all of {head}"), (f"{head}.", f"{head}, under the key"))
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: what its first value is, and to which part and key it is mapped."""

    name: str
    sample: str
    part: str
    key: str


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row as the item that it would be, or why it is none. `known`: it changes an item that is there."""

    number: int
    draft: Draft | None
    problem: str
    known: bool = False

    @property
    def fields(self) -> dict[str, str]:
        return {name: cut(said(value)) for name, value in self.draft.fields.items()} if self.draft else {}


@project_page("GET", "POST", role=Role.EDITOR)
def import_new(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    found = open_dataset(project, dataset)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            upload = uploads.keep(found, request.user, file.name, file.chunks())
            return redirect("experiments:import", project.slug, found.slug, upload.pk)
        except ValidationError as problem:
            explain(form, problem)
    context = {"dataset": found, "form": form}
    return render(request, "experiments/import_new.html", context, status=422 if form.errors else 200)


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def import_page(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    """Before it begins its mapping, which POST settles; after that its progress and what came of it."""
    found = open_dataset(project, dataset) if request.method == "POST" else dataset_of(project, dataset)
    asked = _found(found, key)
    problem = ""
    if request.method == "POST":
        try:
            importing.start_file(asked, read_mapping(request.POST, asked), whole=bool(request.POST.get("whole")))
            return redirect("experiments:import", project.slug, found.slug, asked.pk)
        except ValidationError as error:
            problem = " ".join(error.messages)
    if asked.state != ImportState.UPLOADED:
        return render(request, "experiments/import.html", _progress(found, asked))
    mapping = read_mapping(request.POST, asked) if problem else dict(asked.mapping)
    context = _mapped(found, asked, mapping) | {"whole": bool(request.POST.get("whole"))}
    return render(request, "experiments/import_map.html", context, status=422 if problem else 200)


@never_cache
@project_page("POST", role=Role.EDITOR)
def import_preview(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    """The first rows under the form's mapping. Stores nothing; a POST, since many columns do not fit an address."""
    found = dataset_of(project, dataset)
    asked = _found(found, key)
    if asked.state != ImportState.UPLOADED:
        return HttpResponseClientRedirect(reverse("experiments:import", args=[project.slug, found.slug, asked.pk]))
    return render(request, "experiments/_import_preview.html", _mapped(found, asked, read_mapping(request.POST, asked)))


@never_cache
@project_page("GET", role=Role.EDITOR)
def import_progress(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    """The part that changes while it is at work; 286 tells HTMX to ask no more."""
    found = dataset_of(project, dataset)
    asked = _found(found, key)
    response = render(request, "experiments/_import_progress.html", _progress(found, asked))
    if asked.is_over:
        response.status_code = STOP_POLLING
    return response


@project_page("POST", role=Role.EDITOR)
def import_cancel(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    found = dataset_of(project, dataset)
    asked = _found(found, key)
    if importing.cancel(asked):
        messages.success(request, "The import is cancelled; nothing of it was stored.")
    if htmx.wants_fragment(request):
        return render(request, "experiments/_import_progress.html", _progress(found, asked))
    return redirect("experiments:dataset", project.slug, found.slug)


def read_mapping(data: QueryDict, asked: DatasetImport) -> dict[str, str]:
    """The form has a part and a key for each column, by the column's number."""
    mapping = {}
    for number, column in enumerate(dict(asked.mapping)):
        part = data.get(f"part-{number}", "")
        mapping[column] = part + data.get(f"key-{number}", "").strip() if part.endswith(".") else part
    return mapping


def _mapped(dataset: Dataset, asked: DatasetImport, mapping: Mapping[str, str]) -> dict[str, Any]:
    problem = mapping_problem(mapping)
    try:
        rows = uploads.beginning(asked)
    except BadFile as error:
        rows, problem = [], str(error)
    samples = uploads.samples_of(rows)
    return {
        "dataset": dataset, "asked": asked, "problem": problem, "parts": PARTS.items(),
        "columns": [_column(name, place, samples) for name, place in mapping.items()],
        "preview": [] if problem else _preview(dataset, rows[:PREVIEWED], mapping),
        "at_least": len(rows), "known": "id" in mapping.values(),
    }  # fmt: skip


def _column(name: str, place: str, samples: Mapping[str, object]) -> Column:
    head, dot, key = place.partition(".")
    return Column(name, cut(said(samples.get(name)), 120), head + dot, key or name.replace(".", "_"))


def _preview(dataset: Dataset, rows: list[Line], mapping: Mapping[str, str]) -> list[PreviewRow]:
    read: list[tuple[int, Draft | BadItem]] = []
    for number, row in rows:
        try:
            read.append((number, row if isinstance(row, BadItem) else draft_of(row, mapping)))
        except BadItem as problem:
            read.append((number, problem))
    ids = [draft.case_id for _, draft in read if isinstance(draft, Draft) and draft.case_id]
    known = set(items_of(dataset).filter(case_id__in=ids).values_list("case_id", flat=True))
    return [_preview_row(dataset, number, draft, known) for number, draft in read]


def _preview_row(dataset: Dataset, number: int, draft: Draft | BadItem, known: set[str]) -> PreviewRow:
    if isinstance(draft, BadItem):
        return PreviewRow(number, None, str(draft))
    there = draft.case_id in known
    try:
        if "inputs" in draft.fields:
            check_inputs(dataset.inputs_schema, draft.fields["inputs"])
        elif not there:
            raise BadItem([("inputs", "Is missing.")])
    except BadItem as problem:
        return PreviewRow(number, draft, str(problem), there)
    return PreviewRow(number, draft, "", there)


def _progress(dataset: Dataset, asked: DatasetImport) -> dict[str, Any]:
    waits = not asked.is_over and asked.beat_at is None
    workers = workers_of(importing.QUEUE) if waits else 1
    waiting = ""
    if waits:
        waiting = "Waiting for a worker." if workers else "Waiting: no worker is running. It begins when one does."
        if workers is None:
            waiting = "Waiting: the queue (Redis) does not answer. It begins when it does."
    seconds = (timezone.now() - asked.started_at).total_seconds() if asked.started_at else 0
    return {
        "dataset": dataset, "asked": asked, "waiting": waiting, "percent": round(100 * asked.part, 1),
        "pace": f"{asked.done / seconds:,.0f} rows/s" if seconds > 2 and asked.done and not asked.is_over else "",
        "address": reverse("experiments:dataset", args=[dataset.project.slug, dataset.slug]),
        "untold": max(0, asked.refused - len(asked.problems)),
    }  # fmt: skip


def _found(dataset: Dataset, key: int) -> DatasetImport:
    found = get_object_or_404(DatasetImport, project_id=dataset.project_id, dataset=dataset, pk=key)
    found.dataset, found.project = dataset, dataset.project
    return found

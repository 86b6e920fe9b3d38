"""The items of a dataset: one with its history; added, edited in place and deleted, each of which is a new revision."""

from typing import Any

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import trigger_client_event

from evalhub import htmx
from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.datasets import revisions
from experiments.datasets.listing import items_of
from experiments.datasets.previews import previewed
from experiments.datasets.revisions import Change, DatasetFull
from experiments.forms import ItemForm
from experiments.models import Dataset, DatasetItem
from experiments.views.finding import dataset_of, item_of, open_dataset
from records.detail import Value
from records.json_tree import Link, json_tree, part_link

VALUES = ("inputs", "expected", "metadata")
CHANGED = "dataset-changed"  # the head of the page listens


@never_cache
@project_page("GET")
def item(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    """An item whole, and how its case was in other revisions; for HTMX its row of the table."""
    found = dataset_of(project, dataset)
    row = item_of(found, key)
    if htmx.wants_fragment(request):
        return _row(request, found, row)
    history = DatasetItem.objects.filter(project=project, dataset=found, case_id=row.case_id)
    context = {
        "dataset": found, "item": row, "values": _values(request, row), "may_change": _may_change(request, found, row),
        "history": list(history.order_by("-first_revision").defer("inputs", "expected")[:50]),
    }  # fmt: skip
    return htmx.vary(render(request, "experiments/item.html", context))


@never_cache
@project_page("GET")
def item_part(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    """Part of a value as items of its tree: what lies at `path` (JSON) of `of`, from its `from`-th part on."""
    row = item_of(dataset_of(project, dataset), key)
    field, start = request.GET.get("of", ""), request.GET.get("from", "0")
    if field not in VALUES or not (start.isascii() and start.isdecimal() and len(start) < 10):
        raise Http404("No such part.")
    try:
        path = orjson.loads(request.GET.get("path", ""))
        value = getattr(row, field)
        for step in path:
            value = value[step]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        raise Http404("No such part.") from None
    return HttpResponse(json_tree(value, _link(request, row, field), path, int(start)))


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def item_new(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    found = open_dataset(project, dataset)
    form = ItemForm(request.POST if request.method == "POST" else None)
    draft = form.draft() if request.method == "POST" else None
    if draft and draft.case_id and items_of(found).filter(case_id=draft.case_id).exists():
        form.add_error("case_id", "There is an item of this id: edit that one.")
        draft = None
    change = _saved(found, request, form, draft, "Added by hand") if draft else None
    if change is None:
        return _form(request, found, None, form)
    return _done(request, found, change)


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def item_edit(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    """Where the case was changed since the form was opened, the form says so and keeps what was written."""
    found = open_dataset(project, dataset)
    row = item_of(found, key)
    if request.method == "GET":
        return _form(request, found, row, ItemForm(item=row))
    form = ItemForm(request.POST, item=row)
    draft = form.draft(row.case_id)
    if draft and row.last_revision is not None:
        now = items_of(found).filter(case_id=row.case_id).first()
        if now is None:
            form.add_error(None, f"The item was deleted in revision {row.last_revision + 1}; saving adds it again.")
        else:
            form.add_error(None, f"{now.created_by} changed this item in revision {now.first_revision}, meanwhile. "
                                 "Saving again overwrites that.")  # fmt: skip
        if request.POST.get("over") != str(now.pk if now else 0):
            return _form(request, found, row, form, over=now.pk if now else 0)
        form = ItemForm(request.POST, item=row)
        draft = form.draft(row.case_id)
    change = _saved(found, request, form, draft, f"Edited {row.case_id}") if draft else None
    if change is None:
        return _form(request, found, row, form)
    return _done(request, found, change)


@project_page("POST", role=Role.EDITOR)
def item_delete(request: HttpRequest, project: Project, dataset: str, key: int) -> HttpResponse:
    found = open_dataset(project, dataset)
    row = item_of(found, key)
    change = revisions.remove_items(found, request.user, [row.case_id], f"Deleted {row.case_id}")
    words = f"Deleted {row.case_id}: revision {found.revision}." if change.any else "It was deleted already."
    if not htmx.wants_fragment(request):
        messages.success(request, words)
        return redirect("experiments:dataset", project.slug, found.slug)
    return trigger_client_event(htmx.toast(HttpResponse(), words), CHANGED, {})


def _saved(dataset: Dataset, request: HttpRequest, form: ItemForm, draft: Any, words: str) -> Change | None:
    """None with errors at the form's fields."""
    try:
        change = revisions.put_items(dataset, request.user, [(1, draft)], words)
    except DatasetFull as problem:
        form.add_error(None, str(problem))
        return None
    for _, problem in change.refused:
        form.explain(problem)
    return None if change.refused else change


def _done(request: HttpRequest, dataset: Dataset, change: Change) -> HttpResponse:
    """The item's row again, which takes the focus."""
    words = f"Saved: revision {dataset.revision}." if change.any else "Nothing was to change."
    if not htmx.wants_fragment(request):
        messages.success(request, words)
        return redirect("experiments:dataset", request.project.slug, dataset.slug)
    row = items_of(dataset).get(case_id=change.taken[1])
    return trigger_client_event(htmx.toast(_row(request, dataset, row, focus=True), words), CHANGED, {})


def _row(request: HttpRequest, dataset: Dataset, row: DatasetItem, focus: bool = False) -> HttpResponse:
    read = previewed(DatasetItem.objects.filter(project_id=dataset.project_id, pk=row.pk)).get()
    context = {"dataset": dataset, "item": read, "may_change": _may_change(request, dataset, row), "focus": focus}
    return htmx.vary(render(request, "experiments/_item.html", context))


def _form(
    request: HttpRequest, dataset: Dataset, row: DatasetItem | None, form: ItemForm, over: int | None = None
) -> HttpResponse:
    newest = dataset.revisions.first()
    action = (
        reverse("experiments:item-edit", args=[request.project.slug, dataset.slug, row.pk])
        if row
        else reverse("experiments:item-new", args=[request.project.slug, dataset.slug])
    )
    context = {
        "dataset": dataset, "item": row, "form": form, "over": over, "action": action,
        "splits": sorted(name for name in newest.splits if name) if newest else [],
    }  # fmt: skip
    template = "experiments/_item_form.html" if htmx.wants_fragment(request) else "experiments/item_edit.html"
    return htmx.vary(render(request, template, context, status=422 if form.errors else 200))


def _values(request: HttpRequest, row: DatasetItem) -> dict[str, Value]:
    return {field: Value.of(field, getattr(row, field) or None, _link(request, row, field)) for field in VALUES}


def _link(request: HttpRequest, row: DatasetItem, field: str) -> Link:
    address = reverse("experiments:item-part", args=[request.project.slug, row.dataset.slug, row.pk])
    return part_link(address, field)


def _may_change(request: HttpRequest, dataset: Dataset, row: DatasetItem) -> bool:
    return request.role >= Role.EDITOR and dataset.archived_at is None and row.last_revision is None

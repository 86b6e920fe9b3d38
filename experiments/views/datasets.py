"""Datasets: the list, one dataset with its items, what it is called and what its inputs must be."""

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.cache import never_cache

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.datasets import listing, making, uploads
from experiments.datasets.listing import ItemFilter
from experiments.datasets.previews import previewed
from experiments.forms import DatasetForm, explain
from experiments.models import IMPORTING, Dataset, ImportState
from experiments.tables import DatasetTable
from experiments.views.finding import dataset_of

REVISIONS_OFFERED = 100  # in the chooser; the page of revisions has all
TAGS_OFFERED = 200
OPEN = (ImportState.UPLOADED, *IMPORTING)


@never_cache
@project_page("GET")
def dataset_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those at work, the last changed first; with `?archived=1` those put away."""
    archived, after = request.GET.get("archived") == "1", request.GET.get("after", "")
    there = Dataset.objects.filter(project=project)
    found, older = paging.page(there.filter(archived_at__isnull=not archived), "changed_at", after)
    context = {
        "table": DatasetTable(found, request=request) if found else None, "older": older, "first_page": not after,
        "archived": archived, "n_archived": there.filter(archived_at__isnull=False).count(),
        "may_edit": request.role >= Role.EDITOR,
    }  # fmt: skip
    return htmx.render_page(request, "experiments/datasets.html", "datasets", context)


@project_page("GET", "POST", role=Role.EDITOR)
def dataset_new(request: HttpRequest, project: Project) -> HttpResponse:
    """With a file it goes on to its columns."""
    form = DatasetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                dataset = making.create_dataset(project, request.user, **form.details())
                if file := form.cleaned_data["file"]:
                    upload = uploads.keep(dataset, request.user, file.name, file.chunks())
                    return redirect("experiments:import", project.slug, dataset.slug, upload.pk)
            messages.success(request, f"{dataset.name} is made.")
            return redirect("experiments:dataset", project.slug, dataset.slug)
        except ValidationError as problem:
            explain(form, problem)
    return render(request, "experiments/dataset_edit.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@project_page("GET")
def dataset(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    """Its items in a revision, of the newest unless `?revision=` says; searched by `q`, `split` and `tag`."""
    found = dataset_of(project, dataset)
    number = number_in(request, "revision")
    revision = listing.revision_of(found, number)
    asked = asked_for(request)
    items = listing.items_of(found, number, asked)
    rows, after = listing.page(previewed(items), request.GET.get("after", ""))
    counted = None
    if asked:  # a page that holds all that match has counted them
        all_here = not (after or request.GET.get("after"))
        counted = (len(rows), True) if all_here else SimpleLazyObject(lambda: listing.count(items))
    editable = request.role >= Role.EDITOR and found.archived_at is None
    context = {
        "dataset": found, "revision": revision, "is_newest": number in (None, found.revision), "asked": asked,
        "items": rows, "after": after, "first_page": not request.GET.get("after"),
        "counted": counted,
        "may_edit": editable, "may_change": editable and number in (None, found.revision),
        "splits": sorted(name for name in revision.splits if name) if revision else [],
        "tags": sorted(revision.tags)[:TAGS_OFFERED] if revision else [],
        "revisions": SimpleLazyObject(lambda: list(found.revisions.all()[:REVISIONS_OFFERED])),
        "imports": SimpleLazyObject(lambda: list(found.imports.filter(state__in=OPEN).order_by("-id"))),
        "query": query_of(request),
    }  # fmt: skip
    return htmx.render_page(request, "experiments/dataset.html", "items", context)


@never_cache
@project_page("GET")
def dataset_facts(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    """The part of the page's head that a change of an item changes."""
    return render(request, "experiments/_dataset_facts.html", {"dataset": dataset_of(project, dataset)})


@project_page("GET", "POST", role=Role.EDITOR)
def dataset_edit(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    found = dataset_of(project, dataset)
    form = DatasetForm(request.POST or None, dataset=found)
    if request.method == "POST" and form.is_valid():
        try:
            making.change_dataset(found, request.user, **form.details())
        except ValidationError as problem:
            explain(form, problem)
        else:
            broken, tried, first = making.breaking(found)
            if broken:
                said = f"{broken:,} of {tried:,} items that were tried do not keep to the schema, such as {first}"
                messages.warning(request, f"Saved. {said}")
            else:
                messages.success(request, "Saved.")
            return redirect("experiments:dataset", project.slug, found.slug)
    context = {"form": form, "dataset": found}
    return render(request, "experiments/dataset_edit.html", context, status=422 if form.errors else 200)


@project_page("POST", role=Role.EDITOR)
def dataset_archive(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    """Puts it away, or back to work."""
    found = dataset_of(project, dataset)
    if found.archived_at:
        making.restore_dataset(found, request.user)
    else:
        making.archive_dataset(found, request.user)
    messages.success(request, f"{found.name} is {'archived' if found.archived_at else 'at work again'}.")
    return redirect("experiments:dataset", project.slug, found.slug)


def asked_for(request: HttpRequest) -> ItemFilter:
    said = request.GET
    return ItemFilter(said.get("q", "").strip(), said.get("split", ""), said.get("tag", ""))


def query_of(request: HttpRequest) -> str:
    """What is shown, as a query without its page: an export is of the same."""
    query = request.GET.copy()
    query.pop("after", None)
    return query.urlencode()


def number_in(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRequest(f"{name} is a number.")
    return int(text)

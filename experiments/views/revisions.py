"""The revisions of a dataset: the list, what one of them changed, and the way back to it."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.datasets import revisions
from experiments.datasets.drafts import FIELDS
from experiments.datasets.listing import revision_of
from experiments.datasets.previews import cut, said
from experiments.models import Dataset, DatasetItem
from experiments.views.datasets import number_in
from experiments.views.finding import dataset_of, open_dataset
from records.word_diff import Piece, word_diff

PAGE = 50
SHOWN_CHARS = 2_000  # of one value on either side
ALIKE = 0.4  # the part of two texts that must be the same to mark what is not


@dataclass(frozen=True, slots=True)
class Changed:
    """A case that a revision added, changed or removed; `fields` are (name, pieces of its diff)."""

    kind: str  # added, changed, removed
    item: DatasetItem
    fields: list[tuple[str, list[Piece]]]


@project_page("GET")
def revision_list(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    found = dataset_of(project, dataset)
    before = number_in(request, "before")
    there = found.revisions.filter(**({"number__lt": before} if before else {}))
    rows = list(there[: PAGE + 1])
    context = {
        "dataset": found, "revisions": rows[:PAGE], "before": before,
        "next": rows[PAGE - 1].number if len(rows) > PAGE else None,
    }  # fmt: skip
    return render(request, "experiments/revisions.html", context)


@project_page("GET")
def revision(request: HttpRequest, project: Project, dataset: str, number: int) -> HttpResponse:
    """What it changed, a page at a time by position."""
    found = dataset_of(project, dataset)
    at = revision_of(found, number)
    if at is None:
        raise Http404(f"{found.slug} has no revision yet.")
    changed, after = _changes(found, number, request.GET.get("after", ""))
    may_restore = request.role >= Role.EDITOR and found.archived_at is None and number != found.revision
    context = {"dataset": found, "revision": at, "changes": changed, "after": after, "may_restore": may_restore}
    return render(request, "experiments/revision.html", context)


@project_page("POST", role=Role.EDITOR)
def revision_restore(request: HttpRequest, project: Project, dataset: str, number: int) -> HttpResponse:
    """A new revision with the items of an older one."""
    found = open_dataset(project, dataset)
    revision_of(found, number)
    change = revisions.restore_revision(found, request.user, number)
    if change.any:
        messages.success(request, f"Revision {found.revision} has the items of revision {number}.")
    else:
        messages.success(request, "It has the same items already.")
    return redirect("experiments:dataset", project.slug, found.slug)


def _changes(dataset: Dataset, number: int, after: str) -> tuple[list[Changed], str]:
    """Rows that began in the revision or ended before it; a case that did both was changed."""
    rows = DatasetItem.objects.filter(project_id=dataset.project_id, dataset=dataset)
    began_or_ended = Q(first_revision=number) | Q(last_revision=number - 1)
    touched = rows.filter(began_or_ended)
    if after:
        if not (after.isascii() and after.isdecimal() and len(after) < 19):
            raise BadRequest("This page's address was cut off or changed; start again from the first page.")
        touched = touched.filter(position__gt=int(after))
    # Two rows a case at the most: one more than two pages' worth tells whether there is another page.
    found = list(touched.order_by("position", "first_revision")[: 2 * PAGE + 2])
    by_place: dict[int, list[DatasetItem]] = {}
    for row in found:
        by_place.setdefault(row.position, []).append(row)
    places = list(by_place)
    shown = places[:PAGE]
    changes = [_changed(by_place[place], number) for place in shown]
    return changes, str(shown[-1]) if len(places) > PAGE else ""


def _changed(rows: list[DatasetItem], number: int) -> Changed:
    new = next((row for row in rows if row.first_revision == number), None)
    old = next((row for row in rows if row.last_revision == number - 1), None)
    fields = []
    for name in FIELDS:
        before, now = (_words(getattr(row, name)) if row else "" for row in (old, new))
        if before != now:
            fields.append((name, _pieces(before, now)))
    return Changed("changed" if old and new else "added" if new else "removed", new or rows[0], fields)


def _pieces(before: str, now: str) -> list[Piece]:
    """Word by word where enough of them stayed; else one after the other, which reads better."""
    pieces = word_diff(before, now) or []
    kept = sum(len(piece.text.strip()) for piece in pieces if piece.kind == "same")
    if kept >= ALIKE * max(len(before), len(now)):
        return pieces
    return [piece for piece in (Piece("missing", before), Piece("added", now)) if piece.text]


def _words(value: object) -> str:
    return cut(said(value), SHOWN_CHARS)

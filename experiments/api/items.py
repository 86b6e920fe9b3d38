"""Calls on the items of a dataset: listed by revision, put in one by one or many at once, deleted."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router

from evalhub.api import KeyAuth, Problem, answer, read_json, to_json
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from evalhub.openapi import CONFLICT
from experiments.api.finding import actor, changeable, dataset_named
from experiments.api.listing import bounded
from experiments.api.schemas import DeletedOut, DeleteIn, ItemIn, ItemList, ItemOut, PutOut
from experiments.datasets.drafts import BadItem, Draft, read_draft
from experiments.datasets.exporting import item_json
from experiments.datasets.listing import ItemFilter, items_of, page, revision_of
from experiments.datasets.revisions import DatasetFull, Refused, put_items, remove_items
from experiments.models import Dataset, DatasetItem
from records.api.cursors import read_cursor, write_cursor
from records.api.schemas import one_or_many
from records.limits import MAX_ITEMS

router = Router(tags=["datasets"])
WHOLE_BYTES = 64 * 1024  # of one value in a list; the item by itself has it whole
VALUES = ("inputs", "expected", "metadata")


def put(
    dataset: Dataset, by: str, sent: Sequence[Any], all_or_none: bool = False, prefix: str = ""
) -> dict[str, Any]:  # fmt: skip
    """The report on each of what was sent. Raises Problem where all or none were to be taken, with the paths of what is
    wrong (`prefix` stands before the item's place)."""
    rows = [(number, _draft(item)) for number, item in enumerate(sent, 1)]
    try:
        change = put_items(dataset, by, rows, f"{len(sent):,} by the API", whole=all_or_none)
    except DatasetFull as problem:
        raise Problem(400, "invalid", str(problem)) from None
    except Refused as refused:
        fields = [
            (f"{prefix}{number - 1}.{where}".rstrip("."), what)
            for number, problem in refused.refused
            for where, what in problem.problems
        ]
        raise Problem(400, "invalid", str(refused), fields) from None
    errors = {number: str(problem) for number, problem in change.refused}
    return {
        "revision": dataset.revision, "added": change.added, "changed": change.changed, "same": change.same,
        "refused": len(errors),
        "items": [
            {"row": number, "id": change.taken.get(number), "error": errors.get(number)} for number, _ in rows
        ],
    }  # fmt: skip


def listed_json(item: DatasetItem) -> dict[str, Any]:
    """As a list shows it: what is large is cut to the beginning of its JSON, and `truncated` says so."""
    shown = item_json(item) | {"first_revision": item.first_revision, "last_revision": item.last_revision}
    shown["truncated"] = False
    for name in VALUES:
        text = to_json(shown[name])
        if len(text) > WHOLE_BYTES:
            cut = text[:WHOLE_BYTES].decode(errors="ignore")
            shown[name] = {"truncated": cut} if name == "metadata" else cut
            shown["truncated"] = True
    return shown


@router.get("/{slug}/items", response={200: ItemList}, auth=KeyAuth(Scope.READ))
def item_list(
    request: HttpRequest, slug: str, revision: int | None = None, q: str = "", split: str = "", tag: str = "",
    limit: int = 50, cursor: str = "",
) -> HttpResponse:  # fmt: skip
    """The items of a revision, of the newest unless said, in their order; `q` looks for text in all of an item."""
    dataset, size = dataset_named(request, slug), bounded(limit)
    at = revision_of(dataset, revision)
    number = at.number if at else 0
    after = ""
    if cursor:  # a cursor goes on in the revision in which it began
        number, after = read_cursor(cursor, int, _place)
        revision_of(dataset, number)
    items = items_of(dataset, number, ItemFilter(q, split, tag))
    rows, more = page(items, after, size)
    cursor_out = write_cursor(number, int(more)) if more else None
    return answer({"items": [listed_json(row) for row in rows], "revision": number, "next_cursor": cursor_out})


@router.post(
    "/{slug}/items", response={200: PutOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE),
    openapi_extra=one_or_many(ItemIn, "items"),
)  # fmt: skip
@idempotent
def item_put(request: HttpRequest, slug: str, all_or_none: bool = False) -> HttpResponse:
    """One item, an array of up to 1,000, or {"items": [...]}. A known id changes that item, and only what is said.

    Items that cannot be taken are reported each, and the others taken; with `all_or_none` nothing is, and the answer is
    400. One item that is sent alone is taken or refused.
    """
    dataset = changeable(request, slug)
    sent = read_json(request, refuse_nul=False)
    if isinstance(sent, dict) and isinstance(sent.get("items"), list) and len(sent) == 1:
        sent, prefix = sent["items"], "items."
    else:
        prefix = ""
    if not isinstance(sent, list):
        try:
            read_draft(sent)
        except BadItem as problem:
            raise Problem(400, "invalid", str(problem), problem.problems) from None
        return answer(put(dataset, actor(request), [sent], all_or_none=True))
    if not 1 <= len(sent) <= MAX_ITEMS:
        raise Problem(400, "invalid", f"From 1 to {MAX_ITEMS:,} items a call; a file takes any number.")
    return answer(put(dataset, actor(request), sent, all_or_none, prefix))


@router.post("/{slug}/items/delete", response={200: DeletedOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def items_delete(request: HttpRequest, slug: str, body: DeleteIn) -> HttpResponse:
    """Many at once, in one revision. Ids that are not there are passed over."""
    return _deleted(request, changeable(request, slug), body.ids)


@router.get("/{slug}/items/{path:case_id}", response={200: ItemOut}, auth=KeyAuth(Scope.READ))
def item_get(request: HttpRequest, slug: str, case_id: str, revision: int | None = None) -> HttpResponse:
    """An item whole, as it is in the newest revision or was in another one."""
    dataset = dataset_named(request, slug)
    at = revision_of(dataset, revision)
    return answer(_whole(_item(dataset, case_id, at.number if at else 0)))


@router.patch(
    "/{slug}/items/{path:case_id}", response={200: ItemOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": {"expected": "It is here."}}}}},
)  # fmt: skip
def item_change(request: HttpRequest, slug: str, case_id: str) -> HttpResponse:
    """Changes what is named in the body, an item without its id."""
    dataset = changeable(request, slug)
    _item(dataset, case_id)
    sent = read_json(request, refuse_nul=False)
    if not isinstance(sent, dict):
        raise Problem(400, "invalid", "The body is to be an object.")
    if {"id", "case_id"} & set(sent):
        raise Problem(400, "invalid", "The id of an item stays.", [("id", "Stays.")])
    draft = _draft(sent)
    if isinstance(draft, BadItem):
        raise Problem(400, "invalid", str(draft), draft.problems)
    draft.case_id = case_id
    try:
        put_items(dataset, actor(request), [(1, draft)], f"Edited {case_id}", whole=True)
    except Refused as refused:
        problem = refused.refused[0][1]
        raise Problem(400, "invalid", str(problem), problem.problems) from None
    return answer(_whole(_item(dataset, case_id)))


@router.delete("/{slug}/items/{path:case_id}", response={200: DeletedOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def item_delete(request: HttpRequest, slug: str, case_id: str) -> HttpResponse:
    """From the newest revision on; older ones have it still."""
    dataset = changeable(request, slug)
    _item(dataset, case_id)
    return _deleted(request, dataset, [case_id])


def _place(said: Any) -> str:
    """Raises ValueError for what `page` would not have given out."""
    if not 0 <= int(said) < 10**18:
        raise ValueError
    return str(int(said))


def _deleted(request: HttpRequest, dataset: Dataset, ids: Sequence[str]) -> HttpResponse:
    words = f"Deleted {ids[0]}" if len(ids) == 1 else f"Deleted {len(ids):,} by the API"
    change = remove_items(dataset, actor(request), ids, words)
    return answer({"revision": dataset.revision, "removed": change.removed})


def _draft(sent: Any) -> Draft | BadItem:
    try:
        return read_draft(sent)
    except BadItem as problem:
        return problem


def _item(dataset: Dataset, case_id: str, revision: int | None = None) -> DatasetItem:
    found = items_of(dataset, revision).filter(case_id=case_id).first() if "\0" not in case_id else None
    if found is None:
        raise Http404("The dataset has no such item" + (" in this revision." if revision else "."))
    return found


def _whole(item: DatasetItem) -> dict[str, Any]:
    extra = {"first_revision": item.first_revision, "last_revision": item.last_revision, "truncated": False}
    return item_json(item) | extra

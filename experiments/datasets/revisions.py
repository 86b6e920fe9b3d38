"""The one writer of a dataset's items: a change is a new revision, made whole or not at all.

A reader of the newest revision sees the items of before until the commit; one of an older revision never sees a
difference. Whoever changes a dataset locks its row first, so that revisions follow one another.
"""

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from evalhub import audit
from evalhub.api import to_json
from experiments.datasets.drafts import FIELDS, BadItem, Draft, check_inputs, words_of
from experiments.datasets.grams import copied, grams
from experiments.models import SEARCHED, Dataset, DatasetItem, DatasetRevision

BATCH = 1_000  # items read and written at once
MAX_ITEMS = 1_000_000  # of one dataset
MAX_SPLITS = 100  # different ones
MAX_TAGS = 1_000  # different ones, in one dataset
EMPTY: dict[str, Any] = {"expected": None, "metadata": {}, "tags": [], "split": ""}

# The columns of an item as they are written, those of JSON first, then the grams. The names are ours.
COPIED = (
    "inputs", "expected", "metadata", "grams", "project_id", "dataset_id", "case_id", "position", "tags", "split",
    "search_text", "first_revision", "created_by", "created_at",
)  # fmt: skip
JSON_COLUMNS = 3

Row = tuple[int, Draft | BadItem]  # its number, from 1, and what it says


class DatasetFull(ValueError):
    """The dataset would hold more than it may. Nothing was changed."""


class Refused(ValueError):
    """Rows were refused where all or none were to be taken. Nothing was changed."""

    def __init__(self, refused: Sequence[tuple[int, BadItem]]) -> None:
        super().__init__(f"Row {refused[0][0]}: {refused[0][1]}")
        self.refused = list(refused)


@dataclass(slots=True)
class Change:
    """What a change did, in items; `same` rows said what was there already. No `revision`: nothing changed.

    `taken` are the case ids by the numbers of their rows.
    """

    revision: DatasetRevision | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0
    refused: list[tuple[int, BadItem]] = field(default_factory=list)
    taken: dict[int, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def put_items(
    dataset: Dataset, actor: object, rows: Iterable[Row], words: str, *, whole: bool = False,
    kept: dict[str, Any] | None = None,
) -> Change:  # fmt: skip
    """Adds new cases and changes those that are known by their id. Rows that cannot be taken are left out and told of,
    or with `whole` nothing is taken at all. `kept` is a schema to which they are known to keep already. Raises
    DatasetFull and, with `whole`, Refused."""
    with transaction.atomic():
        writing = _Writing(dataset, actor)
        if writing.schema == kept:
            writing.schema = None
        for batch in batched(rows, BATCH):
            writing.put(batch)
        if whole and writing.change.refused:
            raise Refused(writing.change.refused)
        return writing.end(words)


def remove_items(dataset: Dataset, actor: object, case_ids: Sequence[str], words: str) -> Change:
    """Ids that are not there are passed over."""
    with transaction.atomic():
        writing = _Writing(dataset, actor)
        for batch in batched(dict.fromkeys(case_ids), BATCH):
            writing.remove(batch)
        return writing.end(words)


def restore_revision(dataset: Dataset, actor: object, number: int) -> Change:
    """A new revision with the items of an older one."""
    with transaction.atomic():
        writing = _Writing(dataset, actor)
        then = DatasetItem.objects.filter(project_id=dataset.project_id, dataset=dataset).alive_in(number)
        gone = writing.items.filter(last_revision=None).exclude(case_id__in=then.values("case_id"))
        for batch in batched(list(gone.values_list("case_id", flat=True)), BATCH):
            writing.remove(batch)
        old = then.exclude(last_revision=None).order_by("position").iterator(BATCH)
        for batch in batched(old, BATCH):
            writing.put_back(batch)
        return writing.end(f"As revision {number}")


class _Writing:
    """One change in the making, inside the caller's transaction."""

    def __init__(self, dataset: Dataset, actor: object) -> None:
        locked = Dataset.objects.select_for_update().get(project_id=dataset.project_id, pk=dataset.pk)
        self.given, self.dataset, self.actor = dataset, locked, actor
        self.number, self.schema = locked.revision + 1, locked.inputs_schema
        self.change = Change()
        before = locked.revisions.filter(number=locked.revision).first()
        self.splits: Counter[str] = Counter(before.splits if before else {})
        self.tags: Counter[str] = Counter(before.tags if before else {})

    @property
    def items(self):
        return DatasetItem.objects.filter(project_id=self.dataset.project_id, dataset=self.dataset)

    def put(self, rows: Sequence[Row]) -> None:
        ids = {draft.case_id for _, draft in rows if isinstance(draft, Draft) and draft.case_id}
        there = {item.case_id: item for item in self.items.filter(last_revision=None, case_id__in=ids)}
        new: dict[str, DatasetItem] = {}
        again: dict[int, DatasetItem] = {}  # made by an earlier row of this very change
        over: list[int] = []
        for number, draft in rows:
            try:
                if isinstance(draft, BadItem):
                    raise draft
                old = there.get(draft.case_id)
                fields = _laid_over(old, draft, self.schema)
            except BadItem as problem:
                self.change.refused.append((number, problem))
                continue
            if old is None:
                item = self._item(draft.case_id or secrets.token_hex(8), self._position(), fields)
                new[item.case_id] = there[item.case_id] = item
                self.change.added += 1
            elif _same(old, fields):
                item = old
                self.change.same += 1
            elif old.first_revision == self.number:
                item = self._written(old, fields)
                if old.pk:
                    again[old.pk] = old
                self.change.changed += 1
            else:
                item = self._item(old.case_id, old.position, fields)
                over.append(old.pk)
                self._count(old, -1)
                new[item.case_id] = there[item.case_id] = item
                self.change.changed += 1
            self.change.taken[number] = item.case_id
        self._end(over)
        _insert(new.values())
        DatasetItem.objects.bulk_update(again.values(), [*FIELDS, *SEARCHED], BATCH)

    def put_back(self, items: Sequence[DatasetItem]) -> None:
        """Old rows as they were, each in its place."""
        there = {
            item.case_id: item
            for item in self.items.filter(last_revision=None, case_id__in=[item.case_id for item in items])
        }
        new, over = [], []
        for old in items:
            now = there.get(old.case_id)
            fields = {name: getattr(old, name) for name in FIELDS}
            if now is not None and _same(now, fields):
                self.change.same += 1
                continue
            new.append(self._item(old.case_id, old.position, fields))
            if now is None:
                self.change.added += 1
            else:
                self.change.changed += 1
                over.append(now.pk)
                self._count(now, -1)
        self._end(over)
        _insert(new)

    def remove(self, case_ids: Sequence[str]) -> None:
        gone = list(self.items.filter(last_revision=None, case_id__in=case_ids).only("pk", "tags", "split"))
        for item in gone:
            self._count(item, -1)
        self._end([item.pk for item in gone])
        self.change.removed += len(gone)

    def end(self, words: str) -> Change:
        change, dataset = self.change, self.dataset
        if not change.any:
            return change
        dataset.size += change.added - change.removed
        self._bound()
        dataset.revision, dataset.changed_at = self.number, timezone.now()
        dataset.save(update_fields=["size", "revision", "changed_at", "next_position"])
        change.revision = DatasetRevision.objects.create(
            project_id=dataset.project_id, dataset=dataset, number=self.number, words=words[:500], added=change.added,
            changed=change.changed, removed=change.removed, size=dataset.size, splits=dict(+self.splits),
            tags=dict(+self.tags), created_by=str(self.actor)[:160],
        )  # fmt: skip
        counts = {"added": change.added, "changed": change.changed, "removed": change.removed}
        audit.note(dataset.project, self.actor, "dataset.revise", dataset.slug, revision=self.number, **counts)
        for name in ("size", "revision", "changed_at", "next_position"):
            setattr(self.given, name, getattr(dataset, name))
        return change

    def _item(self, case_id: str, position: int, fields: Mapping[str, Any]) -> DatasetItem:
        item = DatasetItem(
            project_id=self.dataset.project_id, dataset=self.dataset, case_id=case_id, position=position,
            first_revision=self.number, created_by=str(self.actor)[:160], **self._searched(case_id, fields), **fields,
        )  # fmt: skip
        self._count(item, 1)
        return item

    def _written(self, item: DatasetItem, fields: Mapping[str, Any]) -> DatasetItem:
        self._count(item, -1)
        for name, value in {**fields, **self._searched(item.case_id, fields)}.items():
            setattr(item, name, value)
        self._count(item, 1)
        return item

    def _searched(self, case_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        text = words_of(case_id, fields)
        return {"search_text": text, "grams": grams(self.dataset.pk, text)}

    def _end(self, keys: Sequence[int]) -> None:
        """Rows that this very change has made are gone as if they had never been."""
        if keys:
            DatasetItem.objects.filter(pk__in=keys, first_revision=self.number).delete()
            DatasetItem.objects.filter(pk__in=keys).update(last_revision=self.number - 1)

    def _position(self) -> int:
        position = self.dataset.next_position
        self.dataset.next_position += 1
        return position

    def _count(self, item: DatasetItem, by: int) -> None:
        self.splits[item.split] += by
        for tag in item.tags:
            self.tags[tag] += by

    def _bound(self) -> None:
        if self.dataset.size > MAX_ITEMS:
            raise DatasetFull(f"A dataset holds at most {MAX_ITEMS:,} items; it would have {self.dataset.size:,}.")
        if len(+self.splits) > MAX_SPLITS:
            raise DatasetFull(
                f"A dataset has at most {MAX_SPLITS} different splits; it would have {len(+self.splits)}."
            )
        if len(+self.tags) > MAX_TAGS:
            raise DatasetFull(f"A dataset has at most {MAX_TAGS:,} different tags; it would have {len(+self.tags):,}.")


def _laid_over(old: DatasetItem | None, draft: Draft, schema: dict[str, Any] | None) -> dict[str, Any]:
    """All fields of the item as it will be. Raises BadItem."""
    if old is None and "inputs" not in draft.fields:
        if draft.case_id:
            raise BadItem(
                [("inputs", f"Is missing: there is no item {draft.case_id} to change, and a new one needs it.")]
            )
        raise BadItem([("inputs", "Is missing.")])
    if "inputs" in draft.fields:
        check_inputs(schema, draft.fields["inputs"])
    stored = EMPTY if old is None else {name: getattr(old, name) for name in FIELDS}
    return {name: draft.fields.get(name, stored.get(name)) for name in FIELDS}


def _insert(items: Iterable[DatasetItem]) -> None:
    """By COPY: a file has a hundred thousand rows."""
    names = ", ".join(COPIED)
    with connection.cursor() as cursor, cursor.copy(f"COPY dataset_item ({names}) FROM STDIN") as copy:  # noqa: S608
        for item in items:
            row = [getattr(item, name) for name in COPIED]
            row[:JSON_COLUMNS] = [None if value is None else to_json(value).decode() for value in row[:JSON_COLUMNS]]
            row[JSON_COLUMNS] = copied(item.grams)
            copy.write_row(row)


def _same(item: DatasetItem, fields: Mapping[str, Any]) -> bool:
    """As JSON, where true is not 1. Only what is equal is written out, and by `json`: a number past 64 bits that was
    stored as a float comes back as a whole one."""
    now = {name: getattr(item, name) for name in FIELDS}
    return now == fields and json.dumps(now, sort_keys=True) == json.dumps(dict(fields), sort_keys=True)


def rows_of(drafts: Iterable[Draft | BadItem], first: int = 1) -> Iterator[Row]:
    """Numbered from `first`."""
    yield from enumerate(drafts, first)

"""Imports at work: every row is checked first, with progress; then all are stored at once, as one revision.

A worker may die anywhere, be given up while it still works, or be rung for twice: what an import did, and that it is
over, are committed together.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import batched
from typing import Any
from uuid import UUID

import django_rq
import redis
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from evalhub import audit
from experiments.datasets import from_records
from experiments.datasets.columns import draft_of, mapping_problem
from experiments.datasets.drafts import BadItem, check_inputs
from experiments.datasets.files import BadFile, lines
from experiments.datasets.revisions import MAX_ITEMS, Change, DatasetFull, Row, put_items
from experiments.datasets.uploads import stream
from experiments.models import IMPORTING, Dataset, DatasetImport, DatasetItem, FilePart, ImportKind, ImportState
from records.filterlang import FilterError
from records.search import SearchTimeout
from records.selection import Selection, matching

log = logging.getLogger(__name__)

QUEUE = "bulk"
ENTRY = "experiments.jobs.run_import"  # by name: the queue's side imports this module
SILENT_AFTER = 900  # seconds without a sign of life: the worker is given up; storing a million rows takes minutes
AT_ONCE_BYTES = 256 * 1024  # a file that is done before the reader looks up
BATCH = 1_000
TOLD = 200  # refused rows that are told one by one
KEPT_FOR = timedelta(days=2)  # an upload that nobody goes on with


class GivenUp(Exception):
    """Another worker has taken this import over, or it was cancelled; nothing of it is stored."""


def start_file(upload: DatasetImport, mapping: Mapping[str, str], whole: bool) -> None:
    """Raises ValidationError for a mapping that makes no items. Does it at once where the file is little."""
    if problem := mapping_problem(mapping):
        raise ValidationError({"mapping": problem})
    begun = DatasetImport.objects.filter(pk=upload.pk, state=ImportState.UPLOADED).update(
        state=ImportState.PENDING, mapping=list(mapping.items()), options={"whole": whole}
    )
    if begun:
        _begin(upload, little=upload.bytes <= AT_ONCE_BYTES)


def start_records(
    dataset: Dataset, selection: Selection, user: Any, *, expected: str, split: str = "", tags: tuple[str, ...] = ()
) -> DatasetImport:
    """Of records ticked by hand at once; of all that match by a worker."""
    search = selection.search
    asked = DatasetImport(
        project=dataset.project, dataset=dataset, kind=ImportKind.RECORDS, state=ImportState.PENDING,
        words=selection.words(), options={"expected": expected, "split": split, "tags": list(tags), "whole": False},
        user=user if getattr(user, "pk", None) else None, by=str(user)[:160],
    )  # fmt: skip
    if search is None:
        asked.ids = sorted(set(selection.ids))
    else:
        asked.filter, asked.all_spans, asked.ceiling = selection.text, selection.all_spans, search.ceiling
        asked.zone, asked.created_at = str(search.zone), search.now
    asked.save()
    _begin(asked, little=search is None)
    return asked


def cancel(asked: DatasetImport) -> bool:
    """Nothing of it is stored; False when it was over already."""
    waiting = DatasetImport.objects.filter(pk=asked.pk, state__in=[ImportState.UPLOADED, *IMPORTING])
    cancelled = waiting.update(state=ImportState.CANCELLED, ended_at=timezone.now())
    if cancelled:
        FilePart.objects.filter(upload=asked).delete()
    asked.refresh_from_db()
    return bool(cancelled)


def ring(key: int, attempt: int = 0) -> None:
    """Tells a worker, once an attempt. Where Redis is away the row waits, and the sweeper rings again."""
    name = f"dataset-import-{key}-{attempt}"
    try:
        queue = django_rq.get_queue(QUEUE)
        if name not in queue.get_job_ids():
            queue.enqueue(ENTRY, key, job_id=name, result_ttl=0)
    except redis.RedisError as problem:
        log.warning("Dataset import %s waits for Redis: %s", key, problem)


def sweep() -> None:
    """Rings again for imports that no worker is at, and forgets uploads that nobody went on with."""
    now = timezone.now()
    never = Q(beat_at=None, created_at__lt=now - timedelta(seconds=30))
    lost = DatasetImport.objects.filter(
        never | Q(beat_at__lt=now - timedelta(seconds=SILENT_AFTER)), state__in=IMPORTING
    )
    for key, attempt in lost.order_by("id").values_list("id", "attempt"):
        ring(key, attempt)
    DatasetImport.objects.filter(state=ImportState.UPLOADED, created_at__lt=now - KEPT_FOR).delete()


def run(key: int) -> None:
    """Works on an import until it is over."""
    asked = _claim(key)
    if asked is None:  # over, or somebody is at it
        return
    try:
        refused = _check(asked)
        _store(asked, refused)
    except GivenUp:
        log.warning("Dataset import %s went on elsewhere, or was cancelled.", key)
    except OperationalError:  # an outage or a deadlock: nothing was kept, the next ring begins anew
        DatasetImport.objects.filter(pk=asked.pk, attempt=asked.attempt).update(beat_at=None)
        raise
    except (BadFile, DatasetFull, SearchTimeout) as problem:
        _fail(asked, str(problem))
    except FilterError as problem:
        _fail(asked, f"The filter can no longer be read: {problem.message}")
    except Exception as problem:
        log.exception("Dataset import %s failed.", key)
        _fail(asked, f"{type(problem).__name__}: {problem}"[:500])


def _begin(asked: DatasetImport, little: bool) -> None:
    if little:
        run(asked.pk)
    else:
        ring(asked.pk)
    asked.refresh_from_db()


def _claim(key: int) -> DatasetImport | None:
    now = timezone.now()
    free = Q(beat_at=None) | Q(beat_at__lt=now - timedelta(seconds=SILENT_AFTER))
    claimed = DatasetImport.objects.filter(free, pk=key, state__in=IMPORTING).update(
        state=ImportState.RUNNING, attempt=F("attempt") + 1, beat_at=now, started_at=Coalesce(F("started_at"), now),
        done=0, part=0, storing=False, refused=0, problems=[],
    )  # fmt: skip
    return DatasetImport.objects.select_related("project", "dataset", "user").get(pk=key) if claimed else None


def _check(asked: DatasetImport) -> set[int]:
    """The numbers of the rows that are refused. Tells after each batch how far it is. Raises GivenUp."""
    refused: set[int] = set()
    problems: list[tuple[int, str]] = []
    done, rows, known = 0, _Rows(asked), set[str]()
    for batch in batched(rows, BATCH):
        named = {draft.case_id for _, draft in batch if not isinstance(draft, BadItem) and draft.case_id}
        known |= _known(asked.dataset, named)
        for number, draft in batch:
            if problem := _problem(asked.dataset, draft, known):
                refused.add(number)
                if len(problems) < TOLD:
                    problems.append((number, str(problem)[:500]))
        done += len(batch)
        _tell(asked, done=done, part=rows.part, refused=len(refused), problems=problems)
    _tell(asked, done=done, total=done, part=1, storing=True)
    asked.total, asked.refused, asked.problems = done, len(refused), problems
    return refused


def _problem(dataset: Dataset, draft: Any, known: set[str]) -> BadItem | None:
    if isinstance(draft, BadItem):
        return draft
    if "inputs" not in draft.fields:
        if draft.case_id in known:
            return None
        return BadItem([("inputs", "Is missing, and the dataset has no item of this id to keep its own.")])
    try:
        check_inputs(dataset.inputs_schema, draft.fields["inputs"])
    except BadItem as problem:
        return problem
    known.add(draft.case_id)
    return None


def _known(dataset: Dataset, case_ids: set[str]) -> set[str]:
    alive = DatasetItem.objects.filter(project_id=dataset.project_id, dataset=dataset, last_revision=None)
    return set(alive.filter(case_id__in=case_ids).values_list("case_id", flat=True))


def _store(asked: DatasetImport, refused: set[int]) -> None:
    if asked.options.get("whole") and refused:
        _fail(asked, "Nothing was imported, since rows were refused and all or none were asked for.")
        return
    with transaction.atomic():
        taken = (row for row in _Rows(asked) if row[0] not in refused)
        change = put_items(asked.dataset, asked.by, taken, _title(asked), kept=asked.dataset.inputs_schema)
        _end(asked, change)
        FilePart.objects.filter(upload=asked).delete()


def _title(asked: DatasetImport) -> str:
    return f"{'Imported' if asked.kind == ImportKind.FILE else 'Added'} {asked.words}"


def _end(asked: DatasetImport, change: Change) -> None:
    """Raises GivenUp, which takes back all that was stored."""
    also = [[number, str(problem)[:500]] for number, problem in change.refused]  # the dataset has changed meanwhile
    ended = _mine(asked).update(
        state=ImportState.COMPLETED, ended_at=timezone.now(), added=change.added, changed=change.changed,
        same=change.same, refused=asked.refused + len(also), problems=[*asked.problems, *also][:TOLD],
        revision=change.revision and change.revision.number,
    )  # fmt: skip
    if not ended:
        raise GivenUp


def _fail(asked: DatasetImport, error: str) -> None:
    with transaction.atomic():
        if _mine(asked).update(state=ImportState.ERRORED, ended_at=timezone.now(), error=error):
            FilePart.objects.filter(upload=asked).delete()
            audit.note(asked.project, asked.by, "dataset.import.failed", asked.dataset.slug, why=error[:200])


def _tell(asked: DatasetImport, **progress: Any) -> None:
    if not _mine(asked).update(beat_at=timezone.now(), **progress):
        raise GivenUp


def _mine(asked: DatasetImport):
    return DatasetImport.objects.filter(pk=asked.pk, attempt=asked.attempt, state=ImportState.RUNNING)


class _Rows:
    """What the import is of, row by row; `part` of it was read, 0 to 1. May be gone through again."""

    def __init__(self, asked: DatasetImport) -> None:
        self.asked, self.part = asked, 0.0

    def __iter__(self) -> Iterator[Row]:
        return self._of_file() if self.asked.kind == ImportKind.FILE else self._of_records()

    def _of_file(self) -> Iterator[Row]:
        parts, opened = stream(self.asked)
        mapping = dict(self.asked.mapping)
        for number, row in lines(opened, self.asked.format):
            self.part = min(1.0, parts.at / max(1, self.asked.bytes))
            try:
                yield number, row if isinstance(row, BadItem) else draft_of(row, mapping)
            except BadItem as problem:
                yield number, problem

    def _of_records(self) -> Iterator[Row]:
        ids, options = self._ids(), self.asked.options
        found = from_records.drafts(
            self.asked.project, ids, options["expected"], options["split"], options["tags"]
        )  # fmt: skip
        for number, draft in found:
            self.part = number / len(ids)
            yield number, draft

    def _ids(self) -> list[UUID]:
        """The same ones however often it is asked, but for records that are deleted meanwhile."""
        asked = self.asked
        if asked.ids is None:
            asked.ids = _matching(asked)
        return asked.ids


def _matching(asked: DatasetImport) -> list[UUID]:
    """Oldest first, as a dataset grows. Raises FilterError, SearchTimeout, DatasetFull."""
    found: list[UUID] = []
    selection = matching(
        asked.project, asked.user, asked.filter, asked.all_spans, asked.created_at, asked.zone, asked.ceiling
    )
    for part in selection.slices():
        found += [id for id, _ in part]
        _tell(asked)
        if len(found) > MAX_ITEMS:
            raise DatasetFull(f"More than {MAX_ITEMS:,} records match: narrow the filter.")
    return found[::-1]

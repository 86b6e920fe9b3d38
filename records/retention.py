"""Retention: what a project keeps no longer is deleted, a slice at a time, under the locks that every writer takes.

Days count from a record's arrival, which its id tells, and end at midnight UTC: a day's records go together, and what
is imported today is kept as long as what happened today. Payloads may go earlier than their records; a record without
one says so wherever it is read.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project
from records.blob_uses import SQL as BLOBS
from records.blob_uses import release
from records.deletion import delete_records
from records.ids import first_of
from records.scores import SQL as SCORES
from records.search import SearchTimeout
from records.search.plan import reading
from records.sql import load, steps

SQL = SCORES | BLOBS | load("retention")
SLICE = 500  # records a transaction: a writer of the same trace waits for a fraction of a second
MOST_REST = 1.0  # seconds between two slices, at the most: as long as the last one took, so that half the time is left
COUNTED = 1_000_000  # a preview counts no further
COUNT_SECONDS = 3.0
FIRST = UUID(int=0)


@dataclass(slots=True)
class Pruned:
    """How many records went, and how many payloads of records that stay."""

    records: int = 0
    payloads: int = 0

    def __bool__(self) -> bool:
        return bool(self.records or self.payloads)


@dataclass(frozen=True, slots=True)
class Due:
    """What would go now: None where it was not counted in time; COUNTED stands for as many or more."""

    records: int | None
    payloads: int | None
    records_before: datetime | None
    payloads_before: datetime | None


Progress = Callable[[Pruned], None]


def ends(days: int | None, now: datetime) -> datetime | None:
    """What arrived before this time is kept no longer; None: everything is kept."""
    if not days:
        return None
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days)


def due(
    project: Project, record_days: int | None, payload_days: int | None, now: datetime, limit: int = COUNTED
) -> Due:
    """What would go if the project kept so many days, without changing anything."""
    records_before, payloads_before = ends(record_days, now), ends(payload_days, now)
    records = payloads = 0
    floor = FIRST
    if records_before is not None:
        floor = _id(records_before)
        records = _counted(project.id, "count_records", before=floor, limit=limit)
    if payloads_before is not None:
        payloads = _counted(project.id, "count_payloads", floor=floor, before=_id(payloads_before), limit=limit)
    return Due(records, payloads, records_before, payloads_before)


def prune(
    project: Project,
    actor: object,
    now: datetime | None = None,
    seconds: float = float("inf"),
    on_progress: Progress = lambda pruned: None,
) -> Pruned:
    """Deletes what the project keeps no longer, for about `seconds`; what is left is for another time.

    Each slice is committed by itself: whatever ends the work, what is gone is gone whole. One line of the audit trail
    tells what went.
    """
    now, until, pruned = now or timezone.now(), time.monotonic() + seconds, Pruned()
    try:
        if (before := ends(project.record_days, now)) is not None:
            _records(project.id, _id(before), until, pruned, on_progress)
        if (before := ends(project.payload_days, now)) is not None:
            _payloads(project.id, _id(before), until, pruned, on_progress)
    finally:
        if pruned:
            detail = {"records": pruned.records, "payloads": pruned.payloads}
            audit.note(project, actor, "retention.prune", project.slug, **detail)
    return pruned


def prune_all(actor: object, seconds: float) -> Pruned:
    """Every project that keeps not everything, in turn, each with its share of what time is left: for the sweeper,
    which comes again."""
    until, all_of_them = time.monotonic() + seconds, Pruned()
    kept = list(Project.objects.exclude(record_days=None, payload_days=None).order_by("id"))
    for others, project in zip(range(len(kept) - 1, -1, -1), kept, strict=True):
        left = until - time.monotonic()
        if left <= 0:
            break
        pruned = prune(project, actor, seconds=left / (others + 1))
        all_of_them.records += pruned.records
        all_of_them.payloads += pruned.payloads
    return all_of_them


def forget_payloads(project_id: int, ids: Sequence[UUID]) -> int:
    """Deletes the payloads of at most 1,000 records with what evaluators kept of them; how many there were.

    Files that were lifted out of them go with the last record that names them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        step("lock_records", records=sorted(ids))
        gone = [id for (id,) in step("forget", records=list(ids))]
        release(step, gone)
    return len(gone)


def _records(project_id: int, before: UUID, until: float, pruned: Pruned, on_progress: Progress) -> None:
    after = FIRST
    while time.monotonic() < until:
        began = time.monotonic()
        found = _read(project_id, "old_records", after=after, before=before, limit=SLICE)
        if not found:
            return
        ids, after = {id for id, _ in found}, found[-1][0]
        if traces := sorted({trace for _, trace in found if trace}):
            ids |= {id for (id,) in _read(project_id, "old_spans", traces=traces, before=before)}
        pruned.records += delete_records(project_id, ids)
        on_progress(pruned)
        _rest(began, until)


def _payloads(project_id: int, before: UUID, until: float, pruned: Pruned, on_progress: Progress) -> None:
    after = FIRST
    while time.monotonic() < until:
        began = time.monotonic()
        found = [id for (id,) in _read(project_id, "old_payloads", after=after, before=before, limit=SLICE)]
        if not found:
            return
        after = found[-1]
        pruned.payloads += forget_payloads(project_id, found)
        on_progress(pruned)
        _rest(began, until)


def _rest(began: float, until: float) -> None:
    now = time.monotonic()
    time.sleep(max(0.0, min(now - began, MOST_REST, until - now)))


def _read(project_id: int, name: str, **params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        return steps(cursor, SQL, project_id)(name, **params)


def _counted(project_id: int, name: str, **params: object) -> int | None:
    try:
        with reading(COUNT_SECONDS) as cursor:
            return steps(cursor, SQL, project_id)(name, **params)[0][0]
    except SearchTimeout:
        return None


def _id(at: datetime) -> UUID:
    """The least id of what arrived at that time or later; ids begin in 1970."""
    return first_of(max(0, int(at.timestamp() * 1000)))

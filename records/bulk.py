"""Bulk acts on records: tag, untag, delete. A row each, worked off in slices that are one transaction each.

What a slice changes, how far it came and where the next one starts are committed together: a worker may die anywhere,
be given up while it still works, or be rung for twice, and nothing is done or counted twice.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import django_rq
import redis
from django.db import OperationalError, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project, Role, User
from records.deletion import delete_records
from records.descendants import below
from records.filterlang import FilterError
from records.limits import MAX_ITEMS
from records.models import UNFINISHED, BulkJob, BulkKind, BulkStatus, Record
from records.search import SearchTimeout
from records.selection import Selection, matching
from records.tagging import TagProblem, add_tags, read_tags, remove_tags

log = logging.getLogger(__name__)

QUEUE = "bulk"
ENTRY = "records.jobs.run_bulk"  # by name: the queue's side imports this module
TURN_SECONDS = 300  # then other jobs have theirs
SILENT_AFTER = 120  # seconds without a slice: the worker is given up
COUNT_SECONDS = 10.0
SLICE = MAX_ITEMS  # records in one transaction
TRACES_AT_ONCE = 250  # whose spans are looked up together
NEEDS = {BulkKind.TAG: Role.REVIEWER, BulkKind.UNTAG: Role.REVIEWER, BulkKind.DELETE: Role.ADMIN}

Chosen = list[tuple[UUID, str]]


class GivenUp(Exception):
    """Another worker has taken this job over; what the current slice did is rolled back."""


@dataclass(frozen=True, slots=True)
class Pack:
    """What one transaction deals with: `done` of the selected records end in it, and `reached` is the last one's."""

    ids: list[UUID]
    done: int
    reached: str


def start(
    selection: Selection,
    kind: BulkKind,
    user: User,
    tags: Sequence[str] = (),
    spans_below: bool = False,
) -> BulkJob:
    """Does it at once where it is little, else leaves it to a worker. Raises TagProblem before anything is done."""
    tags = read_tags(tags)
    if kind != BulkKind.DELETE and not tags:
        raise TagProblem("Name at least one tag.")
    search, project = selection.search, selection.project
    little = search is None and not (spans_below and _spans_of(project, selection.ids) > SLICE)
    job = BulkJob(
        project=project, kind=kind, tags=tags, spans_below=spans_below, user=user, by=str(user),
        words=selection.words(), dismissed=little,
    )  # fmt: skip
    if search is None:
        job.ids = sorted(set(selection.ids))
    else:
        job.filter, job.all_spans, job.ceiling = selection.text, selection.all_spans, search.ceiling
        job.zone, job.created_at = str(search.zone), search.now
    with transaction.atomic():
        job.save()
        if not little:
            _note(job, user, "start")
    if little:
        run(job.pk)
        job.refresh_from_db()
    else:
        ring(job.pk)
    return job


def _spans_of(project: Project, ids: Sequence[UUID]) -> int:
    """How many spans may lie below the records, at the most: those of their traces, which the traces' roots know."""
    traces = Record.objects.filter(project=project, id__in=ids).exclude(trace_id="").values("trace_id")
    carriers = Record.objects.filter(project=project, trace_id__in=traces, is_root=True).exclude(trace_id="")
    return carriers.aggregate(n=Sum("trace_spans"))["n"] or 0


def ring(job_id: int, attempt: int = 0) -> None:
    """Tells a worker, once an attempt. Where Redis is away the row waits, and the sweeper rings again."""
    name = f"bulk-{job_id}-{attempt}"
    try:
        queue = django_rq.get_queue(QUEUE)
        if name not in queue.get_job_ids():
            queue.enqueue(ENTRY, job_id, job_id=name, result_ttl=0)
    except redis.RedisError as problem:
        log.warning("Bulk job %s waits for Redis: %s", job_id, problem)


def ring_lost() -> None:
    """Rings again for jobs that no worker is at: never told, died, or given back by an outage."""
    now = timezone.now()
    never = Q(beat_at=None, created_at__lt=now - timedelta(seconds=30))
    lost = BulkJob.objects.filter(never | Q(beat_at__lt=_silence()), status__in=UNFINISHED)
    for job_id, attempt in lost.order_by("id").values_list("id", "attempt"):
        ring(job_id, attempt)


def cancel(job: BulkJob, user: User) -> bool:
    """Ends a job after the slice that it is at; False when it was over already."""
    with transaction.atomic():
        cancelled = BulkJob.objects.filter(pk=job.pk, status__in=UNFINISHED).update(
            status=BulkStatus.CANCELLED, ended_at=timezone.now()
        )
        if cancelled:
            job.refresh_from_db()
            _note(job, user, "cancel")
    return bool(cancelled)


def run(job_id: int, seconds: float = TURN_SECONDS) -> None:
    """Works on a job until it ends, is cancelled, or has had `seconds`; then it is rung for again."""
    job = _claim(job_id)
    if job is None:  # over, or somebody is at it
        return
    try:
        _work(job, seconds)
    except GivenUp:
        log.warning("Bulk job %s went on elsewhere.", job_id)
    except OperationalError:  # an outage or a deadlock: nothing of this slice was kept, the next ring goes on
        BulkJob.objects.filter(pk=job.pk, attempt=job.attempt).update(beat_at=None)
        raise
    except FilterError as problem:
        _end(job, BulkStatus.ERRORED, f"The filter can no longer be read: {problem.message}")
    except SearchTimeout as problem:
        _end(job, BulkStatus.ERRORED, str(problem))
    except Exception as problem:
        log.exception("Bulk job %s failed.", job_id)
        _end(job, BulkStatus.ERRORED, f"{type(problem).__name__}: {problem}"[:500])


def _claim(job_id: int) -> BulkJob | None:
    now = timezone.now()
    free = Q(beat_at=None) | Q(beat_at__lt=_silence())
    claimed = BulkJob.objects.filter(free, pk=job_id, status__in=UNFINISHED).update(
        status=BulkStatus.RUNNING, attempt=F("attempt") + 1, beat_at=now, started_at=Coalesce(F("started_at"), now)
    )
    return BulkJob.objects.select_related("project", "user").get(pk=job_id) if claimed else None


def is_waiting(job: BulkJob) -> bool:
    """Whether no worker is at it: not begun, between two turns, or silent for too long."""
    return job.beat_at is None or job.beat_at < _silence()


def _silence() -> datetime:
    return timezone.now() - timedelta(seconds=SILENT_AFTER)


def selection_of(job: BulkJob) -> Selection:
    """Raises FilterError where the filter has lost its meaning since."""
    if job.ids is not None:
        return Selection(job.project, ids=tuple(job.ids))
    return matching(job.project, job.user, job.filter, job.all_spans, job.created_at, job.zone, job.ceiling)


def _work(job: BulkJob, seconds: float) -> None:
    until = time.monotonic() + seconds
    selection = selection_of(job)
    if job.total is None and not job.reached:
        counted = selection.count(COUNT_SECONDS)
        if counted.kind == "exact":
            BulkJob.objects.filter(pk=job.pk, attempt=job.attempt).update(total=counted.n)
    for pack in _packs(job, selection):
        if not BulkJob.objects.filter(pk=job.pk, attempt=job.attempt, status=BulkStatus.RUNNING).exists():
            return
        if time.monotonic() > until:
            BulkJob.objects.filter(pk=job.pk, attempt=job.attempt).update(beat_at=None)
            ring(job.pk, job.attempt)
            return
        with transaction.atomic():
            changed, failed, problem = _act(job, pack.ids)
            progress = {"changed": F("changed") + changed, "failed": F("failed") + failed, "beat_at": timezone.now()}
            if pack.done:
                progress |= {"done": F("done") + pack.done, "reached": pack.reached}
            if problem:
                progress["error"] = problem
            if not BulkJob.objects.filter(pk=job.pk, attempt=job.attempt).update(**progress):
                raise GivenUp
    _end(job, BulkStatus.COMPLETED)


def _packs(job: BulkJob, selection: Selection) -> Iterator[Pack]:
    if not (job.kind == BulkKind.DELETE and job.spans_below):
        for chosen in selection.slices(job.reached, SLICE):
            yield Pack([id for id, _ in chosen], len(chosen), chosen[-1][1])
        return
    for chosen in selection.slices(job.reached, TRACES_AT_ONCE):
        yield from whole(chosen, below(job.project_id, [id for id, _ in chosen]), SLICE)


def whole(chosen: Chosen, hanging: dict[UUID, list[UUID]], most: int) -> Iterator[Pack]:
    """Each record after all spans below it, `most` of them in a transaction."""
    ids, done, reached = [], 0, ""
    for id, cursor in chosen:
        family = [*hanging.get(id, ()), id]
        if ids and len(ids) + len(family) > most:
            yield Pack(ids, done, reached)
            ids, done = [], 0
        while len(family) > most:
            yield Pack(family[:most], 0, "")
            family = family[most:]
        ids, done, reached = ids + family, done + 1, cursor
    if ids:
        yield Pack(ids, done, reached)


def _act(job: BulkJob, ids: Sequence[UUID]) -> tuple[int, int, str]:
    """(changed, failed, why) of one slice. A record that cannot take a tag more does not keep the others from it."""
    if job.kind == BulkKind.DELETE:
        return delete_records(job.project_id, ids), 0, ""
    if job.kind == BulkKind.UNTAG:
        return remove_tags(job.project_id, ids, job.tags), 0, ""
    try:
        with transaction.atomic():
            return add_tags(job.project_id, ids, job.tags), 0, ""
    except TagProblem:
        return _one_by_one(job, ids)


def _one_by_one(job: BulkJob, ids: Sequence[UUID]) -> tuple[int, int, str]:
    changed, failed, why = 0, 0, ""
    for id in sorted(ids):  # in the order in which every writer locks records
        try:
            with transaction.atomic():
                changed += add_tags(job.project_id, [id], job.tags)
        except TagProblem as problem:
            failed, why = failed + 1, str(problem).partition(";")[0]
    return changed, failed, why


def _end(job: BulkJob, status: BulkStatus, error: str = "") -> None:
    with transaction.atomic():
        ended = {"status": status, "ended_at": timezone.now()} | ({"error": error} if error else {})
        if status == BulkStatus.COMPLETED:
            ended["total"] = F("done")
        mine = BulkJob.objects.filter(pk=job.pk, attempt=job.attempt, status=BulkStatus.RUNNING)
        if mine.update(**ended):
            job.refresh_from_db()
            _note(job, job.by, "")


def _note(job: BulkJob, actor: object, step: str) -> None:
    """The trail tells what was asked for, and at the end what came of it."""
    detail = {"job": job.pk, "filter": job.filter, "tags": job.tags, "spans_below": job.spans_below}
    if step != "start":
        detail |= {"status": job.status, "done": job.done, "changed": job.changed, "failed": job.failed}
    audit.note(job.project, actor, f"records.{job.kind}{'.' if step else ''}{step}", job.words, **detail)

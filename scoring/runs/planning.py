"""Planning a scoring run: its records looked up slice by slice, a pending score added for each evaluator.

A slice's scores, its counts and where the next one starts are committed together. Only one plans at a time: who was
given up writes nothing more.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from records.filterlang import FilterError
from records.limits import MAX_ITEMS
from records.models import ScoreStatus
from records.scores import plan_scores
from records.search import SearchTimeout
from records.selection import Selection, matching
from scoring.models import AT_WORK, EvaluatorVersion, RunKind, RunStatus, ScoringRun
from scoring.runs import ringing
from scoring.runs.counting import span_of
from scoring.runs.steering import pause
from scoring.runs.tasks import task_of, versions_of, wanted

log = logging.getLogger(__name__)

TURN_SECONDS = 60.0  # then other jobs have theirs
SILENT_AFTER = 120  # seconds without a slice: who plans is given up
SLICE = MAX_ITEMS
RING_EVERY = 2.0  # seconds, while nobody is seen at work

# A retry's records, in the order of the errored scores; those that somebody has tried again since are left out.
ERRORED = """
SELECT s.id, s.record_id, s.evaluator FROM score s
WHERE s.project_id = %(p)s AND s.id > %(after)s AND s.id <= %(last)s AND s.run_id = %(run)s AND s.status = %(errored)s
  AND NOT EXISTS (SELECT FROM score n WHERE n.project_id = s.project_id AND n.record_id = s.record_id
    AND n.evaluator = s.evaluator AND n.id > s.id AND n.status < 2 AND n.run_id IS DISTINCT FROM %(own)s)
ORDER BY s.id LIMIT %(limit)s
"""


class GivenUp(Exception):
    """Somebody else plans this run now, or it was cancelled or paused: what the slice did is rolled back."""


def plan(run_id: int, seconds: float = TURN_SECONDS) -> None:
    """Plans until all is planned, or for `seconds`; then it is rung for again."""
    run = _claim(run_id)
    if run is None:
        return
    try:
        _plan(run, seconds)
    except GivenUp:
        _let_go(run)
    except OperationalError:  # an outage or a deadlock: nothing of this slice was kept, the next ring goes on
        _let_go(run)
        raise
    except FilterError as problem:
        pause(run.pk, f"The filter can no longer be read: {problem.message}")
        _let_go(run)
    except SearchTimeout as problem:
        pause(run.pk, str(problem))
        _let_go(run)


def is_silent(run: ScoringRun) -> bool:
    """Whether nobody plans it: not begun, between two turns, or given up."""
    return run.planner_beat_at is None or run.planner_beat_at < _silence()


def _silence() -> datetime:
    return timezone.now() - timedelta(seconds=SILENT_AFTER)


def _claim(run_id: int) -> ScoringRun | None:
    free = Q(planner_beat_at=None) | Q(planner_beat_at__lt=_silence())
    unplanned = ScoringRun.objects.filter(free, pk=run_id, status__in=AT_WORK, planned_at=None)
    claimed = unplanned.exclude(kind=RunKind.EXPERIMENT).update(  # that is fed, see `feeding`
        attempt=F("attempt") + 1, planner_beat_at=timezone.now()
    )
    return ScoringRun.objects.select_related("project", "user", "retry_of").get(pk=run_id) if claimed else None


def _let_go(run: ScoringRun) -> None:
    ScoringRun.objects.filter(pk=run.pk, attempt=run.attempt).update(planner_beat_at=None)


def selection_of(run: ScoringRun) -> Selection:
    """Raises FilterError where the filter has lost its meaning since."""
    if run.ids is not None:
        return Selection(run.project, ids=tuple(run.ids))
    return matching(run.project, run.user, run.filter, run.all_spans, run.created_at, run.zone, run.ceiling)


def _plan(run: ScoringRun, seconds: float) -> None:
    until, rung_at = time.monotonic() + seconds, 0.0
    versions = versions_of(run)
    slices = _errored(run, versions) if run.kind == RunKind.RETRY else _selected(run, versions)
    for number, (chosen, looked_at, reached) in enumerate(slices):
        _slice(run, chosen, looked_at, reached)
        if time.monotonic() - rung_at > RING_EVERY and (not number or not _is_worked_on(run)):
            rung_at = time.monotonic()
            ringing.ring_workers(run.pk)
        if time.monotonic() > until:
            _let_go(run)
            ringing.ring_planner(run.pk)
            return
    ended = ScoringRun.objects.filter(pk=run.pk, attempt=run.attempt, status__in=AT_WORK)
    if ended.update(planned_at=timezone.now(), status=RunStatus.RUNNING, planner_beat_at=None):
        ringing.ring_workers(run.pk)  # also where there is nothing to do: a worker ends the run
    else:
        _let_go(run)


def _is_worked_on(run: ScoringRun) -> bool:
    since = timezone.now() - timedelta(seconds=RING_EVERY)
    return ScoringRun.objects.filter(pk=run.pk, beat_at__gt=since).exists()


Chosen = list[tuple[EvaluatorVersion, list[UUID]]]


def _selected(run: ScoringRun, versions: Sequence[EvaluatorVersion]) -> Iterator[tuple[Chosen, int, str]]:
    """(which records each evaluator is run on, records looked at, cursor) a slice."""
    room = run.limit - run.records if run.limit is not None else None
    for found in selection_of(run).slices(run.reached, SLICE):
        if room is not None and room <= 0:
            return
        records = [id for id, _ in found]
        chosen = wanted(run.project_id, run.mode, versions, records)
        reached = found[-1][1]
        if room is not None:
            some = {id for _, ids in chosen for id in ids}
            kept = set([id for id in records if id in some][:room])
            chosen = [(version, [id for id in ids if id in kept]) for version, ids in chosen]
            room -= len(kept)
        yield chosen, len(records), reached


def _errored(run: ScoringRun, versions: Sequence[EvaluatorVersion]) -> Iterator[tuple[Chosen, int, str]]:
    """The same of the scores that errored in another run."""
    first, last = span_of(run.retry_of)
    after = UUID(run.reached) if run.reached else first
    by_slug = {version.evaluator.slug: version for version in versions}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                ERRORED,
                {"p": run.project_id, "run": run.retry_of_id, "own": run.pk, "errored": ScoreStatus.ERRORED,
                 "after": after, "last": last, "limit": SLICE},
            )  # fmt: skip
            found = cursor.fetchall()
        if not found:
            return
        after = found[-1][0]
        chosen = [(version, [record for _, record, slug in found if slug == name]) for name, version in by_slug.items()]
        yield chosen, len({record for _, record, _ in found}), str(after)


def _slice(run: ScoringRun, chosen: Chosen, looked_at: int, reached: str) -> None:
    """Evaluators with the same records go together; the last group's transaction moves the cursor."""
    groups: dict[tuple[UUID, ...], list[EvaluatorVersion]] = {}
    for version, ids in chosen:
        if ids:
            groups.setdefault(tuple(ids), []).append(version)
    seen: set[UUID] = set()
    for n, (ids, versions) in enumerate(groups.items(), 1):
        with transaction.atomic():
            planned = plan_scores(run.project_id, ids, [task_of(run, version) for version in versions])
            last = {"looked_at": looked_at, "reached": reached} if n == len(groups) else {}
            _advance(run, planned=planned, records=len(set(ids) - seen) if planned else 0, **last)
        seen |= set(ids)
    if not groups:
        _advance(run, looked_at=looked_at, reached=reached)


def _advance(run: ScoringRun, reached: str | None = None, **counts: int) -> None:
    """Last in its transaction: the run's row is hot. Raises GivenUp."""
    fields: dict[str, object] = {name: F(name) + n for name, n in counts.items()}
    fields["planner_beat_at"] = timezone.now()
    if reached is not None:
        fields["reached"] = reached
    if not ScoringRun.objects.filter(pk=run.pk, attempt=run.attempt, status__in=AT_WORK).update(**fields):
        raise GivenUp

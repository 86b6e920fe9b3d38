"""What people and failures do to a run: cancel, pause, resume, retry what errored; and how it ends."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from evalhub import audit
from evalhub.models import Role, User
from records.cells import money
from records.scores import cancel_pending
from scoring.models import AT_WORK, RunKind, RunStatus, ScoringRun
from scoring.runs import ringing
from scoring.runs.counting import has_pending, recount

log = logging.getLogger(__name__)

AT_ONCE = 2_000  # scores left that a cancel takes away by itself; more of them are a worker's
BEAT_SECONDS = 3  # a worker that has flushed since then is at work and sees the cancel by itself


class NotNow(Exception):
    """The run is in no state for that; the text says why."""


def cancel(run: ScoringRun, actor: object) -> bool:
    """Ends a run: no more calls, its pending scores go, what has a result stays. False when it was over already."""
    with transaction.atomic():
        mine = ScoringRun.objects.filter(pk=run.pk, status__in=(*AT_WORK, RunStatus.PAUSED))
        if not mine.update(status=RunStatus.CANCELLING, reason=""):
            return False
        audit.note(run.project, actor, "run.cancel", run.number, words=run.words)
    run.refresh_from_db()
    if run.left <= AT_ONCE:
        end_cancelled(run)
    if not run.is_over:
        ringing.ring_planner(run.pk)  # the first queue: whoever takes it takes the pending scores away
    run.refresh_from_db()
    return True


def end_cancelled(run: ScoringRun) -> None:
    """Takes the pending scores of a cancelled run away; it is over once no worker holds any."""
    gone = cancel_pending(run.project_id, run.pk)
    if gone:
        ScoringRun.objects.filter(pk=run.pk).update(cancelled=F("cancelled") + gone)
    if not has_pending(run):
        _end(run, RunStatus.CANCELLING, RunStatus.CANCELLED)


def end_finished(run: ScoringRun) -> bool:
    """The run is finished when all is planned and nothing is pending; whether it is."""
    planned = ScoringRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, planned_at__isnull=False).exists()
    return planned and not has_pending(run) and _end(run, RunStatus.RUNNING, RunStatus.FINISHED)


def _end(run: ScoringRun, before: RunStatus, after: RunStatus) -> bool:
    recount(run)
    with transaction.atomic():
        mine = ScoringRun.objects.filter(pk=run.pk, status=before)
        if not mine.update(status=after, ended_at=timezone.now()):
            return False
        run.refresh_from_db()
        counts = {name: getattr(run, name) for name in ("completed", "errored", "skipped", "cancelled")}
        audit.note(run.project, run.by, f"run.{after}", run.number, **counts)
    return True


def pause(run_id: int, reason: str) -> bool:
    """No more is claimed, and the reason is shown, until somebody resumes it. What is at work is put back."""
    paused = ScoringRun.objects.filter(pk=run_id, status__in=AT_WORK).update(
        status=RunStatus.PAUSED, reason=reason[:2000]
    )
    if paused:
        log.warning("Scoring run %s is paused: %s", run_id, reason)
    return bool(paused)


def resume(run: ScoringRun, user: User | str, role: Role) -> None:
    """Goes on where it was paused. Over its cost limit only an editor may, who lifts the limit. Raises NotNow."""
    run.refresh_from_db()
    if run.status != RunStatus.PAUSED:
        raise NotNow("Only a paused run can be resumed.")
    limit = run.cost_limit
    if limit is not None and run.cost >= limit:
        if role < Role.EDITOR:
            raise NotNow(f"The run has reached its cost limit of {money(limit)}: an editor may let it go on.")
        limit = None
    status = RunStatus.PLANNING if run.planned_at is None else RunStatus.RUNNING
    with transaction.atomic():
        mine = ScoringRun.objects.filter(pk=run.pk, status=RunStatus.PAUSED)
        if not mine.update(status=status, reason="", cost_limit=limit, beat_at=None):
            raise NotNow("Somebody else was faster.")
        audit.note(run.project, user, "run.resume", run.number)
    run.refresh_from_db()
    ring(run)


def ring(run: ScoringRun) -> None:
    """Tells whoever is needed next."""
    if run.status == RunStatus.CANCELLING or (run.status == RunStatus.PLANNING and run.planned_at is None):
        ringing.ring_planner(run.pk)
    if run.status in AT_WORK and run.planned:
        ringing.ring_workers(run.pk)


def is_waiting(run: ScoringRun) -> bool:
    """Whether nobody has been seen at work on an unfinished run for a moment. One that is fed may have no work yet."""
    if run.kind == RunKind.EXPERIMENT and not run.left:
        return False
    beats = [beat for beat in (run.beat_at, run.planner_beat_at) if beat]
    return run.status in AT_WORK and not (beats and max(beats) > timezone.now() - timedelta(seconds=10 * BEAT_SECONDS))


def over_limit(run: ScoringRun) -> str:
    """Why the run may spend no more; empty where it may."""
    if run.cost_limit is not None and run.cost >= run.cost_limit:
        return f"The cost limit of {money(run.cost_limit)} is reached: {money(run.cost)} spent."
    return ""

"""Scoring runs that are fed: somebody else brings their records, one batch after the other, and says when it was all.

An experiment's outputs are scored while others are still being made. Nothing of such a run is planned from a selection,
so no planner ever claims it; everything after that (claiming, pausing, cancelling, counting) is as in any run.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from evalhub.models import Project, Role, User
from records.scores import plan_scores
from scoring.models import AT_WORK, EvaluatorVersion, RunKind, RunStatus, ScoringRun
from scoring.runs import ringing
from scoring.runs.starting import begin
from scoring.runs.steering import NotNow
from scoring.runs.tasks import task_of, versions_of


def open_run(project: Project, versions: Sequence[EvaluatorVersion], by: User | str, words: str) -> ScoringRun:
    """With just these versions, whatever is current when a record comes; `words` say what it scores."""
    run = ScoringRun(project=project, kind=RunKind.EXPERIMENT, ids=[], words=words)
    return begin(run, versions, by, Role.EDITOR)


def feed(run: ScoringRun, records: Sequence[UUID], versions: Sequence[EvaluatorVersion] | None = None) -> int:
    """Plans scores by the run's evaluators, or some of them, on at most 1,000 records; how many were not there already.

    In the caller's transaction, in which no roll-up may have been written before. Raises NotNow where the run is over.
    """
    if not records:
        return 0
    tasks = [task_of(run, version) for version in (versions_of(run) if versions is None else versions)]
    with transaction.atomic():
        planned = plan_scores(run.project_id, records, tasks)
        n = len(set(records)) if planned else 0
        open_ones = ScoringRun.objects.filter(pk=run.pk, status__in=(*AT_WORK, RunStatus.PAUSED))
        if not open_ones.update(planned=F("planned") + planned, records=F("records") + n, looked_at=F("looked_at") + n):
            raise NotNow(f"{run} is over.")
        transaction.on_commit(lambda: ringing.ring_workers(run.pk))
    return planned


def close_run(run: ScoringRun) -> None:
    """No more comes: the run is finished once nothing of it is pending. A paused one goes on when it is resumed."""
    if ScoringRun.objects.filter(pk=run.pk, planned_at=None).update(planned_at=timezone.now()):
        ScoringRun.objects.filter(pk=run.pk, status__in=AT_WORK).update(status=RunStatus.RUNNING)
        ringing.ring_workers(run.pk)

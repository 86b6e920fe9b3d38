"""What people do to an experiment: cancel, resume, retry what failed, score its outputs again. All audited."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from evalhub import audit
from evalhub.models import User
from experiments.models import (
    UNFINISHED,
    Experiment,
    ExperimentRow,
    ExperimentState,
    RowState,
    ScoreSet,
    Workflow,
)
from experiments.running import ringing, scores
from experiments.running.starting import add_set
from scoring.models import Evaluator
from scoring.runs import steering as scoring
from scoring.runs.starting import versions_now
from scoring.runs.steering import NotNow

AGAIN = (RowState.ERRORED, RowState.EXPIRED, RowState.CANCELLED)
MOST_SETS = 50
AT_ONCE_SECONDS = 0.5  # of planning scores before the answer


def cancel(experiment: Experiment, actor: object) -> bool:
    """Ends it: no more calls, nothing is claimed any more, what has its output or its scores keeps them. False when it
    was over already."""
    with transaction.atomic():
        mine = Experiment.objects.filter(pk=experiment.pk, state__in=UNFINISHED)
        if not mine.update(state=ExperimentState.CANCELLED, finished_at=timezone.now(), reason=""):
            return False
        free = Q(state=RowState.PENDING) | Q(state=RowState.RUNNING, lease_until__lt=timezone.now())
        if experiment.workflow == Workflow.CUSTOM:  # a client learns of it when it submits
            free |= Q(state=RowState.RUNNING)
        ExperimentRow.objects.filter(free, experiment=experiment).update(state=RowState.CANCELLED, lease_until=None)
        audit.note(experiment.project, actor, "experiment.cancel", experiment.slug)
    for run in scores.runs_of_set(experiment):
        scoring.cancel(run, actor)
    ringing.ring(experiment.pk)
    experiment.refresh_from_db()
    return True


def resume(experiment: Experiment, actor: object) -> None:
    """Goes on where it was stopped for a reason. Raises NotNow."""
    with transaction.atomic():
        stopped = Experiment.objects.filter(pk=experiment.pk, state__in=UNFINISHED).exclude(reason="")
        if not stopped.update(reason="", beat_at=timezone.now()):
            raise NotNow("It is not stopped: there is nothing to resume.")
        audit.note(experiment.project, actor, "experiment.resume", experiment.slug)
    experiment.refresh_from_db()
    ringing.ring(experiment.pk)


def retry(experiment: Experiment, actor: object) -> int:
    """Rows that errored, expired or were cancelled once more: those without an output make it anew, the others get the
    scores that they lack, by the frozen versions. How many rows. Raises NotNow where there are none."""
    with transaction.atomic():
        Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk)
        again = ExperimentRow.objects.filter(experiment=experiment, state__in=AGAIN)
        scored = again.exclude(generated_at=None).update(state=RowState.GENERATED, scores_planned=False, error="")
        made = again.filter(generated_at=None).update(
            state=RowState.PENDING, generation=F("generation") + 1, attempts=0, error="", record_id=None, finish="",
            lease_until=None, not_before=None, tokens=None, cost=None, latency_ms=None, claimed_by="",
        )  # fmt: skip
        if not scored + made:
            raise NotNow("No row has errored, expired or been cancelled: there is nothing to retry.")
        expires = timezone.now() + timedelta(seconds=experiment.timeout)
        Experiment.objects.filter(pk=experiment.pk).update(
            state=ExperimentState.RUNNING, started_at=timezone.now(), finished_at=None, totals={}, reason="",
            beat_at=timezone.now(),
            expires_at=expires if experiment.workflow == Workflow.CUSTOM else None,
        )  # fmt: skip
        audit.note(experiment.project, actor, "experiment.retry", experiment.slug, made=made, scored=scored)
    experiment.refresh_from_db()
    ringing.ring(experiment.pk)
    return scored + made


def score_again(experiment: Experiment, evaluators: Sequence[Evaluator], by: User | str, name: str = "") -> ScoreSet:
    """Runs evaluators, in their present versions, over the stored outputs: a further set beside what is there, which
    stays as it is. Raises NotNow."""
    if not evaluators:
        raise NotNow("Choose at least one evaluator.")
    outputs = ExperimentRow.objects.filter(experiment=experiment).exclude(generated_at=None)
    if not outputs.exists():
        raise NotNow("There is no output yet that could be scored.")
    if experiment.sets.count() >= MOST_SETS:
        raise NotNow(f"An experiment has at most {MOST_SETS} sets of scores.")
    versions = versions_now(evaluators)
    with transaction.atomic():
        Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk)
        made = add_set(experiment, versions, by, name.strip()[:120] or ", ".join(map(str, versions))[:120])
        audit.note(
            experiment.project, by, "experiment.rescore", experiment.slug, set=made.number,
            evaluators=[str(version) for version in versions],
        )  # fmt: skip
    scores.feed_set(made, AT_ONCE_SECONDS)
    ringing.ring(experiment.pk)
    return made

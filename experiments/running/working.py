"""A turn's work on an experiment: rows planned, outputs made, scores handed over and worked off, rows settled.

The job takes turns at the scoring as well, so that it sees it end; where several workers are there, the scoring run has
jobs of its own too. The next turn is a job behind whatever waits in the queue.
"""

import logging
import time

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from experiments.models import (
    MAKES_OUTPUTS,
    UNFINISHED,
    WAITING,
    Experiment,
    ExperimentRow,
    ExperimentState,
    RowState,
)
from experiments.running import cases, expiring, planning, ringing, rows, scores
from experiments.running.counting import totals_at_the_end
from experiments.running.generating import CannotAsk, Generator, call_of
from scoring.models import AT_WORK
from scoring.runs import working as scoring

log = logging.getLogger(__name__)

TURN_SECONDS = 20.0
NAP_SECONDS = 1.0
LONGEST_WAIT = 60.0  # for a row that may not be tried before: longer ones wait for the sweeper


def work(experiment_id: int) -> None:
    """A turn's work, then a ring for the next."""
    try:
        more = take_turn(experiment_id)
    except Experiment.DoesNotExist:
        log.info("Experiment %s was deleted while it was worked on.", experiment_id)
        return
    if more:
        ringing.ring_successor(experiment_id)


def take_turn(experiment_id: int, seconds: float = TURN_SECONDS) -> bool:
    """Works for about `seconds`, and ends the experiment where nothing is left; whether a worker has more to do."""
    until = time.monotonic() + seconds
    experiment = _found(experiment_id)
    if experiment is None:
        return False
    for made in scores.unfed_sets(experiment):
        scores.feed_set(made, seconds)
    if experiment.is_over:
        settle(experiment)
        return has_more(experiment)
    _begin(experiment)
    cases.look_at_all(experiment)
    planning.plan(experiment, seconds / 2)
    while not experiment.is_over and not experiment.reason:
        _make(experiment, until)
        settle(experiment)
        _score(experiment, until)
        settle(experiment)
        if not has_more(experiment):
            return False
        if time.monotonic() > until:
            return True
        time.sleep(max(0.0, min(NAP_SECONDS, until - time.monotonic())))
        Experiment.objects.filter(pk=experiment.pk).update(beat_at=timezone.now())
    settle(experiment)
    return False


def has_more(experiment: Experiment) -> bool:
    """Whether something is left that a worker may do now or soon."""
    if scores.unfed_sets(experiment):
        return True
    if experiment.is_over:
        return False
    if experiment.planned_at is None or scores.unplanned(experiment):
        return True
    if any(run.status in AT_WORK and run.left for run in scores.runs_of_set(experiment)):
        return True
    due = rows.seconds_until_due(experiment) if experiment.workflow in MAKES_OUTPUTS else None
    return due is not None and due <= LONGEST_WAIT


def settle(experiment: Experiment) -> None:
    """Hands over, settles, and ends what has nothing left to do. May be called at any time, by anybody."""
    if experiment.is_over:
        if experiment.state == ExperimentState.CANCELLED and not experiment.totals:
            _settle_cancelled(experiment)
        return
    expiring.expire(experiment)
    if experiment.workflow in MAKES_OUTPUTS:
        rows.give_up_lost(experiment)
    scores.hand_over(experiment)
    if experiment.planned_at and not _rows(experiment, *WAITING) and not scores.unplanned(experiment):
        scores.close(experiment)
    scores.settle(experiment)
    _finish(experiment)


def _found(experiment_id: int) -> Experiment | None:
    its = Experiment.objects.select_related("project", "user", "provider", "prompt_version__prompt")
    return its.select_related("prompt_version__provider", "dataset").filter(pk=experiment_id).first()


def _begin(experiment: Experiment) -> None:
    now = timezone.now()
    Experiment.objects.filter(pk=experiment.pk, state=ExperimentState.PENDING).update(
        state=ExperimentState.RUNNING, started_at=now
    )
    Experiment.objects.filter(pk=experiment.pk).update(beat_at=now)
    experiment.refresh_from_db(fields=["state", "started_at", "beat_at"])


def _make(experiment: Experiment, until: float) -> None:
    """Makes outputs, where there are any to make now."""
    if experiment.workflow not in MAKES_OUTPUTS or rows.seconds_until_due(experiment) != 0:
        return
    try:
        Generator(experiment, call_of(experiment), lambda: scores.hand_over(experiment)).work(until)
    except CannotAsk as why:
        _pause(experiment, str(why))
    except (DatabaseError, Experiment.DoesNotExist):
        raise
    except Exception as problem:
        log.exception("Experiment %s failed.", experiment.pk)
        _pause(experiment, f"EvalHub failed. {type(problem).__name__}: {problem}"[:500])
    experiment.refresh_from_db(fields=["state", "reason"])


def _pause(experiment: Experiment, reason: str) -> None:
    Experiment.objects.filter(pk=experiment.pk, state__in=UNFINISHED).update(reason=reason)
    experiment.reason = reason


def _score(experiment: Experiment, until: float) -> None:
    """A share of the scoring, for what is left of the turn."""
    for run in scores.runs_of_set(experiment):
        if run.status in AT_WORK and run.left and time.monotonic() < until:
            scoring.take_turn(run.pk, until - time.monotonic())


def _rows(experiment: Experiment, *states: str) -> bool:
    return ExperimentRow.objects.filter(experiment=experiment, state__in=states).exists()


def _finish(experiment: Experiment) -> bool:
    """Over it is when all rows are planned and each has come to its end. Not while a score of one is pending."""
    if not experiment.planned_at or _rows(experiment, *WAITING):
        return False
    if _rows(experiment, RowState.GENERATED) and scores.versions_of_set(experiment):
        return False
    failed = _rows(experiment, RowState.ERRORED, RowState.EXPIRED)
    state = ExperimentState.COMPLETED_WITH_ERRORS if failed else ExperimentState.COMPLETED
    ended = Experiment.objects.filter(pk=experiment.pk, state__in=UNFINISHED).update(
        state=state, finished_at=timezone.now(), totals=totals_at_the_end(experiment), reason=""
    )
    experiment.refresh_from_db()
    return bool(ended)


def _settle_cancelled(experiment: Experiment) -> None:
    """What was scored by then stays; what was not is cancelled once no worker holds any of it."""
    scores.settle(experiment, unscored=RowState.CANCELLED)
    here = ExperimentRow.objects.filter(experiment=experiment)
    free = Q(state=RowState.PENDING) | Q(state=RowState.RUNNING, lease_until__lt=timezone.now())
    here.filter(free).update(state=RowState.CANCELLED, lease_until=None)
    if scores.versions_of_set(experiment):
        here.filter(state=RowState.GENERATED, scores_planned=False).update(state=RowState.CANCELLED)
    moving = [RowState.RUNNING, *([RowState.GENERATED] if scores.versions_of_set(experiment) else [])]
    if not _rows(experiment, *moving):
        Experiment.objects.filter(pk=experiment.pk).update(totals=totals_at_the_end(experiment))

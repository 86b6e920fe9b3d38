"""For the sweeper: experiments whose job was lost are rung for, rows expire, and what has nothing left to do ends."""

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from experiments.models import UNFINISHED, Experiment, ExperimentState, ScoreSet
from experiments.running import ringing
from experiments.running.working import has_more, settle

log = logging.getLogger(__name__)

SILENT_AFTER = timedelta(seconds=45)  # a worker gives a sign of life every second


def heal() -> None:
    """One experiment's failure is its own: the others go on."""
    unsettled = Q(state__in=UNFINISHED) | Q(state=ExperimentState.CANCELLED, totals={})
    unfed = Q(pk__in=ScoreSet.objects.filter(planned_at=None).values("experiment"))
    found = Experiment.objects.filter(unsettled | unfed).select_related("project", "user")
    for experiment in found.order_by("id"):
        try:
            _heal(experiment)
        except Exception:
            log.exception("Experiment %s could not be healed.", experiment.pk)


def _heal(experiment: Experiment) -> None:
    settle(experiment)
    seen = experiment.beat_at or experiment.created_at
    silent = seen < timezone.now() - SILENT_AFTER
    if silent and not experiment.reason and has_more(experiment):
        ringing.ring(experiment.pk, silent=True)

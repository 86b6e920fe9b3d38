"""Rows of a custom experiment that nobody has submitted in time."""

from django.db.models import Q
from django.utils import timezone

from experiments.models import Experiment, ExperimentRow, RowState


def expire(experiment: Experiment) -> int:
    """Ends rows that still wait when the experiment's time is over; how many. One that a client holds has its lease."""
    now = timezone.now()
    if experiment.expires_at is None or experiment.expires_at > now:
        return 0
    waiting = Q(state=RowState.PENDING) | Q(state=RowState.RUNNING, lease_until__lt=now)
    return ExperimentRow.objects.filter(waiting, experiment=experiment).update(
        state=RowState.EXPIRED, lease_until=None, error="Nobody submitted it in time."
    )

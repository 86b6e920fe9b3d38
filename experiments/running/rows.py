"""Rows in a worker's hands: claimed for a while, held, given back. The attempt number is the fence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from experiments.models import Experiment, ExperimentRow, ExperimentState, RowState, Workflow
from experiments.workflows.spans import Case

MAX_ATTEMPTS = 8  # of one row: more would be a case that kills its worker, or a provider that never answers


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row until its lease ends. A result counts only while the row is running at this attempt."""

    id: int
    attempts: int
    case: Case


def claim(experiment: Experiment, limit: int, lease_seconds: float, by: str = "") -> list[Claimed]:
    """Takes up to `limit` rows that wait, or whose holder's lease has ended, in their order. Waits for nobody.

    A row that took its worker with it MAX_ATTEMPTS times is not taken again (see `give_up_lost`); one that clients did
    not bring back is offered until it expires.
    """
    now = timezone.now()
    lost = Q(state=RowState.RUNNING, lease_until__lt=now)
    if experiment.workflow != Workflow.CUSTOM:
        lost &= Q(attempts__lt=MAX_ATTEMPTS)
    due = Q(not_before=None) | Q(not_before__lte=now)
    rows = ExperimentRow.objects.filter(Q(state=RowState.PENDING) | lost, due, experiment=experiment)
    with transaction.atomic():
        ids = list(rows.order_by("id").select_for_update(skip_locked=True).values_list("id", flat=True)[:limit])
        mine = ExperimentRow.objects.filter(id__in=ids)
        mine.update(
            state=RowState.RUNNING, lease_until=now + timedelta(seconds=lease_seconds), attempts=F("attempts") + 1,
            claimed_by=by[:160], not_before=None,
        )  # fmt: skip
        found = mine.select_related("item").order_by("id")
        return [Claimed(row.id, row.attempts, case_of(experiment, row)) for row in found]


def case_of(experiment: Experiment, row: ExperimentRow) -> Case:
    item = row.item
    return Case(
        row.id, row.generation, experiment.name, experiment.label, row.case_id, row.epoch, item.inputs, item.expected,
        item.metadata, tuple(item.tags),
    )  # fmt: skip


def still_mine(claimed: Iterable[Claimed]) -> list[Claimed]:
    """Those that nobody else has claimed since, locked in their order until the transaction ends."""
    by_id = {one.id: one for one in claimed}
    rows = ExperimentRow.objects.filter(id__in=list(by_id), state=RowState.RUNNING).order_by("id")
    locked = rows.select_for_update().values_list("id", "attempts", "generation")
    return [
        one for id, attempts, generation in locked
        if (one := by_id[id]).attempts == attempts and one.case.generation == generation
    ]  # fmt: skip


def hold(claimed: Sequence[Claimed], lease_seconds: float) -> None:
    """For `lease_seconds` from now."""
    until = timezone.now() + timedelta(seconds=lease_seconds)
    with transaction.atomic():
        ids = [one.id for one in still_mine(claimed)]
        ExperimentRow.objects.filter(id__in=ids).update(lease_until=until)


def put_back(
    experiment: Experiment, claimed: Sequence[Claimed], reason: str = "", seconds: float = 0.0, *,
    give_back_attempt: bool = False,
) -> None:  # fmt: skip
    """Leaves claimed rows pending, with the reason, for so many seconds; of a cancelled experiment, cancelled."""
    if not claimed:
        return
    with transaction.atomic():
        ids = [one.id for one in still_mine(claimed)]
        rows = ExperimentRow.objects.filter(id__in=ids)
        if Experiment.objects.filter(pk=experiment.pk, state=ExperimentState.CANCELLED).exists():
            rows.update(state=RowState.CANCELLED, lease_until=None)
            return
        rows.update(
            state=RowState.PENDING, lease_until=None, error=reason, attempts=F("attempts") - int(give_back_attempt),
            not_before=timezone.now() + timedelta(seconds=seconds) if seconds else None,
        )  # fmt: skip


def give_up_lost(experiment: Experiment) -> int:
    """Errors rows that took their worker with them MAX_ATTEMPTS times; how many."""
    lost = ExperimentRow.objects.filter(
        experiment=experiment, state=RowState.RUNNING, lease_until__lt=timezone.now(), attempts__gte=MAX_ATTEMPTS
    )
    error = f"Given up after {MAX_ATTEMPTS} attempts: whatever had it died each time."
    return lost.update(state=RowState.ERRORED, lease_until=None, error=error)


def seconds_until_due(experiment: Experiment) -> float | None:
    """Until a row that nobody holds may be claimed, 0 where one may be now; None where there is none."""
    now = timezone.now()
    rows = ExperimentRow.objects.filter(
        Q(state=RowState.PENDING) | Q(state=RowState.RUNNING, lease_until__lt=now), experiment=experiment
    )
    if rows.filter(Q(not_before=None) | Q(not_before__lte=now)).exists():
        return 0.0
    first = rows.order_by("not_before").values_list("not_before", flat=True).first()
    return None if first is None else (first - now).total_seconds()

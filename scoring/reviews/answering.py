"""One person at work on a request for review: the next record, an answer, declining, leaving for later, undoing."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from evalhub.models import User
from records import reviewing
from records.models import ScoreStatus
from records.reviewing import Slot
from records.scores import ScoreResult, complete
from records.values import TypedValue
from scoring.models import ReviewRequest
from scoring.reviews.asking import settle_end
from scoring.reviews.counting import has_waiting

HELD_FOR = timedelta(minutes=30)  # then somebody else may have the record; answering takes it again if it is free

NO_ROOM = "All reviews of this record are in, or yours was already: this answer was not stored."


class NotWanted(Exception):
    """The answer was not stored; the text says why."""


def next_slot(request: ReviewRequest, person: User, after: Slot | None = None) -> Slot | None:
    """The next one behind `after`, else from the beginning again. None: nothing waits for this person."""
    if not request.takes_answers:
        return None
    seconds = HELD_FOR.total_seconds()
    found = None
    if after is not None:
        found = reviewing.take(request.project_id, request.task_keys, person.pk, seconds, after=after)
    return found or reviewing.take(request.project_id, request.task_keys, person.pk, seconds)


def held(request: ReviewRequest, person: User, record_id: UUID) -> Slot | None:
    return reviewing.held(request.project_id, request.task_keys, person.pk, record_id)


def answer(
    request: ReviewRequest, person: User, record_id: UUID, value: TypedValue, metric_version: int, comment: str = ""
) -> Slot:
    """Stores a person's value in their slot of this record. Raises NotWanted."""
    return _fill(
        request, person, record_id, ScoreStatus.COMPLETED, value=value, metric_version=metric_version, reasoning=comment
    )


def decline(request: ReviewRequest, person: User, record_id: UUID, reason: str = "") -> Slot:
    """The person cannot judge this record: their slot is skipped, with the reason. Raises NotWanted."""
    return _fill(request, person, record_id, ScoreStatus.SKIPPED, reasoning=reason)


def leave(request: ReviewRequest, person: User, record_id: UUID) -> Slot | None:
    """For later, or for somebody else; the slot that was left."""
    slot = held(request, person, record_id)
    if slot is not None:
        reviewing.let_go(request.project_id, slot.id, person.pk)
    return slot


def undo(request: ReviewRequest, person: User, record_id: UUID) -> Slot:
    """Takes the person's own answer back; the record is in their hands again. Raises NotWanted."""
    if not request.takes_answers:
        raise NotWanted("This request is closed: its answers stay.")
    slot = reviewing.reopen(request.project_id, request.task_keys, person.pk, record_id, HELD_FOR.total_seconds())
    if slot is None:
        raise NotWanted("There is nothing of yours to undo on that record.")
    settle_end(request, waiting=True)
    return slot


def _fill(request: ReviewRequest, person: User, record_id: UUID, status: ScoreStatus, **fields: object) -> Slot:
    if not request.takes_answers:
        raise NotWanted("This request was closed meanwhile, so your answer was not stored.")
    before = held(request, person, record_id)
    slot = reviewing.take(
        request.project_id, request.task_keys, person.pk, HELD_FOR.total_seconds(), record_id=record_id
    )
    if slot is None:
        raise NotWanted(NO_ROOM)
    result = ScoreResult(
        slot.id, record_id, 0, status, scorer=person.get_username(), assignee_id=person.pk,
        duration_ms=_lasted(before), **fields,
    )  # fmt: skip
    if not complete(request.project_id, [result]):
        raise NotWanted(NO_ROOM)
    if not has_waiting(request):
        settle_end(request, waiting=False)
    return slot


def _lasted(slot: Slot | None) -> int | None:
    """Milliseconds since the record was taken; not known of one that was assigned."""
    if slot is None or slot.lease_until is None:
        return None
    return max(0, round((timezone.now() - (slot.lease_until - HELD_FOR)).total_seconds() * 1000))

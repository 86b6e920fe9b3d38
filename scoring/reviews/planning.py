"""Planning a request for review: its records looked up slice by slice, the slots of each added; and closing it.

Where the next slice starts is committed with the slice's last scores. Planning a slice twice adds nothing twice.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from records.filterlang import FilterError
from records.limits import MAX_ITEMS
from records.models import Rank, ScoreSource
from records.reviewing import withdraw
from records.scores import Task, plan_scores
from records.search import SearchTimeout
from records.selection import Selection, matching
from scoring.models import ReviewRequest, ReviewStatus
from scoring.reviews import ringing
from scoring.reviews.counting import has_waiting

TURN_SECONDS = 60.0  # then other jobs have theirs
AT_ONCE_SECONDS = 0.5
SILENT_AFTER = timedelta(seconds=120)  # without a slice: who plans is given up
AT_ONCE = 20_000  # slots that are taken away before the next look at the clock


class GivenUp(Exception):
    """Somebody else plans this request now, or it was closed: what the slice did is rolled back."""


def tend(request_id: int, seconds: float = TURN_SECONDS) -> None:
    """Plans, or closes, until that is done, or for `seconds`; then it is rung for again."""
    request = _claim(request_id)
    if request is None:
        return
    try:
        done = _close(request, seconds) if request.status == ReviewStatus.CLOSING else _plan(request, seconds)
        _let_go(request)
        if not done:
            ringing.ring(request.pk)
    except GivenUp:
        _let_go(request)
        if ReviewRequest.objects.filter(pk=request.pk, status=ReviewStatus.CLOSING).exists():
            ringing.ring(request.pk)
    except OperationalError:  # an outage or a deadlock: nothing of this slice was kept, the next ring goes on
        _let_go(request)
        raise
    except (FilterError, SearchTimeout) as problem:
        said = problem.message if isinstance(problem, FilterError) else str(problem)
        _mine(request).filter(status=ReviewStatus.PLANNING).update(status=ReviewStatus.OPEN, problem=said, beat_at=None)


def ring_lost() -> None:
    """For the sweeper: rings for what nobody is seen at."""
    left = Q(beat_at=None) | Q(beat_at__lt=timezone.now() - SILENT_AFTER)
    busy = [ReviewStatus.PLANNING, ReviewStatus.CLOSING]
    for id in ReviewRequest.objects.filter(left, status__in=busy).order_by("id").values_list("id", flat=True):
        ringing.ring(id)


def _claim(request_id: int) -> ReviewRequest | None:
    free = Q(beat_at=None) | Q(beat_at__lt=timezone.now() - SILENT_AFTER)
    claimed = ReviewRequest.objects.filter(
        free, pk=request_id, status__in=[ReviewStatus.PLANNING, ReviewStatus.CLOSING]
    ).update(attempt=F("attempt") + 1, beat_at=timezone.now())
    with_all = ReviewRequest.objects.select_related("project", "user", "version__evaluator")
    return with_all.get(pk=request_id) if claimed else None


def _mine(request: ReviewRequest):
    return ReviewRequest.objects.filter(pk=request.pk, attempt=request.attempt)


def _let_go(request: ReviewRequest) -> None:
    _mine(request).update(beat_at=None)


def selection_of(request: ReviewRequest) -> Selection:
    """Raises FilterError where the filter has lost its meaning since."""
    if request.ids is not None:
        return Selection(request.project, ids=tuple(request.ids))
    return matching(
        request.project, request.user, request.filter, request.all_spans, request.created_at, request.zone,
        request.ceiling,
    )  # fmt: skip


def _plan(request: ReviewRequest, seconds: float) -> bool:
    until = time.monotonic() + seconds
    people = sorted(request.assignees.values_list("id", flat=True))
    for found in selection_of(request).slices(request.reached, max(1, MAX_ITEMS // request.reviewers)):
        _slice(request, [id for id, _ in found], people, found[-1][1])
        if time.monotonic() > until:
            return False
    ended = {"status": ReviewStatus.OPEN}
    if not has_waiting(request):
        ended["ended_at"] = timezone.now()
    return bool(_mine(request).filter(status=ReviewStatus.PLANNING).update(**ended))


def _slice(request: ReviewRequest, records: Sequence[UUID], people: Sequence[int], reached: str) -> None:
    """Records with the same people go together; the last group's transaction moves the cursor."""
    groups: dict[int, list[UUID]] = {}
    for id in records:
        groups.setdefault(id.int % len(people) if people else 0, []).append(id)
    for n, (turn, ids) in enumerate(groups.items(), 1):
        with transaction.atomic():
            planned = plan_scores(request.project_id, ids, _tasks(request, people, turn))
            fields: dict[str, object] = {
                "beat_at": timezone.now(),
                "records": F("records") + planned // request.reviewers,
            }
            if n == len(groups):
                fields["reached"] = reached
            if not _mine(request).filter(status=ReviewStatus.PLANNING).update(**fields):
                raise GivenUp


def _tasks(request: ReviewRequest, people: Sequence[int], turn: int) -> list[Task]:
    version = request.version
    return [
        Task(
            metric_id=version.evaluator.metric_id,
            key=key,
            source=ScoreSource.HUMAN,
            rank=Rank.HUMAN,
            evaluator=version.evaluator.slug,
            evaluator_version_id=version.pk,
            version_no=version.number,
            assignee_id=people[(turn + slot) % len(people)] if people else None,
        )
        for slot, key in enumerate(request.task_keys)
    ]


def _close(request: ReviewRequest, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while has_waiting(request):
        if time.monotonic() > until:
            return False
        withdraw(request.project_id, request.task_keys, AT_ONCE)
        _mine(request).update(beat_at=timezone.now())
    closed = _mine(request).filter(status=ReviewStatus.CLOSING)
    return bool(closed.update(status=ReviewStatus.CLOSED, ended_at=timezone.now()))

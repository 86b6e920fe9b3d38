"""Asking people to score: which records, by which evaluator, how many people each, and who."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project, Role, User
from records.reviewing import withdraw
from records.selection import Selection
from scoring.models import Evaluator, EvaluatorType, ReviewRequest, ReviewStatus
from scoring.reviews import ringing
from scoring.reviews.planning import AT_ONCE_SECONDS, tend

AT_ONCE = 2_000  # waiting reviews that closing takes away by itself; more of them are a worker's


class ReviewProblem(ValueError):
    """A request that cannot be made, in words for who asked. Nothing was done."""


def human_evaluators(project: Project) -> QuerySet[Evaluator]:
    """Those by which people can be asked, with metric and current version."""
    return (
        Evaluator.objects.filter(
            project=project, type=EvaluatorType.HUMAN, archived_at=None, metric__archived_at=None, current__isnull=False
        )
        .select_related("metric", "current")
        .order_by("name", "id")
    )


def reviewers_of(project: Project) -> QuerySet[User]:
    """Who may score in the project, by name."""
    may = Q(memberships__project=project, memberships__role__gte=Role.REVIEWER)
    return User.objects.filter(may, is_active=True).order_by("username")


def request_review(
    selection: Selection,
    evaluator: Evaluator,
    by: User | str,
    *,
    reviewers: int | None = None,
    blind: bool = False,
    assignees: Sequence[User] = (),
    at_once: bool = True,
) -> ReviewRequest:
    """Asks people to score the selection by a human evaluator as it is now. Ticked records are planned `at_once`, which
    must not be inside an outer transaction; else by a worker.

    `reviewers` people each record, None: as many as the evaluator's version says. Raises ReviewProblem.
    """
    project, search = selection.project, selection.search
    if evaluator.type != EvaluatorType.HUMAN:
        raise ReviewProblem(f"{evaluator.slug} is not scored by people: re-score with it instead.")
    reviewers = evaluator.current.definition.get("reviewers", 1) if reviewers is None else reviewers
    if not 1 <= reviewers <= 20:
        raise ReviewProblem("From 1 to 20 people can review a record.")
    people = list(reviewers_of(project).filter(pk__in=[person.pk for person in assignees]))
    if len(people) != len({person.pk for person in assignees}):
        raise ReviewProblem("Only members who may score can be asked: reviewers, editors and admins.")
    if people and len(people) < reviewers:
        raise ReviewProblem(f"{reviewers} people are to review each record: choose at least {reviewers}, or nobody.")
    request = ReviewRequest(
        project=project, version=evaluator.current, reviewers=reviewers, blind=blind, words=selection.words(),
        user=by if isinstance(by, User) else None, by=str(by),
    )  # fmt: skip
    if search is None:
        request.ids = sorted(set(selection.ids))
    else:
        request.filter, request.all_spans, request.ceiling = selection.text, selection.all_spans, search.ceiling
        request.zone, request.created_at = str(search.zone), search.now
    with transaction.atomic():
        # One number after the other; records that refer to the project do not wait for this lock.
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        request.number = (ReviewRequest.objects.filter(project=project).aggregate(n=Max("number"))["n"] or 0) + 1
        request.save()
        request.assignees.set(people)
        audit.note(
            project, by, "review.request", request.number, words=request.words, filter=request.filter,
            evaluator=f"{evaluator.slug} v{evaluator.current.number}", reviewers=reviewers, blind=blind,
            assignees=[person.get_username() for person in people],
        )  # fmt: skip
    if request.ids is not None and at_once:
        tend(request.pk, AT_ONCE_SECONDS)
    else:
        ringing.ring(request.pk)
    request.refresh_from_db()
    return request


def close(request: ReviewRequest, actor: object) -> bool:
    """Takes back what is still waiting; what people have scored stays. False when it was closed already."""
    with transaction.atomic():
        mine = ReviewRequest.objects.filter(pk=request.pk, status__in=[ReviewStatus.PLANNING, ReviewStatus.OPEN])
        if not mine.update(status=ReviewStatus.CLOSING):
            return False
        audit.note(request.project, actor, "review.close", request.number, words=request.words)
    withdraw(request.project_id, request.task_keys, AT_ONCE)
    tend(request.pk, 0)
    request.refresh_from_db()
    return True


def may_close(request: ReviewRequest, user: User, role: Role) -> bool:
    return role >= Role.EDITOR or request.user_id == user.pk


def settle_end(request: ReviewRequest, waiting: bool) -> None:
    """Notes when nothing waits any more, or that something does again."""
    open_ = ReviewRequest.objects.filter(pk=request.pk, status=ReviewStatus.OPEN)
    if waiting:
        open_.filter(ended_at__isnull=False).update(ended_at=None)
    else:
        open_.filter(ended_at=None).update(ended_at=timezone.now())

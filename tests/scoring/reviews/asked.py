"""What tests of reviews begin with: a human evaluator, people who may score, a request."""

from uuid import UUID

from evalhub.models import Role, User
from records.models import Metric, Score, ScoreStatus, ValueType
from records.values import read_value
from scoring.evaluators import create_evaluator
from scoring.models import Evaluator, ReviewRequest
from scoring.reviews.answering import answer, next_slot
from scoring.reviews.asking import request_review
from tests import factories
from tests.scoring.running import ticked


def by_people(project, slug: str = "careful", metric: Metric | None = None, **definition) -> Evaluator:
    metric = metric or factories.metric(project, "solved", ValueType.BOOLEAN, passing_value=True)
    return create_evaluator(project, "anna", slug=slug, type="human", metric=metric, definition=definition)


def people(project, *names: str) -> list[User]:
    return [factories.member(project, Role.REVIEWER, name) for name in names]


def asked(project, ids, evaluator: Evaluator | None = None, **more) -> ReviewRequest:
    return request_review(ticked(project, ids), evaluator or by_people(project), "anna", **more)


def says(request: ReviewRequest, person: User, record_id: UUID, yes: bool, comment: str = ""):
    metric = request.version.evaluator.metric
    return answer(request, person, record_id, read_value(metric, {"boolean_value": yes}), metric.version, comment)


def answers(request: ReviewRequest):
    return Score.objects.filter(
        project=request.project, task_key__in=request.task_keys, status=ScoreStatus.COMPLETED
    ).order_by("id")


def works_off(request: ReviewRequest, person: User, yes: bool = True) -> list[UUID]:
    """All that waits for the person, answered alike; the records in their order."""
    done = []
    while slot := next_slot(request, person):
        says(request, person, slot.record_id, yes)
        done.append(slot.record_id)
    return done

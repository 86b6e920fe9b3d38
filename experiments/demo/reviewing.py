"""Requests for review that really happen: people asked, some of them done, and not always of one mind."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from evalhub.models import Project, User
from experiments.demo.setups import AUTHOR
from experiments.demo.stories import FIELD_OF, Plan
from records.models import Metric, Score, ScoreStatus
from records.selection import Selection
from records.values import TypedValue, read_value
from scoring.evaluators import evaluator_for
from scoring.models import ReviewRequest
from scoring.reviews.answering import answer, decline
from scoring.reviews.asking import request_review, reviewers_of
from scoring.reviews.disagreements import adjudicate, disagreements


@dataclass(frozen=True, slots=True)
class Said:
    """A value as the metric's type has it, what another person would say instead, and why."""

    value: Any
    instead: Any
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for the newest records that `judge` has scored, as many that pass as fail.

    `people`: how many of the records, from the first one on, each has scored. Every `doubtful`-th one is a matter of
    taste. `said`: what people make of what the judge said, by the bound from which on it holds for numbers, the
    highest first.
    """

    evaluator: str
    judge: str
    records: int
    reviewers: int
    hours_ago: float
    people: dict[str, int] = field(default_factory=dict)
    said: tuple[tuple[Any, Said], ...] = ()
    blind: bool = False
    doubtful: int = 5
    skipped: str = ""  # why the last one who reviews declines their last record; empty: they do not
    settled: int = 0  # disagreements on which the author has had the final word


def review(project: Project, asked: Asked, plan: Plan) -> int:
    """Asks, and answers as told; how many answers that were. Who is a real person of that name says nothing."""
    evaluator = evaluator_for(project, asked.evaluator)
    metric = evaluator.metric
    judged = _judged(project, metric, asked)
    request = request_review(
        Selection(project, ids=tuple(judged)), evaluator, AUTHOR, reviewers=asked.reviewers, blind=asked.blind
    )
    at = plan.now - timedelta(hours=asked.hours_ago)
    ReviewRequest.objects.filter(pk=request.pk).update(created_at=at)  # the demo's past is told, not lived
    rng, done = plan.rng(project.slug, asked.evaluator), 0
    for person in reviewers_of(project).filter(username__in=asked.people):
        done += _answers(request, person, metric, judged, asked, rng)
    for found in disagreements(request, most=asked.settled) if asked.settled else []:
        value = _typed(metric, _of(asked, judged[found.record_id]).value)
        adjudicate(request, metric, AUTHOR, found.record_id, value, "By the guidelines, as written.", str(done))
        done += 1
    return done


def _judged(project: Project, metric: Metric, asked: Asked) -> dict[UUID, Any]:
    """What the judge said, by record, newest first."""
    scores = Score.objects.filter(
        project=project, metric=metric, evaluator=asked.judge, status=ScoreStatus.COMPLETED, is_current=True
    ).order_by("-record_created_at", "-record_id")
    half = asked.records // 2
    chosen = [*scores.filter(passed=False)[:half], *scores.filter(passed=True)[: asked.records - half]]
    chosen.sort(key=lambda score: (score.record_created_at, score.record_id), reverse=True)
    return {score.record_id: getattr(score, FIELD_OF[metric.value_type]) for score in chosen}


def _answers(
    request: ReviewRequest, person: User, metric: Metric, judged: dict[UUID, Any], asked: Asked, rng: random.Random
) -> int:
    mine = list(judged)[: asked.people[person.username]]
    first = person.username == next(iter(asked.people))
    for n, record_id in enumerate(mine, 1):
        if asked.skipped and n == len(mine):
            decline(request, person, record_id, asked.skipped)
            continue
        said = _of(asked, judged[record_id])
        value = said.instead if not first and n % asked.doubtful == 0 else said.value
        why = said.why if rng.random() < 0.4 else ""
        answer(request, person, record_id, _typed(metric, value), metric.version, why)
    return len(mine)


def _of(asked: Asked, judged: Any) -> Said:
    """The last one that is told stands for all others."""
    numbers = isinstance(judged, float)
    return next(
        (said for value, said in asked.said if (judged >= value if numbers else judged == value)), asked.said[-1][1]
    )


def _typed(metric: Metric, value: Any) -> TypedValue:
    return read_value(metric, {FIELD_OF[metric.value_type]: value})

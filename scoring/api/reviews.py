"""Calls on requests for review: people are asked, their answers come in, disagreements are settled; by number.

For tools of annotators beside EvalHub's own pages: who answers is a member of the project, named by the caller, and the
audit trail says which key spoke for them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from evalhub import audit
from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Scope, User
from evalhub.openapi import CONFLICT, NAMES_MORE, example
from records.api.cursors import read_cursor, write_cursor
from records.api.finding import found_record
from records.api.schemas import OneLine, ScoreOut, Strict
from records.ids import uuid7
from records.json_records import score_json
from records.limits import MAX_COMMENT_CHARS
from records.models import Score
from records.reviewing import Slot
from records.values import TypedValue, read_value
from scoring.api.evaluators import actor
from scoring.api.selecting import SelectionIn, selection_in
from scoring.models import Evaluator, ReviewRequest, ReviewStatus
from scoring.reviews import answering, asking
from scoring.reviews.answering import NotWanted
from scoring.reviews.asking import ReviewProblem, human_evaluators, reviewers_of
from scoring.reviews.counting import Counts, counts_of
from scoring.reviews.disagreements import adjudicate, agreement, disagreement, disagreements

router = Router(tags=["reviews"])
NOBODY = 0  # as a person's id: nothing is counted as theirs


class ReviewIn(SelectionIn):
    """`q`, or `ids`."""

    model_config = example({"q": "metric.correct:fail", "evaluator": "careful", "reviewers": 2, "blind": True})
    evaluator: str = Field(
        description="The slug of an evaluator of type human; its present version says the guidelines."
    )
    reviewers: int | None = Field(None, ge=1, le=20, description="People a record; null: as the evaluator says.")
    blind: bool = Field(False, description="Reviewers are shown nobody else's score.")
    assignees: list[str] = Field([], description="User names: only they are asked. Empty: whoever may score.")


class ReviewOut(Schema):
    """Counts are of reviews, one a person and record, but `records`. All grow while the status is planning."""

    number: int
    status: ReviewStatus
    q: str | None
    evaluator: str
    version: int
    metric: str
    guidelines: str
    reviewers: int
    blind: bool
    assignees: list[str]
    records: int
    asked: int
    scored: int
    declined: int
    waiting: int
    by: str
    problem: str = Field(description="Why the planning stopped before its end.")
    created_at: datetime
    ended_at: datetime | None = Field(description="Since when nothing waits.")


class AgreementOut(Schema):
    compared: int = Field(description="Records that several people have scored.")
    agreed: int
    differ: int


class ReviewDetail(ReviewOut):
    agreement: AgreementOut


class ReviewList(Schema):
    items: list[ReviewOut]
    next_cursor: str | None = None


class ReviewerIn(Strict):
    model_config = example({"reviewer": "anna"})
    reviewer: str = Field(description="The user name of a member who may score.")


class HeldOut(Schema):
    record: UUID | None = Field(description="Null: nothing waits for this person.")
    held_until: datetime | None = Field(description="Then somebody else may have it; null: it is assigned to them.")


class ValueIn(Strict):
    record: str = Field(description="The record's id, EvalHub's or yours.")
    numerical_value: Any = None
    boolean_value: Any = None
    categorical_value: Any = None
    string_value: Any = None
    reasoning: str = Field("", max_length=MAX_COMMENT_CHARS)


class AnswerIn(ValueIn):
    """The one value field of the metric's type, or `skip`."""

    model_config = example(
        {"reviewer": "anna", "record": "order-4711", "boolean_value": True, "reasoning": "As the carrier says."}
    )
    reviewer: str = Field(description="The user name of the member who answers.")
    skip: bool = Field(False, description="They cannot judge this record; `reasoning` says why.")


class UndoIn(ReviewerIn):
    model_config = example({"reviewer": "ben", "record": "order-4711"})
    record: str = Field(description="The record's id, EvalHub's or yours.")


class FinalIn(ValueIn):
    model_config = example(
        {"record": "order-4711", "boolean_value": True, "scorer": "ben", "reasoning": "Anna is right."}
    )
    scorer: OneLine = Field("", description="Who decided; empty: the key.")
    id: OneLine = Field("", max_length=64, description="Your own id: the same one again is a harmless repeat.")


class DisagreementOut(Schema):
    record: UUID
    answers: list[ScoreOut]


class DisagreementList(Schema):
    items: list[DisagreementOut]
    next_cursor: str | None = None


def review_json(review: ReviewRequest, counts: Counts) -> dict[str, Any]:
    names = (
        "number",
        "status",
        "guidelines",
        "reviewers",
        "blind",
        "records",
        "by",
        "problem",
        "created_at",
        "ended_at",
    )
    return {name: getattr(review, name) for name in names} | {
        "q": review.filter if review.ids is None else None,
        "evaluator": review.version.evaluator.slug,
        "version": review.version.number,
        "metric": review.version.evaluator.metric.slug,
        "assignees": [person.get_username() for person in review.assignees.all()],
        "asked": counts.asked,
        "scored": counts.scored,
        "declined": counts.declined,
        "waiting": counts.waiting,
    }


@router.post("", response={202: ReviewOut, **NAMES_MORE}, auth=KeyAuth(Scope.WRITE))
@idempotent
def review_create(request: HttpRequest, body: ReviewIn) -> HttpResponse:
    """Asks people to score the records. Answers at once; a worker adds the records, also while people begin."""
    evaluator = _evaluator(request, body.evaluator)
    try:
        made = asking.request_review(
            selection_in(request, body), evaluator, actor(request), reviewers=body.reviewers, blind=body.blind,
            assignees=[_person(request, name, "assignees") for name in dict.fromkeys(body.assignees)], at_once=False,
        )  # fmt: skip
    except ReviewProblem as problem:
        raise Problem(400, "invalid", str(problem)) from None
    return answer(_said(_found(request, made.number)), 202)


@router.get("", response={200: ReviewList}, auth=KeyAuth(Scope.READ))
def review_list(
    request: HttpRequest, open: bool | None = None, limit: int = Query(50, ge=1, le=200), cursor: str = ""
) -> HttpResponse:
    """Newest first; `open=true` those where something waits, `open=false` those that are over."""
    found = _reviews(request).order_by("-number")
    if open is not None:
        found = found.filter(ended_at__isnull=open)
    if cursor:
        found = found.filter(number__lt=read_cursor(cursor, int)[0])
    page = list(found[: limit + 1])
    counts = counts_of(request.project.id, page[:limit], NOBODY)
    items = [review_json(review, counts[review.pk]) for review in page[:limit]]
    more = write_cursor(page[limit - 1].number) if len(page) > limit else None
    return answer({"items": items, "next_cursor": more})


@router.get("/{int:number}", response={200: ReviewDetail}, auth=KeyAuth(Scope.READ))
def review_get(request: HttpRequest, number: int) -> HttpResponse:
    """How far it is, and on how many records people agree."""
    review = _found(request, number)
    agreed = agreement(review)
    counted = {"compared": agreed.compared, "agreed": agreed.agreed, "differ": agreed.differ}
    return answer(_said(review) | {"agreement": counted})


@router.post("/{int:number}/close", response={200: ReviewOut}, auth=KeyAuth(Scope.WRITE))
def review_close(request: HttpRequest, number: int) -> HttpResponse:
    """Takes back what still waits; what people have scored stays. One that is closed stays as it is."""
    asking.close(_found(request, number), actor(request))
    return answer(_said(_found(request, number)))


@router.post("/{int:number}/next", response={200: HeldOut}, auth=KeyAuth(Scope.WRITE))
def review_next(request: HttpRequest, number: int, body: ReviewerIn) -> HttpResponse:
    """A record that waits for this person, theirs for half an hour; the same one again until it is answered."""
    slot = answering.next_slot(_found(request, number), _person(request, body.reviewer))
    return answer({"record": slot and slot.record_id, "held_until": slot and slot.lease_until})


@router.post("/{int:number}/answers", response={201: ScoreOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def review_answer(request: HttpRequest, number: int, body: AnswerIn) -> HttpResponse:
    """A person's score, or why they gave none.

    409 where the record takes no more: all reviews of it are in, this person has answered already (send `undo` first),
    or the request is closed.
    """
    review, person = _found(request, number), _person(request, body.reviewer)
    record = found_record(request.project, body.record)
    metric = review.version.evaluator.metric
    try:
        if body.skip:
            slot = answering.decline(review, person, record.id, body.reasoning)
        else:
            slot = answering.answer(review, person, record.id, _value(review, body), metric.version, body.reasoning)
    except NotWanted as problem:
        raise Problem(409, "conflict", str(problem)) from None
    _note(request, review, "skip" if body.skip else "answer", person, slot)
    return answer(_score(request, slot.id), 201)


@router.post("/{int:number}/undo", response={200: HeldOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def review_undo(request: HttpRequest, number: int, body: UndoIn) -> HttpResponse:
    """Takes a person's answer back; the record is in their hands again."""
    review, person = _found(request, number), _person(request, body.reviewer)
    try:
        slot = answering.undo(review, person, found_record(request.project, body.record).id)
    except NotWanted as problem:
        raise Problem(409, "conflict", str(problem)) from None
    _note(request, review, "undo", person, slot)
    return answer({"record": slot.record_id, "held_until": slot.lease_until})


@router.get("/{int:number}/disagreements", response={200: DisagreementList}, auth=KeyAuth(Scope.READ))
def disagreement_list(
    request: HttpRequest, number: int, limit: int = Query(50, ge=1, le=200), cursor: str = ""
) -> HttpResponse:
    """Records that people have scored differently, on which no final word has been said."""
    after = read_cursor(cursor, UUID)[0] if cursor else None
    page = disagreements(_found(request, number), after, limit + 1)
    items = [
        {"record": found.record_id, "answers": [score_json(score, score.metric) for score in found.answers]}
        for found in page[:limit]
    ]
    more = write_cursor(page[limit - 1].record_id) if len(page) > limit else None
    return answer({"items": items, "next_cursor": more})


@router.post("/{int:number}/final-scores", response={201: ScoreOut}, auth=KeyAuth(Scope.WRITE))
@idempotent
def review_adjudicate(request: HttpRequest, number: int, body: FinalIn) -> HttpResponse:
    """The final word on a record that people have scored; it counts before everybody's, which stay beside it."""
    review = _found(request, number)
    record = found_record(request.project, body.record)
    if disagreement(review, record.id) is None:
        message = "Nobody has scored this record in this review."
        raise Problem(400, "invalid", message, [("record", message)])
    metric = review.version.evaluator.metric
    key = f"key {request.api_key.pk} {body.id or uuid7()}"
    by = body.scorer or request.api_key.name
    score_id = adjudicate(review, metric, by, record.id, _value(review, body), body.reasoning, key)
    audit.note(request.project, actor(request), "review.adjudicate", number, record=str(record.id), scorer=by)
    return answer(_score(request, score_id), 201)


def _reviews(request: HttpRequest) -> QuerySet[ReviewRequest]:
    found = ReviewRequest.objects.filter(project=request.project)
    return found.select_related("project", "version__evaluator__metric").prefetch_related("assignees")


def _found(request: HttpRequest, number: int) -> ReviewRequest:
    review = _reviews(request).filter(number=number).first() if number < 2**31 else None
    if review is None:
        raise Http404("The project has no such request for review.")
    return review


def _said(review: ReviewRequest) -> dict[str, Any]:
    return review_json(review, counts_of(review.project_id, [review], NOBODY)[review.pk])


def _evaluator(request: HttpRequest, slug: str) -> Evaluator:
    found = human_evaluators(request.project).filter(slug=slug).first()
    if found is None:
        message = f"The project has no evaluator {slug[:100]!r} by which people score."
        raise Problem(400, "invalid", message, [("evaluator", message)])
    return found


def _person(request: HttpRequest, name: str, field: str = "reviewer") -> User:
    person = reviewers_of(request.project).filter(username=name).first()
    if person is None:
        message = f"{name[:100]!r} is no member who may score."
        raise Problem(400, "invalid", message, [(field, message)])
    return person


def _value(review: ReviewRequest, body: ValueIn) -> TypedValue:
    """Raises ValueProblem, which names the field."""
    return read_value(review.version.evaluator.metric, body.dict())


def _score(request: HttpRequest, id: UUID) -> dict[str, Any]:
    score = Score.objects.select_related("metric").get(project=request.project, id=id)
    return score_json(score, score.metric)


def _note(request: HttpRequest, review: ReviewRequest, what: str, person: User, slot: Slot) -> None:
    """People's scores are what machines are measured by: that a key spoke for somebody is on record."""
    audit.note(
        request.project, actor(request), f"review.{what}", review.number, record=str(slot.record_id),
        reviewer=person.get_username(),
    )  # fmt: skip

"""Why not scored?, as a call on a record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from evalhub.api import KeyAuth, answer
from evalhub.models import Scope
from records.api.finding import found_record
from records.models import Score, ScoreStatus
from scoring.rules.why import Answer, answers

router = Router(tags=["records"])


class WhyGate(Schema):
    gate: str
    passed: bool | None = Field(description="null: the record did not get so far.")
    message: str


class WhyScore(Schema):
    """The newest attempt of one evaluator."""

    id: UUID
    evaluator: str
    status: str
    passed: bool | None
    error: str
    attempts: int
    created_at: datetime


class RuleWhy(Schema):
    rule: str
    name: str
    version: int | None = Field(description="The one in force when the record came; null: none was.")
    outcome: str = Field(description="Such as scored, pending, errored, sampled out, filtered out, over budget.")
    message: str
    gates: list[WhyGate]
    scores: list[WhyScore]


class WhyOut(Schema):
    record: UUID
    rules: list[RuleWhy]


def why_json(found: Answer) -> dict[str, Any]:
    return {
        "rule": found.rule.slug,
        "name": found.rule.name,
        "version": found.version and found.version.number,
        "outcome": found.outcome,
        "message": found.words,
        "gates": [{"gate": step.gate, "passed": step.passed, "message": step.words} for step in found.steps],
        "scores": [_score_json(score) for score in found.scores],
    }


def _score_json(score: Score) -> dict[str, Any]:
    names = ("id", "evaluator", "passed", "error", "attempts", "created_at")
    return {name: getattr(score, name) for name in names} | {"status": ScoreStatus(score.status).label}


@router.get("/records/{path:id}/why", response={200: WhyOut}, auth=KeyAuth(Scope.READ))
def record_why(request: HttpRequest, id: str) -> HttpResponse:
    """Where the record stands with each rule: every gate with its answer, by the rule's version of when it came."""
    record = found_record(request.project, id)
    return answer({"record": record.id, "rules": [why_json(found) for found in answers(request.project, record)]})

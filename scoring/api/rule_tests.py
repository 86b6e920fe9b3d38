"""Testing a rule, saved or not, by a call: what the last 24 hours would have come to. Nothing is stored."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from evalhub.api import KeyAuth, Problem, answer
from evalhub.models import Scope
from evalhub.openapi import NAMES_MORE, example
from records.search import SearchTimeout
from scoring.api.rules import RuleChange, evaluators_named, fields_of, found
from scoring.api.trials import trial_json
from scoring.inputs import inputs_of
from scoring.models import Evaluator, Rule
from scoring.rules import testing
from scoring.rules.expected import lines_of, total
from scoring.rules.testing import BadTally, Tally
from scoring.rules.trying import MOST_RECORDS
from scoring.trial import Row, try_definition

router = Router(tags=["rules"])
TURN_SECONDS = 5.0
"""So long a call looks at records; then its answer says where the next one goes on."""


class RuleTestIn(RuleChange):
    """The fields of a rule; with `rule`, those of a saved one where the body says nothing else."""

    model_config = example(
        {"name": "Live answers", "evaluators": ["correct"], "spans_mode": "root", "rate": 0.5, "score": 1}
    )
    rule: str | None = Field(None, description="The slug of a saved rule.")
    cursor: str | None = Field(None, description="From the answer before, with the same fields: goes on there.")
    score: int = Field(
        0, ge=0, le=MOST_RECORDS, description="So many of the records that it would draw are scored, and not stored."
    )


class RuleTestOut(Schema):
    """Counts of the records created in the last 24 hours; `done` false: so far, and `cursor` goes on."""

    done: bool
    cursor: str | None
    looked_at: int
    seen: int
    spans: int
    filter: int
    sampled: int
    calls: int
    cost: float | None = Field(description="USD a day; null where an evaluator's cost is not known yet.")
    drawn: list[UUID] = Field(description="The newest that would be scored.")
    scores: list[dict[str, Any]] = Field(description="As /test-evaluator gives them, with the evaluator's slug.")


@router.post("/test", response={200: RuleTestOut, **NAMES_MORE}, auth=KeyAuth(Scope.WRITE))
def rule_test(request: HttpRequest, body: RuleTestIn) -> HttpResponse:
    """What a rule would have done in the last 24 hours, and what a day of it costs. With `score` some of the records
    that it would draw are really scored, which costs money, and stored nowhere."""
    rule, evaluators = _rule(request, body)
    try:
        tally = testing.read_tally(body.cursor) if body.cursor else testing.begin(rule)
        tally = testing.go_on(request.project, rule, tally, TURN_SECONDS)
    except BadTally as problem:
        raise Problem(400, "invalid_cursor", str(problem), [("cursor", str(problem))]) from None
    except SearchTimeout as problem:
        raise Problem(503, "query_timeout", str(problem)) from None
    return answer(_json(request, evaluators, tally) | {"scores": _scores(request, evaluators, tally, body.score)})


def _rule(request: HttpRequest, body: RuleTestIn) -> tuple[Rule, list[Evaluator]]:
    """The rule as it would be, not saved, and its evaluators. Raises ValidationError, FilterError."""
    sent = fields_of(request, body)
    rule = found(request, body.rule) if body.rule else Rule(project=request.project)
    evaluators = sent.pop("evaluators", None)
    if evaluators is None:
        slugs = list(rule.evaluators.values_list("slug", flat=True)) if rule.pk else []
        evaluators = evaluators_named(request, slugs)
    for name, value in sent.items():
        setattr(rule, name, value)
    rule.name = rule.name or "test"
    try:
        rule.clean_fields(exclude=["project", "slug", "salt", "created_by"])
    except ValidationError as problem:
        raise ValidationError(problem.error_dict) from None
    return rule, evaluators


def _json(request: HttpRequest, evaluators: list[Evaluator], tally: Tally) -> dict[str, Any]:
    each = total(lines_of(request.project, evaluators, tally.drawn))
    seen, spans, matched, sampled = tally.counts
    return {
        "done": tally.done, "cursor": None if tally.done else tally.written(), "looked_at": tally.looked_at,
        "seen": seen, "spans": spans, "filter": matched, "sampled": sampled, "calls": sampled * len(evaluators),
        "cost": None if each is None else float(each * sampled), "drawn": list(tally.drawn),
    }  # fmt: skip


def _scores(request: HttpRequest, evaluators: list[Evaluator], tally: Tally, most: int) -> list[dict[str, Any]]:
    ids = list(tally.drawn[:most])
    inputs = inputs_of(request.project.id, ids, trace=True) if ids else {}
    rows = [Row(inputs[id], id) for id in ids if id in inputs]
    if not rows:
        return []
    return [
        trial_json(trial) | {"evaluator": evaluator.slug}
        for evaluator in evaluators
        for trial in try_definition(
            request.project, evaluator.type, evaluator.metric, evaluator.current.definition, rows
        )
    ]

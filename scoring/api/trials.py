"""Running an evaluator on given inputs or records. Nothing is stored."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from evalhub.api import KeyAuth, Problem, answer
from evalhub.models import Scope
from evalhub.openapi import NAMES_MORE
from records.api.finding import found_record
from records.values import FIELDS
from scoring.api.evaluators import found, found_version, metric_named, said
from scoring.api.schemas import TestIn, TrialIn, TrialList, VersionTrialIn
from scoring.inputs import given_inputs, inputs_of
from scoring.trial import MAX_ROWS, Row, Trial, try_definition

router = Router(tags=["evaluators"])
SHOWN = ("reasoning", "error", "prompt", "reply", "output", "tokens", "cost", "duration_ms")


@router.post("/test-evaluator", response={200: TrialList, **NAMES_MORE}, auth=KeyAuth(Scope.WRITE))
def evaluator_test(request: HttpRequest, body: TestIn) -> HttpResponse:
    """Runs an evaluator that is not saved: what it would give for these inputs or records. Stores nothing."""
    metric = metric_named(request, body.metric)
    trials = try_definition(request.project, body.type, metric, said(body), _rows(request, body))
    return answer({"items": [trial_json(trial) for trial in trials]})


@router.post("/evaluators/{slug}/run", response={200: TrialList}, auth=KeyAuth(Scope.WRITE))
def evaluator_run(request: HttpRequest, slug: str, body: VersionTrialIn) -> HttpResponse:
    """Runs the evaluator on these inputs or records, without a score: it stores nothing."""
    evaluator = found(request, slug)
    definition = found_version(evaluator, body.version).definition
    trials = try_definition(request.project, evaluator.type, evaluator.metric, definition, _rows(request, body))
    return answer({"items": [trial_json(trial) for trial in trials]})


def trial_json(trial: Trial) -> dict[str, Any]:
    value = {field: getattr(trial.value, field) for field in FIELDS.values()} if trial.value else {}
    return {
        "record": trial.row.record_id,
        "arguments": trial.arguments,
        "status": trial.verdict.status.label,
        **value,
        "passed": trial.value.passed if trial.value else None,
        **{name: getattr(trial.verdict, name) for name in SHOWN},
    }


def _rows(request: HttpRequest, body: TrialIn) -> list[Row]:
    if (body.inputs is None) == (body.records is None):
        raise Problem(400, "invalid", "Send inputs or records, one of the two.", [("inputs", "Send this or records.")])
    sent = body.records if body.records is not None else body.inputs
    sent = sent if isinstance(sent, list) else [sent]
    name = "inputs" if body.records is None else "records"
    if not 0 < len(sent) <= MAX_ROWS:
        raise Problem(400, "invalid", f"{name}: from 1 to {MAX_ROWS}.", [(name, f"From 1 to {MAX_ROWS}.")])
    if body.records is not None:
        ids = [found_record(request.project, id).id for id in sent]
        inputs = inputs_of(request.project.id, ids, trace=True)
        return [Row(inputs[id], id) for id in ids]
    try:
        return [Row(given_inputs(item)) for item in sent]
    except ValueError as error:
        raise Problem(400, "invalid", f"inputs: {error}", [("inputs", str(error))]) from None

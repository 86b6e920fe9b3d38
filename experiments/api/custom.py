"""Calls of the custom workflow: rows claimed for a while, results submitted."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from evalhub.api import KeyAuth, Problem, answer, read_json
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from experiments.api.experiment_schemas import ClaimIn, ClaimOut, ResultIn, SubmittedOut
from experiments.api.experiments import found
from experiments.models import WAITING, Experiment, Workflow
from experiments.running.submitting import Submission, claim_rows, submit
from records.api.schemas import one_or_many
from records.intake import TooMany
from records.limits import MAX_ITEMS
from scoring.runs.steering import NotNow

router = Router(tags=["experiments"])


@router.post("/{slug:slug}/claim", response={200: ClaimOut}, auth=KeyAuth(Scope.WRITE, Scope.INGEST))
@idempotent
def row_claim(request: HttpRequest, slug: str, body: ClaimIn) -> HttpResponse:
    """Takes rows to run. What is not submitted before the lease ends may be claimed by others; what nobody submits
    within the experiment's timeout expires."""
    experiment = _custom(request, slug)
    try:
        claimed = claim_rows(experiment, body.limit, body.lease, f"key {request.api_key.name}")
    except NotNow as why:
        raise Problem(400, "invalid", str(why)) from None
    experiment.refresh_from_db(fields=["state"])
    items = [
        {"case_id": one.case.case_id, "epoch": one.case.epoch, "inputs": one.case.inputs,
         "metadata": one.case.metadata, "tags": one.case.tags}
        for one in claimed
    ]  # fmt: skip
    waiting = experiment.rows.filter(state__in=WAITING).count() - len(claimed)
    return answer({"items": items, "state": experiment.state, "waiting": waiting})


@router.post(
    "/{slug:slug}/submit",
    response={200: SubmittedOut},
    auth=KeyAuth(Scope.WRITE, Scope.INGEST),
    openapi_extra=one_or_many(ResultIn, "results"),
)
def row_submit(request: HttpRequest, slug: str) -> HttpResponse:
    """One result, a list of up to 1,000, or `{"results": [...]}`: outputs or an error, and the steps below as `spans`.

    Results are taken or refused one by one, and stored when the answer comes; then they are scored. A row is submitted
    once: a repeat, or a result that comes after another's, is answered with the record that is there. 400 if nothing
    was taken.
    """
    experiment = _custom(request, slug)
    body = read_json(request, refuse_nul=False)
    if isinstance(body, dict):
        body = body["results"] if isinstance(body.get("results"), list) and len(body) == 1 else [body]
    if not isinstance(body, list):
        raise Problem(400, "invalid", "Send a result, a list of results, or an object with the list as `results`.")
    if len(body) > MAX_ITEMS:
        raise Problem(413, "too_large", f"{len(body):,} results in one call: at most {MAX_ITEMS:,}.")
    try:
        done = submit(experiment, body, request.api_key.name)
    except TooMany as error:
        raise Problem(413, "too_large", str(error)) from None
    if done.refused and not done.accepted:
        fields = [
            (f"results.{n}.{where}".rstrip("."), what) for n, problems in _sorted(done) for where, what in problems
        ]
        raise Problem(400, "invalid", f"No result was accepted. {fields[0][0]}: {fields[0][1]}", fields)
    return answer(
        {
            "accepted": [
                {"index": one.index, "case_id": one.case_id, "epoch": one.epoch, "record": one.record,
                 "repeat": one.repeat}
                for one in done.accepted
            ],
            "refused": [
                {"index": n, "fields": [{"path": where, "message": what} for where, what in problems]}
                for n, problems in _sorted(done)
            ],
        }
    )  # fmt: skip


def _sorted(done: Submission) -> list[tuple[int, Any]]:
    return sorted(done.refused.items())


def _custom(request: HttpRequest, slug: str) -> Experiment:
    experiment = found(request, slug)
    if experiment.workflow != Workflow.CUSTOM:
        said = f"{slug} is of type {experiment.workflow}: EvalHub itself makes its outputs."
        raise Problem(400, "invalid", said)
    return experiment

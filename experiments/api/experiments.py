"""Calls on experiments, by slug: begun, watched, steered, and their rows."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import TupleLessThan
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router

from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Project, Scope
from evalhub.openapi import CONFLICT, NAMES_MORE
from experiments.api.experiment_schemas import (
    ExperimentChange,
    ExperimentIn,
    ExperimentList,
    ExperimentOut,
    ExperimentStarted,
    RescoreIn,
    RetriedOut,
    RowDetail,
    RowList,
    SetOut,
)
from experiments.models import Dataset, Experiment, Prompt, RowState, Workflow
from experiments.running import steering
from experiments.running.checking import TAKEN, check
from experiments.running.counting import Totals, totals_of
from experiments.running.editing import change_experiment, delete_experiment
from experiments.running.estimate import estimate
from experiments.running.listing import Listed, Preview, listed, page_of
from experiments.running.starting import start
from experiments.running.wanted import Wanted
from records.api.cursors import read_cursor, write_cursor
from records.api.finding import found_record
from records.json_records import score_json, seconds
from records.whole import whole
from scoring.api.selecting import selection_in
from scoring.runs.starting import RunProblem, evaluators_named

router = Router(tags=["experiments"])


def found(request: HttpRequest, slug: str) -> Experiment:
    its = Experiment.objects.select_related("project", "user", "dataset", "prompt_version__prompt", "baseline")
    experiment = its.filter(project=request.project, slug=slug).first()
    if experiment is None:
        raise Http404("The project has no such experiment.")
    return experiment


def actor(request: HttpRequest) -> str:
    return f"key {request.api_key.name}"


def experiment_json(experiment: Experiment, totals: Totals) -> dict[str, Any]:
    plain = (
        "slug", "name", "description", "state", "reason", "uploaded", "dataset_revision", "split", "provider_id",
        "model", "parameters", "epochs", "concurrency", "timeout", "expires_at", "created_by", "created_at",
        "started_at", "finished_at",
    )  # fmt: skip
    version = experiment.prompt_version
    return {name: getattr(experiment, name) for name in plain} | {
        "type": experiment.workflow,
        "dataset": experiment.dataset.slug if experiment.dataset else None,
        "prompt": version.prompt.slug if version else None,
        "prompt_version": version.number if version else None,
        "baseline": experiment.baseline.slug if experiment.baseline else None,
        "rows": totals.rows,
        "states": totals.states,
        "tokens": totals.tokens,
        "cost": totals.cost,
        "judging_cost": totals.judging_cost,
    }


def whole_json(experiment: Experiment) -> dict[str, Any]:
    """With its sets of evaluators."""
    evaluators: dict[int, list[dict[str, Any]]] = {}
    for one in experiment.evaluators.select_related("metric", "evaluator_version__evaluator"):
        version = one.evaluator_version
        said = {"metric": one.metric.slug, "slug": version.evaluator.slug if version else None}
        evaluators.setdefault(one.set_number, []).append(said | {"version": version.number if version else None})
    totals = totals_of([experiment])[experiment.pk]
    return experiment_json(experiment, totals) | {
        "sets": [
            {"number": one.number, "name": one.name, "created_by": one.created_by, "created_at": one.created_at,
             "evaluators": evaluators.get(one.number, [])}
            for one in experiment.sets.all()
        ],
    }  # fmt: skip


@router.post(
    "", response={200: ExperimentStarted, 202: ExperimentStarted, **CONFLICT, **NAMES_MORE}, auth=KeyAuth(Scope.WRITE)
)
@idempotent
def experiment_start(request: HttpRequest, body: ExperimentIn) -> HttpResponse:
    """Begins an experiment and answers at once (202). Whatever it names must be there: an unknown evaluator, a prompt
    without a deployed version, a case without a variable is a 400 now. The cases of a large dataset are looked at by a
    worker before it asks the model anything; one that finds a bad case stops the experiment, whose `reason` names it.
    `dry_run` answers what it would take (200)."""
    wanted = _wanted(request, body)
    try:
        if body.dry_run:
            expected = estimate(check(request.project, wanted), wanted.records)
            return answer({"estimate": expected.as_json(), "experiment": None})
        experiment = start(request.project, wanted, actor(request))
    except ValidationError as problem:
        if any(one.code == TAKEN for one in problem.error_dict.get("slug", [])):
            message = problem.message_dict["slug"][0]
            raise Problem(409, "conflict", message, [("slug", message)]) from None
        raise
    return answer({"estimate": experiment.estimate, "experiment": whole_json(found(request, experiment.slug))}, 202)


@router.get("", response={200: ExperimentList}, auth=KeyAuth(Scope.READ))
def experiment_list(
    request: HttpRequest, dataset: str = "", limit: int = Query(50, ge=1, le=200), cursor: str = ""
) -> HttpResponse:
    """Newest first; with `dataset` those that ran on it."""
    experiments = Experiment.objects.filter(project=request.project).select_related(
        "dataset", "prompt_version__prompt", "baseline"
    )
    if dataset:
        experiments = experiments.filter(dataset__slug=dataset)
    if cursor:
        at, key = read_cursor(cursor, datetime.fromisoformat, int)
        experiments = _older(experiments, at, key)
    rows = list(experiments.order_by("-created_at", "-id")[: limit + 1])
    last = rows[limit - 1] if len(rows) > limit else None
    totals = totals_of(rows[:limit]) if rows else {}
    items = [experiment_json(one, totals[one.pk]) for one in rows[:limit]]
    return answer({"items": items, "next_cursor": write_cursor(last.created_at, last.pk) if last else None})


@router.get("/{slug:slug}", response={200: ExperimentOut}, auth=KeyAuth(Scope.READ))
def experiment_get(request: HttpRequest, slug: str) -> HttpResponse:
    """One experiment: its state, its rows by state, and its sets of evaluators."""
    return answer(whole_json(found(request, slug)))


@router.patch("/{slug:slug}", response={200: ExperimentOut}, auth=KeyAuth(Scope.WRITE))
def experiment_change(request: HttpRequest, slug: str, body: ExperimentChange) -> HttpResponse:
    """Name, description and baseline; what was run stays."""
    change_experiment(found(request, slug), actor(request), **body.dict(exclude_unset=True))
    return answer(whole_json(found(request, slug)))


@router.delete("/{slug:slug}", response={204: None}, auth=KeyAuth(Scope.ADMIN))
def experiment_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Deletes the experiment with its rows. Its records and their scores stay."""
    try:
        delete_experiment(found(request, slug), actor(request))
    except steering.NotNow as why:
        raise Problem(400, "invalid", str(why)) from None
    return HttpResponse(status=204)


@router.get("/{slug:slug}/records", response={200: RowList}, auth=KeyAuth(Scope.READ))
def row_list(
    request: HttpRequest,
    slug: str,
    state: str = Query("", description=f"Only rows in this state ({', '.join(RowState.values)})."),
    limit: int = Query(50, ge=1, le=200),
    cursor: str = "",
) -> HttpResponse:
    """The rows in their order, with the beginning of their values (`truncated`: it goes on) and their scores; a row's
    record has them whole."""
    experiment = found(request, slug)
    if state and state not in RowState:
        raise Problem(
            400, "invalid", f"state: expected {', '.join(RowState.values)}.", [("state", "There is no such state.")]
        )
    (after,) = read_cursor(cursor, int) if cursor else (0,)
    rows, more = page_of(experiment, [state] if state else [], after, limit)
    items = [row_json(one) for one in listed(experiment, rows)]
    return answer({"items": items, "next_cursor": write_cursor(more) if more else None})


@router.get("/{slug:slug}/records/{path:id}", response={200: RowDetail}, auth=KeyAuth(Scope.READ))
def row_get(request: HttpRequest, slug: str, id: str) -> HttpResponse:
    """A record of the experiment whole, with its scores and the spans of its trace, evaluators among them."""
    experiment = found(request, slug)
    record = found_record(request.project, id)
    row = experiment.rows.filter(record_id=record.id).first()
    if row is None:
        raise Http404("The experiment has no such record.")
    said = {"case_id": row.case_id, "epoch": row.epoch, "state": row.state, "error": row.error}
    return answer(said | {"record": whole(record)})


@router.get("/{slug:slug}/summary", response={200: dict}, auth=KeyAuth(Scope.READ))
def experiment_summary(request: HttpRequest, slug: str) -> HttpResponse:
    """Rows by state, what the outputs took and what judging them took, kept apart; metrics once it has ended."""
    experiment = found(request, slug)
    totals = totals_of([experiment])[experiment.pk]
    return answer(
        {
            "slug": experiment.slug, "state": experiment.state, "rows": totals.rows, "states": totals.states,
            "generating": {"tokens": totals.tokens, "cost": totals.cost, "unpriced": totals.unpriced,
                           "latency_p50": seconds(totals.p50), "latency_p95": seconds(totals.p95),
                           "cut_at_limit": totals.cut},
            "judging": {"tokens": totals.judging_tokens, "cost": totals.judging_cost,
                        "unpriced": totals.judging_unpriced},
            "metrics": totals.metrics,
        }
    )  # fmt: skip


@router.post("/{slug:slug}/cancel", response={200: ExperimentOut}, auth=KeyAuth(Scope.WRITE))
def experiment_cancel(request: HttpRequest, slug: str) -> HttpResponse:
    """What is there by then stays. One that is over stays as it is."""
    steering.cancel(found(request, slug), actor(request))
    return answer(whole_json(found(request, slug)))


@router.post("/{slug:slug}/resume", response={200: ExperimentOut}, auth=KeyAuth(Scope.WRITE))
def experiment_resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Goes on where it was stopped for a reason, such as a refused key."""
    try:
        steering.resume(found(request, slug), actor(request))
    except steering.NotNow as why:
        raise Problem(400, "invalid", str(why)) from None
    return answer(whole_json(found(request, slug)))


@router.post("/{slug:slug}/retry", response={202: RetriedOut}, auth=KeyAuth(Scope.WRITE))
@idempotent
def experiment_retry(request: HttpRequest, slug: str) -> HttpResponse:
    """Rows that errored, expired or were cancelled once more."""
    try:
        n = steering.retry(found(request, slug), actor(request))
    except steering.NotNow as why:
        raise Problem(400, "invalid", str(why)) from None
    return answer({"rows": n, "experiment": whole_json(found(request, slug))}, 202)


@router.post("/{slug:slug}/rescore", response={202: SetOut}, auth=KeyAuth(Scope.WRITE))
@idempotent
def experiment_rescore(request: HttpRequest, slug: str, body: RescoreIn) -> HttpResponse:
    """Runs evaluators, in their present versions, over the stored outputs: a further set of scores. What is there stays
    as it is."""
    try:
        evaluators = evaluators_named(request.project, body.evaluators)
        made = steering.score_again(found(request, slug), evaluators, actor(request), body.name)
    except (RunProblem, steering.NotNow) as why:
        raise Problem(400, "invalid", str(why)) from None
    return answer(next(one for one in whole_json(found(request, slug))["sets"] if one["number"] == made.number), 202)


def row_json(one: Listed) -> dict[str, Any]:
    row = one.row
    return {
        "case_id": row.case_id, "epoch": row.epoch, "state": row.state, "error": row.error, "record": row.record_id,
        "inputs": _preview(one.inputs), "outputs": _preview(one.outputs), "expected": _preview(one.expected),
        "finish": row.finish, "tokens": row.tokens, "cost": row.cost, "latency": seconds(row.latency_ms),
        "scores": [score_json(score, score.metric) for score in one.scores],
    }  # fmt: skip


def _preview(preview: Preview | None) -> dict[str, Any] | None:
    return None if preview is None else {"preview": preview.text, "truncated": preview.truncated}


def _older(experiments: QuerySet[Experiment], at: datetime, key: int) -> QuerySet[Experiment]:
    return experiments.filter(TupleLessThan((F("created_at"), F("id")), (at, key)))


def _wanted(request: HttpRequest, body: ExperimentIn) -> Wanted:
    project = request.project
    records = None
    if body.type == Workflow.EXISTING:
        records = selection_in(request, body)
    elif body.q is not None or body.ids is not None:
        raise ValidationError({"q": "Only outputs that are there already are chosen by q or ids: type existing."})
    return Wanted(
        name=body.name, slug=body.slug, description=body.description, workflow=body.type, revision=body.revision,
        dataset=_slug_of(Dataset, project, body.dataset), prompt=_slug_of(Prompt, project, body.prompt),
        version=body.prompt_version, split=body.split, provider_id=body.provider_id, model=body.model,
        parameters=body.parameters, records=records, evaluators=body.evaluators, epochs=body.epochs,
        concurrency=body.concurrency, timeout=body.timeout, baseline=body.baseline,
    )  # fmt: skip


def _slug_of(model: type[Model], project: Project, named: str | int | None) -> str:
    """A slug as it is; a number is the row's."""
    if isinstance(named, int):
        its = model._default_manager.filter(project=project, pk=named).values_list("slug", flat=True).first()
        return its or str(named)
    return named or ""

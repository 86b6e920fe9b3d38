"""Calls on scoring runs: started, watched, cancelled, resumed and retried; named by their number in the project."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent, is_named
from evalhub.models import Role, Scope
from evalhub.openapi import NAMES_MORE, example
from records.api.cursors import read_cursor, write_cursor
from records.search import SearchTimeout
from scoring.api.selecting import SelectionIn, selection_in
from scoring.models import RunKind, RunMode, RunStatus, ScoringRun
from scoring.runs import steering
from scoring.runs.estimate import estimate
from scoring.runs.starting import RunProblem, evaluators_named, retry_errored, start_run
from scoring.runs.tasks import versions_of

router = Router(tags=["scoring runs"])


class RunIn(SelectionIn):
    """`q`, or `ids`."""

    model_config = example(
        {"q": "environment:production created:>-7d", "evaluators": ["correct"], "mode": "stale", "dry_run": True}
    )
    evaluators: list[str] = Field(description="Slugs; each runs in its present version.")
    mode: RunMode = Field(
        RunMode.ALL, description="stale: only where the present version has no value for what the record holds now."
    )
    limit: int | None = Field(None, ge=1, le=2**31 - 1, description="With q: the newest so many.")
    dry_run: bool = Field(False, description="Answers the estimate alone, and starts nothing.")


class EstimateOut(Schema):
    records: int
    exact: bool = Field(description="False: at least so many.")
    calls: int
    cost: float | None = Field(description="USD; null where no price of a judge's model is known.")
    rough: bool = Field(description="The cost follows from the lengths of prompts: a judge here was never asked.")
    seconds: float
    already: int = Field(description="Scores there already by these versions.")
    human: int = Field(description="Scores by people, which stay current.")


class RunEvaluatorOut(Schema):
    slug: str
    version: int
    metric: str


class RunOut(Schema):
    """Counts are of scores, but `records`. `planned` grows while the status is planning."""

    number: int
    kind: RunKind
    status: RunStatus
    mode: RunMode
    q: str | None
    limit: int | None
    evaluators: list[RunEvaluatorOut]
    records: int
    planned: int
    completed: int
    errored: int
    skipped: int
    cancelled: int
    tokens: int
    cost: float = Field(description="USD, of the calls whose price is known.")
    reason: str = Field(description="Why it is paused.")
    by: str
    retry_of: int | None
    created_at: datetime
    ended_at: datetime | None


class RunStarted(Schema):
    estimate: EstimateOut | None = None
    run: RunOut | None = None


class RunList(Schema):
    items: list[RunOut]
    next_cursor: str | None = None


def run_json(run: ScoringRun) -> dict[str, Any]:
    names = (
        "number", "kind", "status", "mode", "limit", "records", "planned", "completed", "errored", "skipped",
        "cancelled", "tokens", "reason", "by", "created_at", "ended_at",
    )  # fmt: skip
    return {name: getattr(run, name) for name in names} | {
        "q": run.filter if run.ids is None and run.kind != RunKind.RETRY else None,
        "cost": float(run.cost),
        "retry_of": run.retry_of.number if run.retry_of else None,
        "evaluators": [
            {"slug": version.evaluator.slug, "version": version.number, "metric": version.evaluator.metric.slug}
            for version in versions_of(run)
        ],
    }


@router.post("", response={200: RunStarted, 202: RunStarted, **NAMES_MORE}, auth=KeyAuth(Scope.WRITE))
@idempotent
def run_start(request: HttpRequest, body: RunIn) -> HttpResponse:
    """Begins a run and answers at once (202); `dry_run` answers what it would take (200)."""
    try:
        evaluators = evaluators_named(request.project, body.evaluators)
        selection = selection_in(request, body)
        if body.dry_run:
            expected = estimate(selection, evaluators, body.mode, body.limit)
            return answer({"estimate": expected.as_json(), "run": None})
        run = start_run(
            selection, evaluators, f"key {request.api_key.name}", mode=body.mode, limit=body.limit,
            at_once=not is_named(request),
        )  # fmt: skip
    except (RunProblem, SearchTimeout) as problem:
        raise Problem(400, "invalid", str(problem)) from None
    return answer({"estimate": None, "run": run_json(run)}, 202)


@router.get("", response={200: RunList}, auth=KeyAuth(Scope.READ))
def run_list(request: HttpRequest, limit: int = Query(50, ge=1, le=200), cursor: str = "") -> HttpResponse:
    """Newest first."""
    runs = _runs(request).order_by("-number")
    if cursor:
        runs = runs.filter(number__lt=read_cursor(cursor, int)[0])
    found = list(runs[: limit + 1])
    more = write_cursor(found[limit - 1].number) if len(found) > limit else None
    return answer({"items": [run_json(run) for run in found[:limit]], "next_cursor": more})


@router.get("/{int:number}", response={200: RunOut}, auth=KeyAuth(Scope.READ))
def run_get(request: HttpRequest, number: int) -> HttpResponse:
    """How far a run is, and what it cost so far."""
    return answer(run_json(_found(request, number)))


@router.post("/{int:number}/cancel", response={200: RunOut}, auth=KeyAuth(Scope.WRITE))
def run_cancel(request: HttpRequest, number: int) -> HttpResponse:
    """What is scored by then stays. A run that is over stays as it is."""
    steering.cancel(_found(request, number), f"key {request.api_key.name}")
    return answer(run_json(_found(request, number)))


@router.post("/{int:number}/resume", response={200: RunOut}, auth=KeyAuth(Scope.WRITE))
def run_resume(request: HttpRequest, number: int) -> HttpResponse:
    """Lets a paused run go on."""
    run = _found(request, number)
    try:
        steering.resume(run, f"key {request.api_key.name}", Role.EDITOR)
    except steering.NotNow as why:
        raise Problem(400, "invalid", str(why)) from None
    return answer(run_json(run))


@router.post("/{int:number}/retry", response={202: RunOut}, auth=KeyAuth(Scope.WRITE))
@idempotent
def run_retry(request: HttpRequest, number: int) -> HttpResponse:
    """A new run of what errored in this one."""
    try:
        run = retry_errored(_found(request, number), f"key {request.api_key.name}")
    except RunProblem as problem:
        raise Problem(400, "invalid", str(problem)) from None
    return answer(run_json(run), 202)


def _runs(request: HttpRequest) -> QuerySet[ScoringRun]:
    return ScoringRun.objects.filter(project=request.project).select_related("project", "retry_of")


def _found(request: HttpRequest, number: int) -> ScoringRun:
    run = _runs(request).filter(number=number).first() if number < 2**31 else None
    if run is None:
        raise Http404("The project has no such scoring run.")
    return run

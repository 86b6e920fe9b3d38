"""Calls on evaluators, by slug: CRUD, versions, and scores by those who know only the evaluator."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router

from evalhub import audit
from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from evalhub.openapi import CONFLICT
from records.api.finding import found_record
from records.api.schemas import ScoreOut
from records.json_records import score_json
from records.metrics import EDITABLE as METRIC_FIELDS
from records.metrics import UnknownMetric, create_metric, metric_for
from records.models import Metric, Score, ScoreSource
from records.scores import NewScore, add_scores
from records.values import ValueProblem, read_value
from scoring import metrics_made
from scoring.api.schemas import (
    DefinitionIn,
    EvaluatorChange,
    EvaluatorIn,
    EvaluatorList,
    EvaluatorOut,
    EvaluatorScoreIn,
    EvaluatorVersionIn,
    EvaluatorVersionList,
    EvaluatorVersionOut,
)
from scoring.builtins import BUILTINS
from scoring.evaluators import (
    EDITABLE,
    UnknownEvaluator,
    archive_evaluator,
    change_evaluator,
    create_evaluator,
    evaluator_for,
    restore_evaluator,
    save_version,
)
from scoring.models import Evaluator, EvaluatorType, EvaluatorVersion
from scoring.primaries import NotRanked, make_primary

router = Router(tags=["evaluators"])


def evaluator_json(evaluator: Evaluator) -> dict[str, Any]:
    """With its metric and, flat, what its current version says."""
    metric = evaluator.metric
    return evaluator.current.definition | {
        "slug": evaluator.slug,
        "name": evaluator.name,
        "description": evaluator.description,
        "type": evaluator.type,
        "metric": metric.slug,
        "score_value_type": metric.value_type,
        "min_score": metric.min_score,
        "max_score": metric.max_score,
        "passing_score": metric.passing_score,
        "categorical_choices": metric.categorical_choices,
        "is_primary": metric.primary_evaluator == evaluator.slug,
        "version": evaluator.current.number,
        "archived": evaluator.archived_at is not None,
        "created_at": evaluator.created_at,
    }


def version_json(version: EvaluatorVersion) -> dict[str, Any]:
    names = ("number", "author", "note", "created_at", "metric_version", "definition")
    return {name: getattr(version, name) for name in names}


def found(request: HttpRequest, slug: str) -> Evaluator:
    evaluators = Evaluator.objects.select_related("project", "metric", "current")
    evaluator = evaluators.filter(project=request.project, slug=slug).first()
    if evaluator is None:
        raise Http404("The project has no such evaluator.")
    return evaluator


def actor(request: HttpRequest) -> str:
    return f"key {request.api_key.name}"


def said(body: DefinitionIn, without: set[str] = frozenset()) -> dict[str, Any]:
    """The definition that the body writes out; null counts as not said."""
    sent = body.dict(exclude_unset=True, include=set(DefinitionIn.model_fields) - without)
    return {
        name: {key: item for key, item in value.items() if item is not None} if name == "options" else value
        for name, value in sent.items()
        if value is not None
    }


def metric_named(request: HttpRequest, slug: str) -> Metric:
    """Raises ValidationError by the field."""
    try:
        return metric_for(request.project, slug)
    except UnknownMetric as unknown:
        raise ValidationError({"metric": str(unknown)}) from None


@router.get("", response={200: EvaluatorList}, auth=KeyAuth(Scope.READ))
def evaluator_list(request: HttpRequest, archived: bool = False) -> HttpResponse:
    """All evaluators by name; with `archived=true` those put away too."""
    evaluators = Evaluator.objects.select_related("metric", "current").filter(project=request.project)
    if not archived:
        evaluators = evaluators.filter(archived_at=None)
    return answer({"items": [evaluator_json(evaluator) for evaluator in evaluators], "next_cursor": None})


@router.post("", response={201: EvaluatorOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def evaluator_create(request: HttpRequest, body: EvaluatorIn) -> HttpResponse:
    """A new evaluator with its first version. Without `metric` the other fields describe one, which is made too; a
    built-in evaluator knows itself what it measures in."""
    if Evaluator.objects.filter(project=request.project, slug=body.slug).exists():
        raise _taken(body.slug)
    try:
        with transaction.atomic():
            evaluator = create_evaluator(
                request.project, actor(request), slug=body.slug, type=body.type, metric=_metric_for(request, body),
                definition=said(body), name=body.name or "", description=body.description or "", note=body.note,
            )  # fmt: skip
    except IntegrityError:  # somebody else was faster
        raise _taken(body.slug) from None
    return answer(evaluator_json(found(request, evaluator.slug)), 201)


@router.get("/{slug}", response={200: EvaluatorOut}, auth=KeyAuth(Scope.READ))
def evaluator_get(request: HttpRequest, slug: str) -> HttpResponse:
    """One evaluator, with its metric and what its current version says."""
    return answer(evaluator_json(found(request, slug)))


@router.patch("/{slug}", response={200: EvaluatorOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def evaluator_change(request: HttpRequest, slug: str, body: EvaluatorChange) -> HttpResponse:
    """Changes what is named in the body; what an evaluator does is kept as a new version.

    Once there are scores by it, slug, type and metric stay. With another type only what the body says counts.
    """
    evaluator = found(request, slug)
    sent = body.dict(exclude_unset=True, include=EDITABLE - {"metric"})
    fields: dict[str, Any] = {name: value for name, value in sent.items() if value is not None}
    if body.metric is not None:
        fields["metric"] = (
            evaluator.metric if body.metric == evaluator.metric.slug else metric_named(request, body.metric)
        )
    before = evaluator.current.definition if fields.get("type", evaluator.type) == evaluator.type else {}
    definition = said(body)
    if "options" in definition:
        definition["options"] = before.get("options", {}) | definition["options"]
    _free(request, evaluator, fields.get("slug"))
    try:
        if definition or not before:
            save_version(evaluator, actor(request), before | definition, body.note, **fields)
        else:
            change_evaluator(evaluator, actor(request), **fields)
    except IntegrityError:
        raise _taken(fields["slug"]) from None
    return answer(evaluator_json(found(request, evaluator.slug)))


@router.delete("/{slug}", response={200: EvaluatorOut}, auth=KeyAuth(Scope.WRITE))
def evaluator_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Puts the evaluator away: it scores no more; its scores and versions stay."""
    archive_evaluator(found(request, slug), actor(request))
    return answer(evaluator_json(found(request, slug)))


@router.post("/{slug}/restore", response={200: EvaluatorOut}, auth=KeyAuth(Scope.WRITE))
def evaluator_restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes an evaluator that was put away into use again."""
    restore_evaluator(found(request, slug), actor(request))
    return answer(evaluator_json(found(request, slug)))


@router.post("/{slug}/make-primary", response={200: EvaluatorOut}, auth=KeyAuth(Scope.WRITE))
def evaluator_make_primary(request: HttpRequest, slug: str) -> HttpResponse:
    """Lets its metric's column show this evaluator's values; earlier scores follow within minutes."""
    evaluator = found(request, slug)
    try:
        make_primary(evaluator, actor(request))
    except NotRanked as problem:
        raise Problem(503, "unavailable", str(problem)) from None
    return answer(evaluator_json(found(request, slug)))


@router.get("/{slug}/versions", response={200: EvaluatorVersionList}, auth=KeyAuth(Scope.READ))
def version_list(request: HttpRequest, slug: str) -> HttpResponse:
    """All versions, newest first."""
    items = [version_json(version) for version in found(request, slug).versions.all()]
    return answer({"items": items, "next_cursor": None})


@router.post("/{slug}/versions", response={201: EvaluatorVersionOut}, auth=KeyAuth(Scope.WRITE))
@idempotent
def version_create(request: HttpRequest, slug: str, body: EvaluatorVersionIn) -> HttpResponse:
    """A new version from the body alone; the current one is answered where it says the same."""
    version = save_version(found(request, slug), actor(request), said(body), body.note)
    return answer(version_json(version), 201)


@router.get("/{slug}/versions/{number}", response={200: EvaluatorVersionOut}, auth=KeyAuth(Scope.READ))
def version_get(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version, as it was written."""
    return answer(version_json(found_version(found(request, slug), number)))


@router.post("/{slug}/scores", response={201: ScoreOut}, auth=KeyAuth(Scope.WRITE, Scope.INGEST))
def score_create(request: HttpRequest, slug: str, body: EvaluatorScoreIn) -> HttpResponse:
    """A score that was made elsewhere by this evaluator, in the value field of its metric's type."""
    try:
        evaluator = evaluator_for(request.project, slug)
    except UnknownEvaluator as unknown:
        raise Http404(str(unknown)) from None
    metric = evaluator.metric
    if body.metric not in ("", metric.slug):
        raise ValidationError({"metric": f"{slug} measures {metric.slug}."})
    try:
        value = read_value(metric, body.dict())
    except ValueProblem as problem:
        raise Problem(400, "invalid", problem.message, [(problem.field, problem.message)]) from None
    name = request.api_key.name
    score = NewScore(
        found_record(request.project, body.record).id, metric, value, ScoreSource.API, sender=name, key=body.id,
        scorer=body.scorer or name, reasoning=body.reasoning, evaluator=slug,
        evaluator_version_id=evaluator.current_id, version_no=evaluator.current.number,
    )  # fmt: skip
    (id,) = add_scores(request.project.id, [score])
    return answer(score_json(Score.objects.get(project=request.project, id=id), metric), 201)


def found_version(evaluator: Evaluator, number: int | None) -> EvaluatorVersion:
    if number is None:
        return evaluator.current
    version = evaluator.versions.filter(number=number).first() if number < 2**31 else None
    if version is None:
        raise Http404(f"{evaluator.slug} has no version {number}.")
    return version


def _metric_for(request: HttpRequest, body: EvaluatorIn) -> Metric:
    own = set(body.model_fields_set) - set(EvaluatorChange.model_fields)
    if body.metric is not None:
        if own:
            raise ValidationError({name: f"{body.metric} has its own: leave it out, or the metric." for name in own})
        return metric_named(request, body.metric)
    sent = body.dict(exclude_unset=True, include=set(METRIC_FIELDS) & own)
    fields = {name: value for name, value in sent.items() if value is not None or name == "passing_value"}
    if body.score_value_type is not None:
        fields["value_type"] = body.score_value_type
    elif body.type == EvaluatorType.CODE and body.builtin in BUILTINS:
        fields = metrics_made.of_builtin(body.builtin, body.settings or {}) | fields
    else:
        raise ValidationError({"metric": "Name a metric, or give a score_value_type and one is made."})
    if Metric.objects.filter(project=request.project, slug=body.slug).exists():
        raise ValidationError({"metric": f"There is a metric {body.slug} already: name it as metric, or another slug."})
    metric = create_metric(request.project, **fields | {"slug": body.slug, "name": body.name or ""})
    audit.note(request.project, actor(request), "metric.create", metric.slug)
    return metric


def _free(request: HttpRequest, evaluator: Evaluator, slug: str | None) -> None:
    if slug and slug != evaluator.slug and Evaluator.objects.filter(project=request.project, slug=slug).exists():
        raise _taken(slug)


def _taken(slug: str) -> Problem:
    return Problem(409, "conflict", f"The project has an evaluator {slug} already.", [("slug", "Is taken.")])

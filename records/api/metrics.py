"""Calls on metrics, by slug."""

from typing import Any

from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router

from evalhub import audit
from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from evalhub.openapi import CONFLICT
from records.api.schemas import MetricChange, MetricIn, MetricList, MetricOut
from records.metrics import archive_metric, change_metric, create_metric, restore_metric
from records.models import Metric

router = Router(tags=["metrics"])

PLAIN = (
    "slug", "name", "description", "value_type", "min_score", "max_score", "passing_score", "direction",
    "passing_value", "categorical_choices", "several", "passing_choices", "position", "version", "primary_evaluator",
    "automatic", "created_at",
)  # fmt: skip


def metric_json(metric: Metric) -> dict[str, Any]:
    return {name: getattr(metric, name) for name in PLAIN} | {"archived": metric.archived_at is not None}


def _found(request: HttpRequest, slug: str) -> Metric:
    metric = Metric.objects.filter(project=request.project, slug=slug).first()
    if metric is None:
        raise Http404("The project has no such metric.")
    return metric


@router.get("", response={200: MetricList}, auth=KeyAuth(Scope.READ))
def metric_list(request: HttpRequest, archived: bool = False) -> HttpResponse:
    """All metrics in the order of their columns; with `archived=true` those put away too."""
    metrics = Metric.objects.filter(project=request.project)
    if not archived:
        metrics = metrics.filter(archived_at=None)
    return answer({"items": [metric_json(metric) for metric in metrics], "next_cursor": None})


@router.post("", response={201: MetricOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def metric_create(request: HttpRequest, body: MetricIn) -> HttpResponse:
    """A new metric: its value type decides which field its scores carry."""
    taken = Problem(409, "conflict", f"The project has a metric {body.slug} already.", [("slug", "Is taken.")])
    if Metric.objects.filter(project=request.project, slug=body.slug).exists():
        raise taken
    try:
        with transaction.atomic():
            metric = create_metric(request.project, **_said(body))
            _note(request, "metric.create", metric)
    except IntegrityError:  # somebody else was faster
        raise taken from None
    return answer(metric_json(metric), 201)


@router.get("/{slug}", response={200: MetricOut}, auth=KeyAuth(Scope.READ))
def metric_get(request: HttpRequest, slug: str) -> HttpResponse:
    """One metric."""
    return answer(metric_json(_found(request, slug)))


@router.patch("/{slug}", response={200: MetricOut}, auth=KeyAuth(Scope.WRITE))
def metric_change(request: HttpRequest, slug: str, body: MetricChange) -> HttpResponse:
    """Changes what is named in the body. Once there are scores, slug and value type stay, and bounds only widen."""
    with transaction.atomic():
        metric = change_metric(_found(request, slug), **_said(body))
        _note(request, "metric.change", metric)
    return answer(metric_json(metric))


@router.delete("/{slug}", response={200: MetricOut}, auth=KeyAuth(Scope.WRITE))
def metric_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Puts the metric away: it takes no more scores; the ones it has stay."""
    return _archive(request, slug, True)


@router.post("/{slug}/restore", response={200: MetricOut}, auth=KeyAuth(Scope.WRITE))
def metric_restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a metric that was put away into use again."""
    return _archive(request, slug, False)


def _archive(request: HttpRequest, slug: str, away: bool) -> HttpResponse:
    metric = _found(request, slug)
    with transaction.atomic():
        (archive_metric if away else restore_metric)(metric)
        _note(request, "metric.archive" if away else "metric.restore", metric)
    return answer(metric_json(_found(request, slug)))


def _said(body: MetricChange) -> dict[str, Any]:
    """The fields that the body names. What cannot be null stays as it is when null is sent."""
    nullable = {"min_score", "max_score", "passing_score", "passing_value"}
    return {
        name: value for name, value in body.dict(exclude_unset=True).items() if value is not None or name in nullable
    }


def _note(request: HttpRequest, action: str, metric: Metric) -> None:
    audit.note(request.project, f"key {request.api_key.name}", action, metric.slug)

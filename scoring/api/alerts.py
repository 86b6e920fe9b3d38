"""Calls on alerts: made, read, changed, deleted, measured and tested; named by their id in the project."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from evalhub.api import KeyAuth, answer
from evalhub.models import Scope
from evalhub.openapi import example
from records.api.schemas import Strict
from records.models import Metric
from scoring.alerts.editing import Saved, change_alert, create_alert, delete_alert
from scoring.alerts.outbox import masked
from scoring.models import (
    Alert,
    AlertDelivery,
    AlertEvent,
    AlertState,
    Certainty,
    Channel,
    DeliveryStatus,
    Figure,
    NoData,
    Side,
)

router = Router(tags=["alerts"])
NEWEST = 100


class AlertChange(Strict):
    """Shares are 0 to 1, latencies seconds, costs USD."""

    name: str | None = None
    figure: Figure | None = None
    metric: str | None = Field(None, description="Slug, with the figures passes and mean.")
    filter: str | None = Field(None, description='A filter, as on the Records page; "" for all records.')
    all_spans: bool | None = None
    window_seconds: int | None = Field(None, description="The time before now that is measured.")
    side: Side | None = None
    threshold: float | None = None
    certainty: Certainty | None = Field(
        None, description="Which part of the 95 % interval must lie beyond: all (sure), the value, or any (possible)."
    )
    least: int | None = Field(None, ge=0, le=2**31 - 1, description="With fewer records or scores there is no data.")
    no_data: NoData | None = None
    pending_seconds: int | None = Field(None, ge=0, description="How long it must last before it fires.")
    recovery_threshold: float | None = Field(None, description="Null: the threshold.")
    recovery_seconds: int | None = Field(None, ge=0, description="How long it must be fine to be over.")
    enabled: bool | None = None
    webhook: str | None = None
    emails: list[str] | None = None


class AlertIn(AlertChange):
    model_config = example(
        {
            "name": "Answers are wrong",
            "figure": "passes",
            "metric": "correct",
            "window_seconds": 3600,
            "side": "below",
            "threshold": 0.9,
            "certainty": "sure",
            "least": 50,
            "emails": ["team@example.com"],
        }
    )
    name: str
    figure: Figure
    threshold: float


class AlertPatch(AlertChange):
    model_config = example({"threshold": 0.85, "enabled": False})
    renew_secret: bool = Field(False, description="Makes the webhook's secret anew and answers it, once.")


class AlertOut(Schema):
    id: int
    name: str
    figure: Figure
    metric: str | None
    filter: str
    all_spans: bool
    window_seconds: int
    side: Side
    threshold: float
    certainty: Certainty
    least: int
    no_data: NoData
    pending_seconds: int
    recovery_threshold: float | None
    recovery_seconds: int
    enabled: bool
    webhook: str
    emails: list[str]
    state: AlertState
    state_since: datetime
    evaluated_at: datetime | None
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    problem: str = Field(description="Why it could not be measured the last time.")
    by: str
    created_at: datetime
    secret: str | None = Field(None, description="Of the webhook, where it has just been made: never shown again.")


class AlertList(Schema):
    items: list[AlertOut]
    next_cursor: str | None = None


class EventOut(Schema):
    at: datetime
    before: AlertState
    after: AlertState
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    words: str


class DeliveryOut(Schema):
    channel: Channel
    target: str
    status: DeliveryStatus
    attempts: int
    error: str
    created_at: datetime
    done_at: datetime | None


class HistoryOut(Schema):
    events: list[EventOut]
    deliveries: list[DeliveryOut]


class TestedOut(Schema):
    channel: Channel
    target: str
    sent: bool
    error: str


class TestList(Schema):
    items: list[TestedOut]


FIELDS = tuple(name for name in AlertOut.model_fields if name not in ("metric", "secret"))


def alert_json(request: HttpRequest, alert: Alert, secret: str = "") -> dict[str, Any]:
    """The webhook's address as a whole for those alone who may change it: it may hold a key."""
    shown = {name: getattr(alert, name) for name in FIELDS}
    if Scope.WRITE not in request.api_key.scopes:
        shown["webhook"] = masked(alert.webhook)
    return shown | {"metric": alert.metric.slug if alert.metric else None, "secret": secret or None}


@router.get("", response={200: AlertList}, auth=KeyAuth(Scope.READ))
def alert_list(request: HttpRequest) -> HttpResponse:
    """All alerts by name."""
    return answer({"items": [alert_json(request, alert) for alert in _alerts(request)], "next_cursor": None})


@router.post("", response={201: AlertOut}, auth=KeyAuth(Scope.WRITE))
def alert_create(request: HttpRequest, body: AlertIn) -> HttpResponse:
    """With a webhook the answer holds its secret, once."""
    return _answer(request, create_alert(request.project, _actor(request), **_sent(request, body)), 201)


@router.get("/{int:id}", response={200: AlertOut}, auth=KeyAuth(Scope.READ))
def alert_get(request: HttpRequest, id: int) -> HttpResponse:
    """One alert with its present state."""
    return answer(alert_json(request, _found(request, id)))


@router.patch("/{int:id}", response={200: AlertOut}, auth=KeyAuth(Scope.WRITE))
def alert_change(request: HttpRequest, id: int, body: AlertPatch) -> HttpResponse:
    """Changes what is named in the body; where that is what is measured, the state begins anew."""
    alert = _found(request, id)
    changed = change_alert(alert, _actor(request), renew_secret=body.renew_secret, **_sent(request, body))
    return _answer(request, changed, 200)


@router.delete("/{int:id}", response={204: None}, auth=KeyAuth(Scope.WRITE))
def alert_delete(request: HttpRequest, id: int) -> HttpResponse:
    """With its history."""
    delete_alert(_found(request, id), _actor(request))
    return HttpResponse(status=204)


@router.get("/{int:id}/history", response={200: HistoryOut}, auth=KeyAuth(Scope.READ))
def alert_history(request: HttpRequest, id: int) -> HttpResponse:
    """The newest changes of state, and the newest messages."""
    alert = _found(request, id)
    events: QuerySet[AlertEvent] = alert.events.all()[:NEWEST]
    deliveries: QuerySet[AlertDelivery] = alert.deliveries.all()[:NEWEST]
    told = [one | {"target": masked(one["target"])} for one in _listed(DeliveryOut, deliveries)]
    return answer({"events": _listed(EventOut, events), "deliveries": told})


@router.post("/{int:id}/test", response={200: TestList}, auth=KeyAuth(Scope.WRITE))
def alert_test(request: HttpRequest, id: int) -> HttpResponse:
    """Sends a test to every address of the alert; takes some seconds at the most."""
    from scoring.alerts.delivering import send_test  # aiohttp: half a second that other calls need not pay for

    items = [
        {"channel": channel, "target": target, "sent": not outcome.error, "error": outcome.error}
        for channel, target, outcome in send_test(_found(request, id))
    ]
    return answer({"items": items})


def _listed(schema: type[Schema], rows: QuerySet) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in schema.model_fields} for row in rows]


def _answer(request: HttpRequest, saved: Saved, status: int) -> HttpResponse:
    return answer(alert_json(request, saved.alert, saved.secret), status)


def _sent(request: HttpRequest, body: AlertChange) -> dict[str, Any]:
    """What the body names; null counts as not said, but for what may be empty. Raises ValidationError by the field."""
    sent = body.dict(exclude_unset=True, exclude={"renew_secret"})
    fields = {name: value for name, value in sent.items() if value is not None or name == "recovery_threshold"}
    if fields.get("metric"):
        metric = Metric.objects.filter(project=request.project, slug=fields["metric"]).first()
        if metric is None:
            raise ValidationError({"metric": f"The project has no metric {fields['metric'][:60]}."})
        fields["metric"] = metric
    else:
        fields.pop("metric", None)
    return fields


def _alerts(request: HttpRequest) -> QuerySet[Alert]:
    return Alert.objects.filter(project=request.project).select_related("project", "metric")


def _found(request: HttpRequest, id: int) -> Alert:
    alert = _alerts(request).filter(pk=id).first() if id < 2**63 else None
    if alert is None:
        raise Http404("The project has no such alert.")
    return alert


def _actor(request: HttpRequest) -> str:
    return f"key {request.api_key.name}"

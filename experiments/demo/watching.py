"""What a demo project watches: dashboards as told, and alerts that are measured hour by hour through its last days, as
the sweeper would have done. They tell nobody: a demo calls nobody."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from evalhub.models import Project, User
from experiments.demo.setups import AUTHOR
from experiments.demo.stories import Plan
from records.models import Metric
from scoring.alerts.editing import create_alert
from scoring.alerts.evaluating import evaluate
from scoring.models import Alert, Dashboard

EVERY = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Watched:
    """`fields` are create_alert's, with the metric by its slug."""

    fields: dict[str, Any]
    days: int = 10  # measured since so many days ago


@dataclass(frozen=True, slots=True)
class Watch:
    """`dashboards` are (name, query)."""

    dashboards: tuple[tuple[str, str], ...] = ()
    alerts: tuple[Watched, ...] = field(default=())


def watch(project: Project, told: Watch, plan: Plan) -> None:
    owner = User.objects.filter(username=AUTHOR, memberships__project=project).first()
    for name, query in told.dashboards:
        Dashboard.objects.create(project=project, owner=owner, name=name, query=query, shared=True)
    for watched in told.alerts:
        _live(project, watched, plan)


def _live(project: Project, watched: Watched, plan: Plan) -> None:
    metric = Metric.objects.filter(project=project, slug=watched.fields.get("metric", "")).first()
    made = create_alert(project, AUTHOR, **watched.fields | {"metric": metric}).alert
    at = plan.now.replace(minute=0, second=0, microsecond=0) - timedelta(days=watched.days)
    Alert.objects.filter(pk=made.pk).update(created_at=at, state_since=at)  # the demo's past is told, not lived
    alert = Alert.objects.select_related("project", "metric").get(pk=made.pk)
    while at <= plan.now:
        evaluate(alert, at)
        at += EVERY

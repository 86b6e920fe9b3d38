"""Dashboards: whose they are, who may change them, and how one is stored. As saved views of records."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from evalhub.models import Project, Role, User
from scoring.models import Dashboard

PARTS = ("q", "spans", "range", "from", "to", "by", "charts")  # of the Monitor page's URL
MOST = 50  # shared ones of a project, and private ones of a user in it


class DashboardProblem(ValueError):
    """A dashboard that cannot be stored, in words for the reader."""


def dashboards_of(project: Project, user: User) -> QuerySet[Dashboard]:
    """The shared ones and the user's own, as they were made."""
    return Dashboard.objects.filter(Q(shared=True) | Q(owner=user), project=project)


def may_change(dashboard: Dashboard, user: User, role: Role) -> bool:
    """A private one is its owner's; a shared one its owner's who still may share, and the editors'."""
    if dashboard.shared and role >= Role.EDITOR:
        return True
    return dashboard.owner_id == user.pk and (not dashboard.shared or role >= Role.REVIEWER)


def query_of(parameters: Mapping[str, str]) -> str:
    """What a dashboard keeps of the page's parameters, always in the same order."""
    return urlencode({name: parameters[name] for name in PARTS if parameters.get(name)})


def save_dashboard(dashboard: Dashboard) -> Dashboard:
    """Raises DashboardProblem."""
    beside = Dashboard.objects.filter(project=dashboard.project, shared=dashboard.shared).exclude(pk=dashboard.pk)
    if (beside if dashboard.shared else beside.filter(owner=dashboard.owner)).count() >= MOST:
        raise DashboardProblem(f"There are {MOST} dashboards already: delete one first.")
    try:
        with transaction.atomic():
            dashboard.save()
    except IntegrityError:
        raise DashboardProblem(f"There is a dashboard named {dashboard.name} already.") from None
    return dashboard

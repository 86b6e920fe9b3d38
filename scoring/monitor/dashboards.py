"""Dashboards: the Monitor page under a name. Whose they are, and how one is stored: as saved views of records."""

from collections.abc import Mapping

from django.db.models import QuerySet

from evalhub.models import Project, User
from records import saved_views
from scoring.models import Dashboard

PARTS = ("q", "spans", "range", "from", "to", "by", "charts")  # of the page's URL


def dashboards_of(project: Project, user: User) -> QuerySet[Dashboard]:
    return saved_views.views_of(project, user, Dashboard)


def query_of(parameters: Mapping[str, str]) -> str:
    return saved_views.query_of(parameters, PARTS)

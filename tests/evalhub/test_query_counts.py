"""Pages cost the same number of queries however many rows they show."""

import pytest
from django.urls import reverse

from evalhub import apikeys
from evalhub.models import AuditEvent, Role
from tests import factories

OUTSIDE = ["projects", "project-menu", "profile"]
INSIDE = ["project-settings", "project-members", "project-keys", "project-audit"]


@pytest.mark.parametrize("rows", [0, 30])
@pytest.mark.parametrize("name", OUTSIDE + INSIDE)
def test_the_number_of_queries_is_pinned(client, project, query_budget, name, rows):
    admin = factories.member(project, Role.ADMIN)
    for n in range(rows):
        factories.member(project)
        factories.member(factories.project(), Role.VIEWER)
        apikeys.create(project, f"key {n}", ["read"], created_by=admin)
        AuditEvent.objects.create(project=project, actor="a", action="b.c")
    client.force_login(admin)
    url = reverse(name, args=[project.slug] if name in INSIDE else [])
    with query_budget(name):
        assert client.get(url).status_code == 200

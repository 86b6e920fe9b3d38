"""A page asks the database as often with many rows, columns and scores as with few."""

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from tests import factories
from tests.records.pages.test_record_detail import START, spans


@pytest.mark.parametrize("rows", [1, 50])
@pytest.mark.parametrize("name", ["records:list", "records:count", "records:history"])
def test_the_number_of_queries_is_pinned(client, project, query_budget, name, rows):
    factories.metric(project, "quality")
    judged = [ScoreDraft("quality", {"numerical_value": 0.9})]
    ingest(project, [RecordDraft(f"r{n}", Source.API, START, inputs=n, scores=judged) for n in range(rows)], "ci")
    client.force_login(factories.member(project, Role.VIEWER))
    with query_budget(name):
        assert client.get(reverse(name, args=[project.slug])).status_code == 200


@pytest.mark.parametrize("count", [1, 150])
def test_the_number_of_queries_of_a_record_is_pinned(client, project, query_budget, count):
    id = ingest(project, spans(count), "ci").ids[0]
    client.force_login(factories.member(project, Role.VIEWER))
    with query_budget("records:detail"):
        assert client.get(reverse("records:detail", args=[project.slug, id])).status_code == 200

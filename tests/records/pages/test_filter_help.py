from datetime import UTC, datetime

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.filter_help import GRAMMAR, PARTS, fields
from records.filterlang import Vocabulary, compile_sql, parse
from records.filterlang.fields import FIELDS, METRIC_PARTS
from records.models import Metric
from tests import factories


@pytest.fixture
def page(client, project):
    factories.metric(project, "quality")
    Metric.objects.update(name="<b>Quality</b>")
    client.force_login(factories.member(project, Role.VIEWER))
    return client.get(reverse("records:filter-help", args=[project.slug])).content.decode()


def test_every_field_is_listed_once():
    listed = [name for field in fields() for name in field.names.split(", ")]
    assert sorted(listed) == sorted(FIELDS)
    assert set(PARTS) == set(METRIC_PARTS)


@pytest.mark.parametrize("text", [*(one.text for one in GRAMMAR), *(one.example for one in fields())])
def test_every_example_can_be_read(text):
    vocabulary, now = Vocabulary(me=1), datetime(2026, 6, 1, tzinfo=UTC)
    compile_sql(parse(text, vocabulary), vocabulary, now, UTC, text)


def test_the_dialog_shows_grammar_fields_and_the_projects_metrics(page):
    assert "model:gpt*" in page and "tokens.cached" in page and "metric.quality" in page
    assert "<b>Quality" not in page and "&lt;b&gt;Quality" in page

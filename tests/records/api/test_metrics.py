"""Metrics by slug through the API."""

import pytest

from evalhub.models import AuditEvent, Scope
from records.api.schemas import MetricOut
from records.models import Metric
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db


def test_a_metric_is_created_read_changed_and_put_away(project):
    k = key(project)
    made = call(k, "POST", "/metrics", {
        "slug": "tone", "value_type": "categorical", "categorical_choices": ["rude", {"value": "kind", "number": 1}],
        "passing_choices": ["kind"],
    })  # fmt: skip
    assert made.status == 201, made.body
    assert MetricOut.model_validate(made.body).passing_choices == ["kind"]
    assert made.body["name"] == "Tone"
    assert call(k, "GET", "/metrics/tone").body == made.body
    changed = call(k, "PATCH", "/metrics/tone", {"name": "Manner", "several": True})
    assert (changed.status, changed.body["name"], changed.body["version"]) == (200, "Manner", 2)
    assert [m["slug"] for m in call(k, "GET", "/metrics").body["items"]] == ["tone"]
    assert call(k, "DELETE", "/metrics/tone").body["archived"] is True
    assert call(k, "GET", "/metrics").body["items"] == []
    assert [m["slug"] for m in call(k, "GET", "/metrics?archived=true").body["items"]] == ["tone"]
    assert call(k, "POST", "/metrics/tone/restore").body["archived"] is False
    actions = AuditEvent.objects.filter(project=project, actor="key ci").values_list("action", flat=True)
    assert set(actions) == {"metric.create", "metric.change", "metric.archive", "metric.restore"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"slug": "Bad Slug", "value_type": "boolean"}, "slug"),
        ({"slug": "status", "value_type": "boolean"}, "slug"),
        ({"slug": "a", "value_type": "stars"}, "value_type"),
        ({"slug": "a"}, "value_type"),
        ({"slug": "a", "value_type": "boolean", "min_score": 1}, "min_score"),
        ({"slug": "a", "value_type": "numerical", "min_score": 2, "max_score": 1}, "max_score"),
        ({"slug": "a", "value_type": "categorical"}, "categorical_choices"),
        ({"slug": "a", "value_type": "boolean", "colour": "red"}, "colour"),
        ({"slug": "a", "value_type": "boolean", "name": "n\0"}, "name"),
    ],
)
def test_a_wrong_definition_is_refused_by_field_and_nothing_is_stored(project, body, path):
    answer = call(key(project), "POST", "/metrics", body)
    assert answer.status == 400
    assert path in answer.fields
    assert not Metric.objects.filter(project=project).exists()


def test_a_taken_slug_is_a_conflict(project):
    factories.metric(project, "tone")
    answer = call(key(project), "POST", "/metrics", {"slug": "tone", "value_type": "boolean"})
    assert (answer.status, answer.error["code"]) == (409, "conflict")


def test_another_projects_metric_does_not_exist(project):
    factories.metric(factories.project(), "theirs")
    k = key(project)
    for method, path in (
        ("GET", "/metrics/theirs"),
        ("PATCH", "/metrics/theirs"),
        ("DELETE", "/metrics/theirs"),
        ("POST", "/metrics/theirs/restore"),
    ):
        assert call(k, method, path, {}).status == 404
    assert call(k, "GET", "/metrics?archived=true").body["items"] == []


def test_reading_needs_read_and_changing_needs_write(project):
    factories.metric(project, "tone")
    reader, writer = key(project, Scope.READ), key(project, Scope.WRITE)
    assert call(reader, "GET", "/metrics").status == 200
    assert call(reader, "PATCH", "/metrics/tone", {"name": "x"}).status == 403
    assert call(reader, "DELETE", "/metrics/tone").status == 403
    assert call(writer, "GET", "/metrics").status == 403
    assert call(writer, "PATCH", "/metrics/tone", {"name": "x"}).status == 200

"""How many records there are over time, through the API."""

from datetime import UTC, datetime, timedelta

import pytest

from evalhub.models import Scope
from records.api.schemas import Histogram
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def k(project):
    k = key(project)
    factories.metric(project, "quality")
    records = [
        {"created_at": (START + timedelta(minutes=n)).isoformat(), "model": "ab"[n > 0],
         "scores": [{"metric": "quality", "numerical_value": n / 10}]}
        for n in (0, 1, 9)
    ]  # fmt: skip
    assert call(k, "POST", "/records", records).status == 200
    return k


def counts(answer) -> list[dict]:
    assert answer.status == 200, answer.body
    return [bar.counts for bar in Histogram.model_validate(answer.body).items]


def test_bars_are_counted_with_their_gaps(k):
    answer = call(k, "GET", "/records/histogram")
    found = counts(answer)
    assert answer.body["seconds"] == 60 and answer.body["about"] is False
    assert answer.body["items"][0]["start"] == "2026-03-01T10:00:00Z"
    assert found[:2] == [{"completed": 1}] * 2 and found[2] == {} and found[9] == {"completed": 1}


def test_a_filter_and_a_metric_narrow_and_split_them(k):
    found = counts(call(k, "GET", "/records/histogram?q=model:b&by=metric.quality"))
    assert [bar for bar in found if bar] == [{"fail": 1}, {"pass": 1}]


@pytest.mark.parametrize(("query", "path"), [("q=modle:x", "q"), ("by=weather", "by"), ("roots=perhaps", "roots")])
def test_a_wrong_parameter_is_named(k, query, path):
    answer = call(k, "GET", f"/records/histogram?{query}")
    assert answer.status == 400 and path in answer.fields


def test_it_is_of_ones_own_project_and_needs_the_scope(k, project):
    assert counts(call(key(factories.project()), "GET", "/records/histogram")) == []
    assert call(key(project, Scope.INGEST), "GET", "/records/histogram").status == 403

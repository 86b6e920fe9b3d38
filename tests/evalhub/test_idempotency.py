"""`Idempotency-Key`: what starts or creates something is done once, however often it is sent."""

from datetime import timedelta

import psycopg
import pytest
import redis
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from evalhub.api import Problem
from evalhub.idempotency import idempotent
from evalhub.models import ApiKey, KeptAnswer, Scope
from records.models import Metric
from scoring.models import ScoringRun
from scoring.runs import ringing
from tests import factories
from tests.records.api.calls import call, key
from tests.scoring.running import exact, sent

pytestmark = pytest.mark.django_db

METRIC = {"slug": "good", "value_type": "boolean"}


def post(k, path, body, name="once"):
    return call(k, "POST", path, body, idempotency_key=name)


def test_a_repeat_gets_the_first_answer_and_makes_nothing(project):
    k = key(project)
    first, again = post(k, "/metrics", METRIC), post(k, "/metrics", METRIC)
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert Metric.objects.filter(project=project).count() == 1
    assert call(k, "POST", "/metrics", METRIC).status == 409, "without the header it is a second metric of that name"


@pytest.mark.parametrize("path", ["/datasets", "/prompts"])
def test_without_a_slug_of_ones_own_a_repeat_makes_no_second_one(project, path):
    k = key(project)
    body = {"name": "Cases", **({"messages": [{"role": "user", "content": "Hello"}]} if path == "/prompts" else {})}
    first, again = post(k, path, body), post(k, path, body)
    assert (first.status, again.status, again.body) == (201, 201, first.body), first.body
    assert len(call(k, "GET", path).body["items"]) == 1


def test_a_run_is_started_once(project, monkeypatch):
    rung = []
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: rung.append(queue))
    k = key(project)
    sent(project, 2)
    exact(project)
    body = {"ids": ["r0"], "evaluators": ["exact"]}
    first, again = post(k, "/scoring-runs", body), post(k, "/scoring-runs", body)
    assert (first.status, again.status, again.body) == (202, 202, first.body)
    assert (ScoringRun.objects.get().planned, rung) == (0, ["plan"]), "a worker plans: one call, one bell"
    assert post(k, "/scoring-runs", body, "twice").body["run"]["number"] == 2


@pytest.mark.parametrize(
    ("path", "body"), [("/metrics", METRIC | {"name": "Better"}), ("/evaluators", METRIC), ("/metrics?x=1", METRIC)]
)
def test_the_key_of_another_call_is_a_conflict(project, path, body):
    k = key(project)
    post(k, "/metrics", METRIC)
    answer = post(k, path, {"slug": "a", "type": "human", "metric": "good"} if path == "/evaluators" else body)
    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_reused")
    assert Metric.objects.get(project=project).name != "Better"


def test_a_refused_call_keeps_nothing_and_may_be_mended(project):
    k = key(project)
    assert post(k, "/metrics", METRIC | {"slug": "Not a slug"}).status == 400
    assert not KeptAnswer.objects.exists()
    assert post(k, "/metrics", METRIC).status == 201


def test_each_api_key_has_names_of_its_own(project):
    assert post(key(project), "/metrics", METRIC).status == 201
    assert post(key(factories.project()), "/metrics", METRIC).status == 201
    assert post(key(project), "/metrics", METRIC).status == 409, "another sender's metric of the same slug"


@pytest.mark.parametrize("name", ["", "x" * 256, "naïve", "a\tb"])
def test_what_is_no_key_is_refused(project, name):
    answer = post(key(project), "/metrics", METRIC, name)
    assert answer.status == 400 and "Idempotency-Key" in answer.fields
    assert not Metric.objects.exists()


def test_scope_and_sign_in_come_first(project):
    k = key(project, Scope.READ)
    assert post(k, "/metrics", METRIC).status == 403
    assert post(None, "/metrics", METRIC).status == 401
    assert not KeptAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_repeat_while_the_first_is_at_work_is_told_to_ask_again():
    project = factories.project()
    k = key(project)
    where = connection.get_connection_params()
    with psycopg.connect(host=where["host"], user=where["user"], dbname=where["dbname"]) as other:
        id = ApiKey.objects.get(project=project).pk
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", ["Idempotency-Key:once", id])
        answer = post(k, "/metrics", METRIC)
        assert (answer.status, answer.error["code"]) == (409, "idempotency_key_busy")
        assert answer.headers["Retry-After"] == "5" and not Metric.objects.exists()
        other.rollback()
    assert post(k, "/metrics", METRIC).status == 201


def test_the_sweeper_forgets_answers_after_a_day(project):
    k = key(project)
    post(k, "/metrics", METRIC)
    post(k, "/metrics", METRIC | {"slug": "other"}, "young")
    KeptAnswer.objects.filter(name="once").update(at=timezone.now() - timedelta(hours=25))
    call_command("sweep", "--once")
    assert KeptAnswer.objects.get().name == "young"
    assert post(k, "/metrics", METRIC).status == 409, "forgotten: it is a new call, of a slug that is taken"


class Call:
    """Enough of a request for a view that is no call of the API."""

    method, path, _inflated_body = "POST", "/x", b"{}"
    headers = {"Idempotency-Key": "once"}

    def __init__(self, project):
        key(project)
        self.api_key = ApiKey.objects.get(project=project)

    def get_full_path(self):
        return self.path


@pytest.mark.parametrize("failure", [Problem(503, "unavailable", "x"), redis.ConnectionError("x")])
def test_work_that_fails_is_undone_with_its_answer(project, failure):
    @idempotent
    def view(request):
        factories.metric(project, "half")
        raise failure

    with pytest.raises(type(failure)):
        view(Call(project))
    assert not Metric.objects.exists() and not KeptAnswer.objects.exists()


def test_the_api_page_tells_of_the_header_and_the_conflict(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    for path in (
        "/api/v1/metrics", "/api/v1/evaluators", "/api/v1/scoring-runs", "/api/v1/review-requests",
        "/api/v1/datasets", "/api/v1/prompts", "/api/v1/gate",
    ):  # fmt: skip
        said = paths[path]["post"]
        assert "Idempotency-Key" in [parameter["name"] for parameter in said["parameters"]]
        assert "409" in said["responses"]
    assert "409" not in paths["/api/v1/metrics"]["get"]["responses"]

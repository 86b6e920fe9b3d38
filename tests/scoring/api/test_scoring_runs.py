"""Scoring runs through the API: estimated, started, watched, steered."""

import pytest

from evalhub.models import Scope
from records.models import Score
from scoring.api.runs import EstimateOut, RunOut
from scoring.models import ScoringRun
from scoring.runs import ringing, steering
from tests import factories
from tests.records.api.calls import call, key
from tests.scoring.running import code, exact, finish, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)


def test_a_dry_run_answers_the_estimate_and_starts_nothing(project):
    sent(project, 3)
    exact(project)
    asked = call(key(project), "POST", "/scoring-runs", {"q": "model:gpt", "evaluators": ["exact"], "dry_run": True})
    assert asked.status == 200, asked.body
    expected = EstimateOut.model_validate(asked.body["estimate"])
    assert (expected.records, expected.calls, expected.cost, asked.body["run"]) == (3, 3, 0, None)
    assert not ScoringRun.objects.exists()


def test_a_run_over_a_filter_is_started_and_watched_to_its_end(project):
    k = key(project)
    sent(project, 3)
    exact(project)
    begun = call(k, "POST", "/scoring-runs", {"q": "model:gpt", "evaluators": ["exact"], "limit": 2})
    assert begun.status == 202, begun.body
    run = RunOut.model_validate(begun.body["run"])
    assert (run.number, run.status, run.q, run.by, run.limit) == (1, "planning", "model:gpt", "key ci", 2)
    assert [(e.slug, e.version) for e in run.evaluators] == [("exact", 1)]
    finish(ScoringRun.objects.get())
    seen = RunOut.model_validate(call(k, "GET", "/scoring-runs/1").body)
    assert (seen.status, seen.planned, seen.completed) == ("finished", 2, 2)
    assert [item["number"] for item in call(k, "GET", "/scoring-runs").body["items"]] == [1]


def test_records_may_be_named_by_their_senders_ids(project):
    ids = sent(project, 3)
    exact(project)
    body = {"ids": ["r0", str(ids[2])], "evaluators": ["exact"]}
    begun = call(key(project), "POST", "/scoring-runs", body)
    assert begun.status == 202 and begun.body["run"]["planned"] == 2
    assert set(Score.objects.values_list("record_id", flat=True)) == {ids[0], ids[2]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"evaluators": ["exact"]}, 400),
        ({"q": "", "ids": ["r0"], "evaluators": ["exact"]}, 400),
        ({"q": "modle:x", "evaluators": ["exact"]}, 400),
        ({"q": "", "evaluators": ["nobody"]}, 400),
        ({"q": "", "evaluators": []}, 400),
        ({"q": "", "evaluators": ["exact"], "mode": "some"}, 400),
        ({"q": "", "evaluators": ["exact"], "limit": 0}, 400),
        ({"ids": ["nobody"], "evaluators": ["exact"]}, 404),
    ],
)
def test_mistakes_start_nothing(project, body, status):
    exact(project)
    assert call(key(project), "POST", "/scoring-runs", body).status == status
    assert not ScoringRun.objects.exists()


def test_a_run_is_cancelled_resumed_and_retried(project):
    k = key(project)
    sent(project, 2)
    code(project, snippet="def evaluate(output): return 1 / int(output) > 0")
    body = {"q": "", "evaluators": ["long_enough"]}
    call(k, "POST", "/scoring-runs", body)
    assert call(k, "POST", "/scoring-runs/1/cancel").body["status"] == "cancelled"
    assert call(k, "POST", "/scoring-runs/1/resume").status == 400
    call(k, "POST", "/scoring-runs", body)
    two = ScoringRun.objects.get(number=2)
    steering.pause(two.pk, "The key is refused.")
    assert call(k, "GET", "/scoring-runs/2").body["reason"] == "The key is refused."
    assert call(k, "POST", "/scoring-runs/2/resume").body["status"] == "planning"
    finish(two)
    again = call(k, "POST", "/scoring-runs/2/retry")
    assert (again.status, again.body["number"], again.body["retry_of"]) == (202, 3, 2)


def test_a_list_goes_on_before_its_last_run(project):
    k = key(project)
    sent(project, 1)
    exact(project)
    for _ in range(3):
        call(k, "POST", "/scoring-runs", {"q": "", "evaluators": ["exact"]})
    first = call(k, "GET", "/scoring-runs?limit=2").body
    assert [item["number"] for item in first["items"]] == [3, 2]
    rest = call(k, "GET", f"/scoring-runs?limit=2&cursor={first['next_cursor']}").body
    assert [item["number"] for item in rest["items"]] == [1] and rest["next_cursor"] is None


def test_runs_of_another_project_are_not_there_and_reading_starts_nothing(project):
    other = factories.project()
    sent(other, 1)
    exact(other)
    call(key(other), "POST", "/scoring-runs", {"q": "", "evaluators": ["exact"]})
    assert call(key(project), "GET", "/scoring-runs/1").status == 404
    assert call(key(project), "POST", "/scoring-runs/1/cancel").status == 404
    assert call(key(other, Scope.READ), "POST", "/scoring-runs", {"q": "", "evaluators": ["exact"]}).status == 403

"""Rules through the API: made, read, changed, deleted, tested, and past records scored by them."""

import pytest

from evalhub.models import AuditEvent, Scope
from records.models import Score
from scoring.api.rule_tests import RuleTestOut
from scoring.api.rules import PastOut, RuleOut
from scoring.models import Rule, RuleVersion, ScoringRun
from scoring.rules import testing
from scoring.runs import ringing
from tests import factories
from tests.records.api.calls import call, key
from tests.scoring.rules.made import counted, fresh, rule
from tests.scoring.running import exact, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)


def test_a_rule_is_made_read_changed_and_deleted(project):
    k = key(project)
    exact(project)
    body = {"name": "Billing answers", "evaluators": ["exact"], "filter": "model:gpt", "spans_mode": "root",
            "rate": 0.2, "budget_usd_day": 1.5, "enabled": True}  # fmt: skip
    made = call(k, "POST", "/rules", body)
    assert made.status == 201, made.body
    said = RuleOut.model_validate(made.body)
    assert (said.slug, said.version, said.rate, said.budget_usd_day, said.enabled) == (
        "billing_answers", 1, 0.2, 1.5, True,
    )  # fmt: skip
    counted(Rule.objects.get(), seen=9, completed=2, cost=0.5)
    listed = call(k, "GET", "/rules").body["items"]
    assert [(one["slug"], one["last_24_hours"]["seen"], one["spent_today"]) for one in listed] == [
        ("billing_answers", 9, 0.5)
    ]
    changed = call(k, "PATCH", "/rules/billing_answers", {"rate": 0.5, "budget_usd_day": None})
    assert changed.status == 200, changed.body
    assert (changed.body["rate"], changed.body["budget_usd_day"], changed.body["version"]) == (0.5, None, 2)
    assert changed.body["evaluators"] == ["exact"] and changed.body["filter"] == "model:gpt"
    paused = call(k, "PATCH", "/rules/billing_answers", {"enabled": False})
    assert paused.body["enabled"] is False and RuleVersion.objects.count() == 3
    assert call(k, "DELETE", "/rules/billing_answers").status == 204 and not Rule.objects.exists()
    assert call(k, "GET", "/rules/billing_answers").status == 404
    assert set(AuditEvent.objects.filter(action__startswith="rule.").values_list("actor", flat=True)) == {"key ci"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"evaluators": []}, "evaluators"), ({"evaluators": ["none"]}, "evaluators"), ({"rate": 1.5}, "rate"),
        ({"spans_mode": None}, "spans_mode"), ({"spans_mode": "named"}, "span_names"), ({"name": "Taken"}, "name"),
        ({"rate": "nan"}, "rate"), ({"budget_calls_day": -1}, "budget_calls_day"), ({"colour": "red"}, "colour"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(project, change, field):
    rule(project, exact(project), name="Taken")
    body = {"name": "New", "evaluators": ["exact"], "spans_mode": "root"} | change
    body = {name: value for name, value in body.items() if value is not None}
    answer = call(key(project), "POST", "/rules", body)
    assert answer.status == 400, answer.body
    assert field in [one["path"] for one in answer.body["error"]["fields"]]
    assert Rule.objects.count() == 1


def test_a_rule_called_as_a_call_is_has_an_address_of_its_own(project):
    exact(project)
    made = call(key(project), "POST", "/rules", {"name": "Test", "evaluators": ["exact"], "spans_mode": "root"})
    assert call(key(project), "GET", f"/rules/{made.body['slug']}").body["name"] == "Test"


def test_a_wrong_filter_is_refused_with_its_place(project):
    exact(project)
    body = {"name": "New", "evaluators": ["exact"], "spans_mode": "root", "filter": "model:gpt modle:x"}
    answer = call(key(project), "POST", "/rules", body)
    assert answer.status == 400 and answer.body["error"]["code"] == "invalid_filter"
    assert (answer.body["error"]["pos"], answer.body["error"]["end"]) == (10, 15)


def test_a_test_counts_the_last_day_scores_some_and_stores_nothing(project, monkeypatch):
    k = key(project)
    exact(project)
    ids = fresh(project, 25, outputs="1")
    body = {"evaluators": ["exact"], "spans_mode": "root", "filter": "model:gpt", "rate": 1, "score": 2}
    answer = call(k, "POST", "/rules/test", body)
    assert answer.status == 200, answer.body
    said = RuleTestOut.model_validate(answer.body)
    assert (said.done, said.seen, said.filter, said.sampled, said.calls, said.cost) == (True, 25, 25, 25, 25, 0)
    assert [(one["evaluator"], one["boolean_value"]) for one in said.scores] == [("exact", True)] * 2
    assert set(said.drawn) < set(ids) and not Score.objects.exists() and not Rule.objects.exists()

    made = rule(project, *[evaluator for evaluator in [exact(project, "second")]], rate=0.4)
    monkeypatch.setattr(testing, "SLICE", 10)
    monkeypatch.setattr("scoring.api.rule_tests.TURN_SECONDS", 0)
    begun = call(k, "POST", "/rules/test", {"rule": made.slug})
    assert begun.body["done"] is False and begun.body["looked_at"] == 10
    cursor = begun.body["cursor"]
    for _ in range(2):
        answer = call(k, "POST", "/rules/test", {"rule": made.slug, "cursor": cursor})
        cursor = answer.body["cursor"]
    assert answer.body["done"] and answer.body["looked_at"] == 25 and cursor is None
    assert call(k, "POST", "/rules/test", {"rule": made.slug, "cursor": "x"}).body["error"]["code"] == "invalid_cursor"
    for wrong in ({"filter": "modle:x"}, {"rate": "nan"}):
        assert call(k, "POST", "/rules/test", {"evaluators": ["exact"]} | wrong).status == 400


def test_past_records_are_estimated_and_scored_by_a_run(project):
    k = key(project)
    made = rule(project, exact(project), filter="model:gpt", rate=0)
    sent(project, 3)
    path = f"/rules/{made.slug}/score-past"
    asked = call(k, "POST", path, {"dry_run": True})
    assert asked.status == 200 and PastOut.model_validate(asked.body).estimate.records == 3
    begun = call(k, "POST", path, {"limit": 2})
    assert begun.status == 202, begun.body
    run = ScoringRun.objects.get()
    assert (run.kind, run.limit, begun.body["run"]["number"]) == ("backfill", 2, run.number)


def test_reading_needs_read_and_changing_needs_write(project):
    made = rule(project, exact(project))
    reader, other = key(project, Scope.READ), key(factories.project())
    assert call(reader, "GET", f"/rules/{made.slug}").status == 200
    for method, path in (("POST", "/rules"), ("PATCH", f"/rules/{made.slug}"), ("DELETE", f"/rules/{made.slug}"),
                         ("POST", "/rules/test"), ("POST", f"/rules/{made.slug}/score-past")):  # fmt: skip
        assert call(reader, method, path, {}).status == 403
    assert call(other, "GET", f"/rules/{made.slug}").status == 404 and call(other, "GET", "/rules").body["items"] == []

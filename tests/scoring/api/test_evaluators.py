"""Evaluators through the API: made, changed into new versions, put away."""

import pytest

from evalhub.models import AuditEvent, Scope
from records.models import Metric, Score, ValueType
from scoring.api.schemas import EvaluatorOut, EvaluatorVersionOut
from scoring.models import Evaluator, Provider
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db

CODE = {"slug": "short", "type": "code", "eval_code_snippet": "def evaluate(output):\n    return len(output) < 9\n"}


def test_an_evaluator_is_made_with_the_metric_it_describes(project):
    k = key(project)
    sent = {
        "slug": "tone", "type": "human", "guidelines": "Be fair.", "score_value_type": "categorical",
        "categorical_choices": ["rude", {"value": "kind", "number": 1}], "passing_choices": ["kind"],
    }  # fmt: skip
    made = call(k, "POST", "/evaluators", sent)
    assert made.status == 201, made.body
    out = EvaluatorOut.model_validate(made.body)
    assert (out.metric, out.score_value_type, out.version, out.name) == ("tone", "categorical", 1, "Tone")
    assert [choice.value for choice in out.categorical_choices] == ["rude", "kind"]
    assert made.body["guidelines"] == "Be fair." and made.body["reviewers"] == 1
    assert Metric.objects.get(project=project, slug="tone").passing_choices == ["kind"]
    actions = set(AuditEvent.objects.filter(actor="key ci").values_list("action", flat=True))
    assert actions == {"metric.create", "evaluator.create"}


def test_a_numerical_judge_carries_its_bounds(project):
    provider = Provider.objects.create(project=project, name="p")
    made = call(key(project), "POST", "/evaluators", {
        "slug": "quality", "type": "llm", "evaluator_definition": "{{ output }}", "provider_id": provider.id,
        "model": "m", "options": {"temperature": 0}, "score_value_type": "numerical", "min_score": 1, "max_score": 5,
        "passing_score": 4,
    })  # fmt: skip
    assert made.status == 201, made.body
    assert (made.body["min_score"], made.body["max_score"], made.body["passing_score"]) == (1, 5, 4)
    assert made.body["options"]["temperature"] == 0 and made.body["is_primary"] is True


def test_an_evaluator_is_made_for_a_metric_that_is_there(project):
    k, metric = key(project), factories.metric(project, "brief", ValueType.BOOLEAN)
    made = call(k, "POST", "/evaluators", CODE | {"metric": "brief"})
    assert (made.status, made.body["metric"]) == (201, "brief")
    assert call(k, "GET", "/evaluators/short").body == made.body
    assert [e["slug"] for e in call(k, "GET", "/evaluators").body["items"]] == ["short"]
    assert metric.id == Evaluator.objects.get().metric_id


def test_a_built_in_evaluator_knows_the_metric_that_it_needs(project):
    k = key(project)
    made = call(k, "POST", "/evaluators", {"slug": "near", "type": "code", "builtin": "levenshtein"})
    assert made.status == 201, made.body
    assert (made.body["metric"], made.body["score_value_type"], made.body["max_score"]) == ("near", "numerical", 1)
    brief = {"slug": "brief", "type": "code", "builtin": "length", "settings": {"at_most": 30}}
    assert call(k, "POST", "/evaluators", brief).body["score_value_type"] == "boolean"
    strict = {"slug": "close", "type": "code", "builtin": "levenshtein", "passing_score": 0.9}
    assert call(k, "POST", "/evaluators", strict).body["passing_score"] == 0.9
    wrong = {"slug": "bad", "type": "code", "builtin": "length", "settings": {"unit": "miles"}}
    assert "settings.unit" in call(k, "POST", "/evaluators", wrong).fields
    assert not Metric.objects.filter(slug="bad").exists()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, "metric"),
        ({"metric": "nope"}, "metric"),
        ({"metric": "brief", "min_score": 0}, "min_score"),
        ({"score_value_type": "numerical", "min_score": 2, "max_score": 1}, "max_score"),
        ({"score_value_type": "numerical", "min_score": 0, "max_score": 1, "passing_score": 2}, "passing_score"),
        ({"score_value_type": "categorical"}, "categorical_choices"),
        ({"metric": "brief", "slug": "Bad Slug"}, "slug"),
        ({"metric": "brief", "slug": "status"}, "slug"),
        ({"metric": "brief", "type": "robot"}, "type"),
        ({"metric": "brief", "eval_code_snippet": "x = 1"}, "eval_code_snippet"),
        ({"metric": "brief", "guidelines": "x"}, "guidelines"),
        ({"metric": "brief", "colour": "x"}, "colour"),
        ({"metric": "brief", "type": "llm", "eval_code_snippet": None}, "evaluator_definition"),
        ({"metric": "brief", "note": "x" * 501}, "note"),
    ],
)
def test_what_is_wrong_is_refused_by_field_and_nothing_is_stored(project, change, path):
    factories.metric(project, "brief", ValueType.BOOLEAN)
    answer = call(key(project), "POST", "/evaluators", CODE | change)
    assert answer.status == 400 and path in answer.fields, answer.body
    assert not Evaluator.objects.exists() and Metric.objects.count() == 1


def test_a_taken_slug_is_a_conflict(project):
    k = key(project)
    factories.metric(project, "brief", ValueType.BOOLEAN)
    for slug in ("short", "other"):
        assert call(k, "POST", "/evaluators", CODE | {"metric": "brief", "slug": slug}).status == 201
    assert call(k, "POST", "/evaluators", CODE | {"metric": "brief"}).status == 409
    assert call(k, "PATCH", "/evaluators/other", {"slug": "short"}).status == 409


def test_a_change_is_a_new_version_and_a_new_name_is_none(project):
    k = key(project)
    factories.metric(project, "brief", ValueType.BOOLEAN)
    call(k, "POST", "/evaluators", CODE | {"metric": "brief", "note": "first"})
    assert call(k, "PATCH", "/evaluators/short", {"name": "Is short"}).body["version"] == 1
    changed = call(k, "PATCH", "/evaluators/short", {"timeout": 2, "note": "slower"})
    assert changed.body["version"] == 2 and changed.body["name"] == "Is short"
    assert changed.body["eval_code_snippet"] == CODE["eval_code_snippet"]
    third = call(k, "POST", "/evaluators/short/versions", {"builtin": "length", "settings": {"at_most": 9}})
    assert third.status == 201 and EvaluatorVersionOut.model_validate(third.body).number == 3
    listed = call(k, "GET", "/evaluators/short/versions").body["items"]
    assert [(v["number"], v["note"], v["author"]) for v in listed] == [
        (3, "", "key ci"), (2, "slower", "key ci"), (1, "first", "key ci"),
    ]  # fmt: skip
    assert call(k, "GET", "/evaluators/short/versions/2").body["definition"]["timeout"] == 2
    assert call(k, "GET", "/evaluators/short/versions/9").status == 404


def test_another_type_starts_from_what_the_body_says(project):
    k = key(project)
    factories.metric(project, "brief", ValueType.BOOLEAN)
    call(k, "POST", "/evaluators", CODE | {"metric": "brief"})
    changed = call(k, "PATCH", "/evaluators/short", {"type": "human", "guidelines": "Look."})
    assert (changed.status, changed.body["type"], changed.body["version"]) == (200, "human", 2)
    assert changed.body.get("eval_code_snippet") is None


def test_an_evaluator_is_put_away_and_back(project):
    k = key(project)
    factories.metric(project, "brief", ValueType.BOOLEAN)
    call(k, "POST", "/evaluators", CODE | {"metric": "brief"})
    assert call(k, "DELETE", "/evaluators/short").body["archived"] is True
    assert call(k, "GET", "/evaluators").body["items"] == []
    assert len(call(k, "GET", "/evaluators?archived=true").body["items"]) == 1
    assert call(k, "POST", "/evaluators/short/restore").body["archived"] is False


def test_who_knows_only_the_evaluator_can_send_its_scores(project):
    k, metric = key(project), factories.metric(project, "brief", ValueType.BOOLEAN)
    call(k, "POST", "/evaluators", CODE | {"metric": "brief"})
    record = factories.record(project, external_id="mine-1")
    sent = {"record": "mine-1", "boolean_value": True, "reasoning": "Short.", "id": "s1"}
    made = call(k, "POST", "/evaluators/short/scores", sent)
    assert made.status == 201, made.body
    assert (made.body["metric"], made.body["evaluator"], made.body["evaluator_version"]) == ("brief", "short", 1)
    assert call(k, "POST", "/evaluators/short/scores", sent).body["id"] == made.body["id"]
    assert Score.objects.get(record_id=record.id).metric_id == metric.id
    assert (
        "numerical_value"
        in call(k, "POST", "/evaluators/short/scores", {"record": "mine-1", "numerical_value": 1}).fields
    )
    assert call(k, "POST", "/evaluators/short/scores", sent | {"record": "none"}).status == 404
    assert "slug" in call(k, "PATCH", "/evaluators/short", {"slug": "other"}).fields


def test_a_key_of_another_project_finds_nothing_and_a_weak_one_changes_nothing(project):
    factories.metric(project, "brief", ValueType.BOOLEAN)
    assert call(key(project), "POST", "/evaluators", CODE | {"metric": "brief"}).status == 201
    theirs = key(factories.project())
    reader = key(project, Scope.READ)
    calls = [
        ("GET", "/evaluators/short", None), ("PATCH", "/evaluators/short", {"name": "x"}),
        ("DELETE", "/evaluators/short", None), ("POST", "/evaluators/short/restore", None),
        ("GET", "/evaluators/short/versions", None), ("GET", "/evaluators/short/versions/1", None),
        ("POST", "/evaluators/short/versions", {"timeout": 2}),
        ("POST", "/evaluators/short/run", {"inputs": {"output": "x"}}),
        ("POST", "/evaluators/short/scores", {"record": "x", "boolean_value": True}),
    ]  # fmt: skip
    for method, path, body in calls:
        assert call(theirs, method, path, body).status == 404, path
        assert call(reader, method, path, body).status == (200 if method == "GET" else 403), path
        assert call(None, method, path, body).status == 401, path
    assert call(theirs, "GET", "/evaluators").body["items"] == []
    assert call(reader, "POST", "/evaluators", CODE).status == 403
    assert call(reader, "POST", "/test-evaluator", CODE).status == 403
    assert Evaluator.objects.get().current.number == 1


def test_providers_are_listed_without_their_keys(project):
    from scoring.providers import create_provider

    mine = create_provider(project, "anna", key="sk-hidden", name="Mine", model_names=["m1"])
    create_provider(factories.project(), "eve", name="Theirs")
    create_provider(None, "root", name="Shared")
    answer = call(key(project), "GET", "/providers")
    assert [(p["name"], p["shared"], p["models"]) for p in answer.body["items"]] == [
        ("Mine", False, ["m1"]), ("Shared", True, []),
    ]  # fmt: skip
    assert "sk-hidden" not in str(answer.body) and mine.secret not in str(answer.body)

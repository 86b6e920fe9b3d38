"""Running an evaluator through the API, saved or not: what it received and what it gave, and nothing is stored."""

import pytest

from evalhub.models import AuditEvent
from records.models import Score, ScoreDetail, ValueType
from scoring.models import Evaluator, EvaluatorVersion
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db

BUILTIN = {"type": "code", "builtin": "exact_match"}


def test_an_evaluator_runs_on_given_inputs_and_stores_nothing(project):
    k = key(project)
    factories.metric(project, "right", ValueType.BOOLEAN)
    call(k, "POST", "/evaluators", BUILTIN | {"slug": "right", "metric": "right"})
    trail = AuditEvent.objects.count()
    answer = call(k, "POST", "/evaluators/right/run", {"inputs": {"llm_output": "a", "expected": "a", "input": "q"}})
    assert answer.status == 200, answer.body
    (item,) = answer.body["items"]
    assert (item["status"], item["boolean_value"], item["passed"]) == ("completed", True, True)
    assert item["arguments"] == {"output": "a", "expected": "a"}
    assert not Score.objects.exists() and not ScoreDetail.objects.exists()
    assert AuditEvent.objects.count() == trail


def test_several_inputs_give_several_answers_with_errors_and_skips_among_them(project):
    factories.metric(project, "right", ValueType.NUMERICAL)
    sent = BUILTIN | {"metric": "right", "settings": {"value": "output.a"}, "inputs": [
        {"output": {"a": 1}, "expected": 1}, {"output": {"b": 1}, "expected": 1}, {"output": {"a": 1}},
    ]}  # fmt: skip
    items = call(key(project), "POST", "/test-evaluator", sent).body["items"]
    assert [item["status"] for item in items] == ["completed", "errored", "skipped"]
    assert items[0]["numerical_value"] == 1 and items[0]["passed"] is True
    assert "no a" in items[1]["error"] and "no expected" in items[2]["reasoning"]
    assert not Evaluator.objects.exists() and not EvaluatorVersion.objects.exists()


def test_it_runs_on_records_by_either_id(project):
    factories.metric(project, "right", ValueType.BOOLEAN)
    one, two = factories.record(project, "q", "a"), factories.record(project, "q", "b", external_id="mine")
    sent = {"type": "code", "builtin": "contains", "settings": {"texts": ["a"]}, "metric": "right"}
    items = call(key(project), "POST", "/test-evaluator", sent | {"records": [str(one.id), "mine"]}).body["items"]
    assert [(item["record"], item["boolean_value"]) for item in items] == [(str(one.id), True), (str(two.id), False)]
    assert items[0]["arguments"] == {"output": "a"}


def test_records_of_another_project_are_not_found(project):
    factories.metric(project, "right", ValueType.BOOLEAN)
    theirs = factories.record(factories.project(), "q", "a")
    sent = BUILTIN | {"metric": "right", "records": [str(theirs.id)]}
    assert call(key(project), "POST", "/test-evaluator", sent).status == 404


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"metric": "nope"}, "metric"),
        ({"builtin": "nope"}, "builtin"),
        ({"builtin": "regex"}, "settings.pattern"),
        ({"type": "human", "builtin": None}, "type"),
        ({"inputs": None}, "inputs"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [{}] * 21}, "inputs"),
        ({"inputs": {"answer": 1}}, "inputs"),
        ({"inputs": {"metadata": 1}}, "inputs"),
        ({"inputs": {"trace": {"spans": 1}}}, "inputs"),
        ({"records": ["x"]}, "inputs"),
    ],
)
def test_what_cannot_be_run_is_refused_by_field(project, change, path):
    factories.metric(project, "right", ValueType.BOOLEAN)
    sent = BUILTIN | {"metric": "right", "inputs": {"output": "a"}} | change
    answer = call(key(project), "POST", "/test-evaluator", sent)
    assert answer.status == 400 and path in answer.fields, answer.body


def test_a_value_that_the_metric_does_not_allow_is_an_error_of_the_row(project):
    factories.metric(project, "size", ValueType.NUMERICAL, max_score=3)
    sent = {"type": "code", "builtin": "length", "metric": "size", "inputs": [{"output": "four"}, {"output": "ok"}]}
    items = call(key(project), "POST", "/test-evaluator", sent).body["items"]
    assert items[0]["status"] == "errored" and "between 0 and 3" in items[0]["error"]
    assert items[1]["numerical_value"] == 2

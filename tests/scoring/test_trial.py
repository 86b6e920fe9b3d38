"""Trying an evaluator of each kind: what it received, what it gave, and why it gave nothing."""

import pytest
from django.core.exceptions import ValidationError

from records.models import Score, ScoreStatus, ValueType
from scoring import secrets
from scoring.inputs import given_inputs
from scoring.models import Provider
from scoring.providers import create_provider
from scoring.trial import Row, try_definition
from tests import factories
from tests.model_server import body, model_server, said, status

pytestmark = pytest.mark.django_db


def row(**inputs: object) -> Row:
    return Row(given_inputs(inputs))


@pytest.fixture
def server():
    with model_server() as server:
        yield server


@pytest.fixture
def provider(project, server) -> Provider:
    return create_provider(project, "x", key="sk-1", name="Main", base_url=server.url)


def test_a_judge_is_asked_about_each_row_and_shows_its_prompt_reply_and_tokens(project, provider, server):
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    definition = {"evaluator_definition": "Polite? {{ output }}", "provider_id": provider.id, "model": "m"}
    server.answers += [said({"reasoning": "It is.", "value": True})]
    (trial,) = try_definition(project, "llm", metric, definition, [row(output="Good day", input="Hi")])
    assert trial.verdict.status == ScoreStatus.COMPLETED, trial.verdict.error
    assert trial.said == "true" and trial.value.passed is True and trial.verdict.reasoning == "It is."
    assert trial.arguments == {"output": "Good day"}
    assert "Good day" in trial.verdict.prompt and "It is." in trial.verdict.reply and trial.verdict.tokens
    assert not Score.objects.exists()


def test_one_row_that_fails_leaves_the_others(project, provider, server):
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    definition = {"evaluator_definition": "{{ output }} {{ expected }}", "provider_id": provider.id, "model": "m"}
    rows = [row(output="a", expected="b"), row(output="a")]
    ok, none = try_definition(project, "llm", metric, definition, rows)
    assert ok.verdict.status == ScoreStatus.COMPLETED
    assert none.verdict.status == ScoreStatus.SKIPPED and "no expected" in none.verdict.reasoning


def test_a_refused_key_is_an_error_that_says_so(project, provider, server):
    server.refuses = lambda request: status(401)
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    definition = {"evaluator_definition": "{{ output }}", "provider_id": provider.id, "model": "m"}
    (trial,) = try_definition(project, "llm", metric, definition, [row(output="a")])
    assert trial.verdict.status == ScoreStatus.ERRORED and "401" in trial.verdict.error
    assert trial.said == "errored" and trial.value is None


def test_a_key_that_cannot_be_read_any_more_is_said(project, provider):
    Provider.objects.update(secret=secrets.encrypt("x")[:-4] + "AAAA")
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    definition = {"evaluator_definition": "{{ output }}", "provider_id": provider.id, "model": "m"}
    with pytest.raises(ValidationError, match="enter it again"):
        try_definition(project, "llm", metric, definition, [row(output="a")])


def test_code_runs_in_the_sandbox_with_what_it_asks_for(project):
    metric = factories.metric(project, max_score=100)
    snippet = 'def evaluate(output):\n    print("seen")\n    return {"score": len(output), "reasoning": "Counted."}\n'
    rows = [row(output="four"), row(output=None), row(output="x" * 101)]
    ok, broken, high = try_definition(project, "code", metric, {"eval_code_snippet": snippet}, rows)
    assert (ok.said, ok.verdict.reasoning, ok.verdict.output.strip()) == ("4", "Counted.", "seen")
    assert ok.arguments == {"output": "four"}
    assert "line 3" in broken.verdict.error
    assert high.verdict.status == ScoreStatus.ERRORED and "between 0 and 100" in high.verdict.error


def test_code_that_cannot_be_loaded_is_refused_before_it_runs(project):
    metric = factories.metric(project)
    with pytest.raises(ValidationError) as caught:
        snippet = "import requests\ndef evaluate(output):\n    return 1\n"
        try_definition(project, "code", metric, {"eval_code_snippet": snippet}, [row(output="a")])
    assert "line 1" in caught.value.message_dict["eval_code_snippet"][0]


def test_embeddings_come_from_the_provider(project, provider, server):
    metric = factories.metric(project)
    settings = {"provider_id": provider.id, "model": "embed-1"}
    definition = {"builtin": "embedding_similarity", "settings": settings}
    vectors = [{"index": 0, "embedding": [1.0, 0.0]}, {"index": 1, "embedding": [1.0, 1.0]}]
    server.answers += [body({"data": vectors})]
    near, none = try_definition(project, "code", metric, definition, [row(output="a", expected="b"), row(output="a")])
    assert near.value.numerical_value == pytest.approx(0.7071, abs=1e-3)
    assert server.requests[0].body == {"model": "embed-1", "input": ["a", "b"]}
    assert none.verdict.status == ScoreStatus.SKIPPED and len(server.requests) == 1


def test_people_and_too_many_rows_are_refused(project):
    metric = factories.metric(project)
    with pytest.raises(ValidationError, match="by hand"):
        try_definition(project, "human", metric, {}, [row(output="a")])
    with pytest.raises(ValidationError, match="At most 20"):
        try_definition(project, "code", metric, {"builtin": "length"}, [row(output="a")] * 21)

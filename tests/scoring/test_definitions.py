"""What may be saved as an evaluator's definition, and the field that is named where something may not."""

import pytest
from django.core.exceptions import ValidationError

from records.models import Metric, ValueType
from scoring.definitions import load_definition, read_definition
from scoring.evaluators import checked_definition
from scoring.models import Provider
from tests import factories

CHOICES = [{"value": "good", "number": 1, "archived": False}]
METRICS = {
    "boolean": Metric(slug="m", value_type=ValueType.BOOLEAN),
    "numerical": Metric(slug="m", value_type=ValueType.NUMERICAL),
    "categorical": Metric(slug="m", value_type=ValueType.CATEGORICAL, categorical_choices=CHOICES),
    "comment": Metric(slug="m", value_type=ValueType.COMMENT),
}
JUDGE = {"evaluator_definition": "Judge {{ output }}", "provider_id": 1, "model": "m"}
CODE = {"eval_code_snippet": "def evaluate(output):\n    return True\n"}


def test_each_type_goes_with_each_value_type():
    for metric in METRICS.values():
        read_definition("llm", JUDGE, metric)
        read_definition("code", CODE, metric)
        read_definition("human", {"guidelines": "Look.", "reviewers": 2}, metric)


@pytest.mark.parametrize(
    ("type", "change", "metric", "field"),
    [
        ("llm", {"evaluator_definition": "{{ question }}"}, "boolean", "evaluator_definition"),
        ("llm", {"evaluator_definition": "{{ output"}, "boolean", "evaluator_definition"),
        ("llm", {"evaluator_definition": "Is it good?"}, "boolean", "evaluator_definition"),
        ("llm", {"evaluator_definition": "{{ output }}\0"}, "boolean", "evaluator_definition"),
        ("llm", {"model": ""}, "boolean", "model"),
        ("llm", {"provider_id": None}, "boolean", "provider_id"),
        ("llm", {"samples": 0}, "boolean", "samples"),
        ("llm", {"samples": 26}, "boolean", "samples"),
        ("llm", {"samples": 3}, "comment", "samples"),
        ("llm", {"samples": 3, "combine": "mean"}, "boolean", "combine"),
        ("llm", {"samples": 3, "combine": "median"}, "numerical", "combine"),
        ("llm", {"options": {"temperature": 3}}, "boolean", "options.temperature"),
        ("llm", {"options": {"temperature": float("nan")}}, "boolean", "options.temperature"),
        ("llm", {"options": {"extra": {"messages": []}}}, "boolean", "options.extra"),
        ("llm", {"options": {"top": 1}}, "boolean", "options.top"),
        ("llm", {"prompt": "x"}, "boolean", "prompt"),
        ("code", {"eval_code_snippet": ""}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "x = 1"}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "def evaluate(:"}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "async def evaluate(): ..."}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "def evaluate(answer): ..."}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "def main(): ..."}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "def main(a, b): ..."}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "def evaluate(): return '\0'"}, "boolean", "eval_code_snippet"),
        ("code", {"timeout": 0}, "boolean", "timeout"),
        ("code", {"builtin": "exact_match"}, "boolean", "eval_code_snippet"),
        ("code", {"eval_code_snippet": "", "builtin": "nope"}, "boolean", "builtin"),
        ("code", {"eval_code_snippet": "", "builtin": "regex"}, "boolean", "settings.pattern"),
        ("code", {"eval_code_snippet": "", "builtin": "levenshtein"}, "boolean", "metric"),
        ("code", {"eval_code_snippet": "", "builtin": "exact_match"}, "categorical", "metric"),
        ("human", {"reviewers": 0}, "boolean", "reviewers"),
        ("human", {"guidelines": 3}, "boolean", "guidelines"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(type, change, metric, field):
    sent = {"llm": JUDGE, "code": CODE, "human": {}}[type] | change
    with pytest.raises(ValidationError) as caught:
        read_definition(type, sent, METRICS[metric])
    assert list(caught.value.message_dict) == [field]


@pytest.mark.parametrize(
    ("snippet", "says"),
    [
        ("def evaluate(output)\n    return 1", "Line 1"),
        ("\n\ndef evaluate(answer):\n    return 1", "Line 3: there is no answer to give"),
        ("x = 1", "def evaluate(output, expected)"),
    ],
)
def test_a_snippets_problem_names_its_line(snippet, says):
    with pytest.raises(ValidationError) as caught:
        read_definition("code", {"eval_code_snippet": snippet}, METRICS["boolean"])
    assert says in caught.value.messages[0]


@pytest.mark.parametrize(
    ("snippet", "trace"),
    [
        ("def evaluate(output, trace): ...", True),
        ("def evaluate(inputs, outputs, *, expected, metadata, metrics, messages): ...", False),
        ("def evaluate(output, threshold=0.5): ...", False),
        ("def evaluate(**given): ...", False),
        ("def main(eval_inputs): ...", False),
        ("def evaluate(output): ...\ndef main(a, b): ...", False),
    ],
)
def test_a_snippet_is_given_the_trace_only_where_it_asks(snippet, trace):
    assert read_definition("code", {"eval_code_snippet": snippet}, METRICS["boolean"]).needs_trace == trace


def test_a_categorical_metric_without_choices_cannot_be_judged():
    bare = Metric(slug="m", value_type=ValueType.CATEGORICAL, categorical_choices=[])
    with pytest.raises(ValidationError, match="no choices"):
        read_definition("human", {}, bare)


def test_settings_are_kept_whole_so_that_a_default_may_change_later():
    definition = read_definition("code", {"builtin": "regex", "settings": {"pattern": "x"}}, METRICS["boolean"])
    assert definition.settings == {
        "pattern": "x", "value": "output", "whole": False, "ignore_case": False, "absent": False,
    }  # fmt: skip
    schema = {"builtin": "json_schema", "settings": {"schema": {"type": "object"}}}
    assert read_definition("code", schema, METRICS["boolean"]).settings["schema"] == {"type": "object"}
    assert load_definition("code", definition.model_dump()) == definition


def test_a_provider_must_be_the_projects_or_shared_and_in_use(project):
    metric = factories.metric(project, value_type=ValueType.BOOLEAN)
    mine, shared = Provider.objects.create(project=project, name="a"), Provider.objects.create(name="a")
    theirs = Provider.objects.create(project=factories.project(), name="a")
    for provider in (mine, shared):
        checked_definition(project, "llm", metric, JUDGE | {"provider_id": provider.id})
    Provider.objects.filter(pk=shared.pk).update(archived_at="2026-01-01T00:00Z")
    embedding = {"builtin": "embedding_similarity"}
    score = factories.metric(project)
    for provider in (theirs, shared):
        with pytest.raises(ValidationError, match="no such provider") as caught:
            checked_definition(project, "llm", metric, JUDGE | {"provider_id": provider.id})
        assert "provider_id" in caught.value.message_dict
        with pytest.raises(ValidationError, match="no such provider") as caught:
            settings = {"provider_id": provider.id, "model": "e"}
            checked_definition(project, "code", score, embedding | {"settings": settings})
        assert "settings.provider_id" in caught.value.message_dict


def test_several_samples_are_combined_as_fits_the_metric():
    for name, metric in METRICS.items():
        assert read_definition("llm", JUDGE, metric).combine == ("mean" if name == "numerical" else "majority")

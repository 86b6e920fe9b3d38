"""The judges to start from can be started from: each makes a metric and an evaluator, and a prompt of a record."""

import pytest

from records.metrics import create_metric
from scoring.builtins import BUILTINS
from scoring.evaluators import create_evaluator
from scoring.inputs import NAMES
from scoring.judge_templates import JUDGE_TEMPLATES
from scoring.models import Provider
from scoring.prompts import render

# What `import autoevals` offers as a scorer (its language models' ones, heuristics, RAGAS and JSON), by name.
AUTOEVALS = {
    "Battle", "ClosedQA", "Humor", "Factuality", "Moderation", "Possible", "Security", "Sql", "Summary", "Translation",
    "ContextEntityRecall", "ContextRelevancy", "ContextRecall", "ContextPrecision", "Faithfulness", "AnswerRelevancy",
    "AnswerSimilarity", "AnswerCorrectness", "EmbeddingSimilarity", "ExactMatch", "JSONDiff", "Levenshtein",
    "ListContains", "NumericDiff", "ValidJSON",
}  # fmt: skip


@pytest.mark.parametrize("key", JUDGE_TEMPLATES)
def test_a_template_makes_a_metric_and_a_judge_of_it(project, key):
    template = JUDGE_TEMPLATES[key]
    provider = Provider.objects.create(project=project, name="p")
    metric = create_metric(project, **template.metric)
    definition = {
        "evaluator_definition": template.evaluator_definition, "rubric": template.rubric,
        "provider_id": provider.id, "model": "m",
    }  # fmt: skip
    evaluator = create_evaluator(project, "anna", slug=key, type="llm", metric=metric, definition=definition)
    assert evaluator.current.number == 1
    numbers = [choice["number"] for choice in metric.categorical_choices] or [metric.min_score, metric.max_score]
    assert all(number is None or 0 <= number <= 1 for number in numbers)


@pytest.mark.parametrize("key", JUDGE_TEMPLATES)
def test_a_templates_prompt_holds_what_it_judges(key):
    spans = [{"name": "find", "kind": "retriever", "output": "the context"}]
    inputs = {name: f"the {name}" for name in NAMES} | {"trace": {"spans": spans}}
    prompt = render(JUDGE_TEMPLATES[key].evaluator_definition, inputs).text
    shown = {part: f"{{{{ {part} }}}}" for part in ("output", "input", "expected")} | {"context": "trace.spans"}
    for part, written in shown.items():
        assert (f">the {part}<" in prompt) == (written in JUDGE_TEMPLATES[key].evaluator_definition)


def test_templates_and_built_in_ones_cover_the_scorers_of_autoevals():
    known = [name for one in (*JUDGE_TEMPLATES.values(), *BUILTINS.values()) for name in one.known_as]
    assert set(known) >= AUTOEVALS
    assert len(known) == len(set(known))

"""The help of evaluators says what the code does: its variables, its examples and what comes of them."""

import re

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.models import Rank, ScoreStatus, ValueType
from scoring import snippets
from scoring.code_verdicts import verdict_of
from scoring.evaluator_help import (
    ANSWER,
    LACKING,
    RANKS,
    RETURNS,
    SNIPPET,
    STATUSES,
    TEMPLATE,
    TYPES,
    VALUES,
    VARIABLES,
    limits,
    variables,
)
from scoring.inputs import NAMES
from scoring.json_answers import read_object
from scoring.models import EvaluatorType
from scoring.prompts import ALIASES, MissingInput, TemplateProblem, check_template, render
from scoring.sandbox import Sandbox
from tests import factories
from tests.scoring.running import exact

BARE = {"input": {}, "output": "Paris", "metadata": {}, "metrics": {}, "messages": []}


def listed() -> set[str]:
    return {name for variable in variables() for name in variable.names.split(" or ")}


def test_the_variables_are_those_that_the_renderer_takes_and_a_snippet_may_ask_for():
    assert set(VARIABLES) == set(NAMES)
    assert listed() == set(NAMES) | set(ALIASES) == set(snippets.ARGUMENTS)
    for name in listed():
        assert check_template(f"{{{{ {name} }}}}")
    with pytest.raises(TemplateProblem, match=", ".join(NAMES)):
        check_template("{{ question }}")


def test_types_value_types_statuses_and_ranks_are_all_there():
    assert {type.label for type in EvaluatorType} <= {type.name for type in TYPES}
    assert {value.type for value in VALUES} == set(ValueType)
    assert set(STATUSES) == set(ScoreStatus) and list(RANKS) == sorted(Rank)


def test_the_template_shows_what_the_record_has_and_leaves_out_what_it_lacks():
    spans = [{"kind": "retriever", "output": "Paris has 2 million people"}, {"kind": "llm", "output": "no"}]
    text = render(TEMPLATE, BARE | {"input": "Capital?", "trace": {"spans": spans}}, "data-1").text
    assert "<data-1>Capital?</data-1>" in text and "2 million" in text
    assert "Right answer" not in text and ">no<" not in text
    assert (
        "<data-1>Rome</data-1>" in render(TEMPLATE, BARE | {"expected": "Rome", "trace": {"spans": []}}, "data-1").text
    )


@pytest.mark.parametrize(("line", "status"), [(line, status) for line, status, _ in LACKING])
def test_what_the_record_lacks_comes_out_as_the_help_says(line, status):
    try:
        text = render(f"{{{{ output }}}} {line}", BARE, "data-1").text
    except MissingInput:
        assert status == ScoreStatus.SKIPPED
    except TemplateProblem:
        assert status == ScoreStatus.ERRORED
    else:
        assert status == ScoreStatus.COMPLETED and "…" not in text


def test_the_answer_can_be_read():
    assert read_object(ANSWER)["value"] is False


def test_the_snippet_and_all_that_one_may_return_come_out_of_the_sandbox_as_the_help_says():
    answers = ", ".join(text for text, _, _ in RETURNS)
    returning = f"def evaluate(input):\n    return [{answers}][input]"
    rows = [{"output": "It is Paris.", "expected": "paris"}, {"output": "Rome", "expected": "Paris"}, {"output": "x"}]
    assert len(SNIPPET.splitlines()) == 5 and not snippets.problems(SNIPPET)
    with Sandbox() as sandbox:
        scored = [verdict_of(outcome) for outcome in sandbox.run(SNIPPET, rows)]
        returned = list(sandbox.run(returning, [{"input": n} for n in range(len(RETURNS))]))
    assert [(one.raw, one.reasoning) for one in scored[:2]] == [(True, "found"), (False, "not found")]
    assert scored[2].status == ScoreStatus.SKIPPED
    assert [verdict_of(outcome).status for outcome in returned] == [status for _, status, _ in RETURNS]


def test_a_viewer_reads_it_as_a_dialog_and_by_its_link_as_a_page(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    url = reverse("scoring:evaluator-help")
    dialog = client.get(url, headers={"HX-Request": "true"}).content.decode()
    page = client.get(url).content.decode()
    assert dialog.strip().startswith("<dialog") and "<html" not in dialog and "data-open" in dialog
    assert "<h1>How evaluators measure</h1>" in page and "<dialog" not in page.split("<main")[1].split("</main>")[0]
    for name in ("input or inputs", "def evaluate(output, expected)", "{{ expected }}", f"{limits()['megabytes']} MB"):
        assert name in dialog and name in page
    assert not re.search(r"style=|<script", dialog)


def test_both_pages_of_evaluators_and_the_form_lead_to_it(client, project):
    evaluator, url = exact(project), reverse("scoring:evaluator-help")
    client.force_login(factories.member(project, Role.VIEWER))
    for page in (
        reverse("scoring:evaluators", args=[project.slug]),
        reverse("scoring:evaluator", args=[project.slug, evaluator.slug]),
    ):
        assert f'hx-get="{url}"' in client.get(page).content.decode()
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    for form in (
        reverse("admin:scoring_evaluator_add"),
        reverse("admin:scoring_evaluator_change", args=[evaluator.pk]),
    ):
        assert f'href="{url}"' in client.get(form).content.decode()

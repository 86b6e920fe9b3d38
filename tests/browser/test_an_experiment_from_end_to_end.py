"""From a file to a release gate in a real browser: a prompt is run on imported cases, changed for the worse, run again
and compared; the gate refuses the change. One flow."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from evalhub.models import Role
from experiments.management.commands.gate import Command
from experiments.models import Experiment
from scoring.evaluators import create_evaluator
from tests import factories
from tests.experiments import made
from tests.experiments.running import begun
from tests.model_server import Answer, Request, model_server, said

CASES = 20
FILE = "id,question,expected\n" + "".join(f"case-{n:02},What is twice {n}?,{2 * n}\n" for n in range(1, CASES + 1))
TERSE, WORDY = "Say the number alone.", "Explain what you do."


def twice(request: Request) -> Answer:
    """The number alone, unless the prompt wants more than that: then every second answer is a sentence around it."""
    told, asked = (message["content"] for message in request.body["messages"])
    n = int(re.search(r"\d+", asked)[0])
    return said(f"It is {2 * n} I think." if told == WORDY and n % 2 == 0 else f"{2 * n}")


@pytest.fixture
def project(transactional_db, monkeypatch):
    """With a model and two evaluators. No worker runs beside this test: the test itself does its work."""
    with model_server() as server, begun.no_queue(monkeypatch):
        server.refuses = twice
        project = factories.project()
        begun.provider(project, server)
        for slug, builtin in (("terse", "exact_match"), ("right", "contains")):  # both look at what is expected
            definition = {"builtin": builtin, "settings": {}}
            create_evaluator(
                project, "anna", slug=slug, type="code", metric=made.boolean(project, slug), definition=definition
            )
        yield project


def test_a_prompt_that_gets_worse_is_seen_in_the_comparison_and_stopped_by_the_gate(page: Page, project, enter):
    enter(factories.member(project, Role.EDITOR))
    at = f"/p/{project.slug}"
    page.goto(f"{at}/datasets/new")
    page.get_by_label("Name", exact=True).fill("Sums")
    page.get_by_label("File with items").set_input_files(
        {"name": "sums.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_text("question: What is twice 1?")).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Revision 1 is made.")).to_be_visible()

    page.goto(f"{at}/prompts/new")
    page.get_by_label("Name", exact=True).fill("Doubling")
    page.locator("[name=provider_id]").select_option(label="Local")
    page.locator("[name=model]").fill("m")
    page.get_by_label("Message 2, user").fill("{{ question }}")
    _write(page, TERSE)
    page.get_by_role("button", name="Create prompt").click()
    page.get_by_role("button", name="Commit and deploy").click()
    expect(page.get_by_text("v1, deployed")).to_be_visible()

    page.get_by_role("link", name="Run", exact=True).click()
    for metric in ("Terse", "Right"):
        page.get_by_role("checkbox", name=metric).check()
    page.locator("[name=dataset]").select_option("sums")
    _start_and_run(page, "Before")

    page.goto(f"{at}/prompts/doubling/")
    page.get_by_role("link", name="New version from v1").click()
    _write(page, WORDY)
    page.get_by_role("button", name="Save as v2").click()
    page.get_by_role("button", name="Commit and deploy").click()
    expect(page.get_by_text("v2, deployed")).to_be_visible()

    page.goto(f"{at}/experiments/before/")
    page.get_by_role("link", name="Run again").click()
    expect(page.locator("[name=baseline]")).to_have_value("before")
    _start_and_run(page, "After")

    page.locator(".page-head").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", name="After against Before")).to_be_visible()
    verdicts = page.get_by_role("table", name="Each metric against Before").get_by_role("row")
    terse, right = (verdicts.filter(has_text=metric) for metric in ("Terse", "Right"))
    expect(terse.locator(".badge")).to_have_text("worse")
    expect(terse).to_contain_text("-50.0 points")
    expect(right.locator(".badge")).to_have_text("cannot tell yet")  # nothing changed, in few cases
    regressions = page.get_by_role("table", name="Regressions, the largest first").get_by_role("row")
    expect(regressions).to_have_count(1 + CASES // 2)
    expect(regressions.nth(1)).to_contain_text("case-02")
    expect(regressions.nth(1)).to_contain_text("Terse 1 → 0")
    expect(page.locator("#case")).to_contain_text("Case case-02")  # it stands open above the list
    expect(page.locator("#case")).to_contain_text("I think.")

    gate, told = Command(), StringIO()  # not by its name: of the command itself the exit code is known
    asked = ("--project", project.slug, "--experiment", "after", "--metric", "terse:margin=0.05")
    call_command(gate, *asked, "--metric", "right", stdout=told)
    assert gate.exit_code == 1, told.getvalue()
    assert "worse by 5 points or more" in told.getvalue() and "The gate fails." in told.getvalue()
    page.goto(f"{at}/experiments/after/")
    expect(page.get_by_role("table", name="Checks").get_by_role("row").nth(1)).to_contain_text("fails")


def _write(page: Page, instructions: str) -> None:
    page.get_by_label("Message 1, system").fill(instructions)
    page.get_by_label("Value of question to try").fill("What is twice 4?")
    expect(page.locator("#filled")).to_contain_text(instructions)


def _start_and_run(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    expect(page.locator("#estimate")).to_contain_text("Judging calls")
    page.get_by_role("button", name="Start experiment").click()
    expect(page.locator("#experiment-progress")).to_contain_text(f"Pending: 0 of {CASES} rows")
    begun.turned(Experiment.objects.get(name=name), 20)
    expect(page.locator("#experiment-progress")).to_contain_text(f"Completed: {CASES} of {CASES} rows")

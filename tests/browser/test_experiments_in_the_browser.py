"""An experiment started from the page and watched to its end, in a real browser: one flow."""

import pytest
from playwright.sync_api import Page, expect

from evalhub.models import Role
from experiments.models import Experiment
from tests import factories
from tests.experiments.running import begun
from tests.model_server import model_server, status
from tests.scoring.running import exact


@pytest.fixture
def filled(transactional_db, monkeypatch):
    """No worker runs beside these tests: the test itself does its work."""
    with model_server() as server, begun.no_queue(monkeypatch):
        project = factories.project()
        begun.prompt(project, begun.provider(project, server), slug="support")
        begun.dataset(project, *begun.questions(6), slug="parcels")
        exact(project, "answered", text="Answer")
        yield project, server


def test_an_experiment_is_estimated_started_watched_retried_and_scored_again(page: Page, filled, enter):
    project, server = filled
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/experiments/")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New experiment")).to_be_visible()
    expect(page.locator("#estimate")).to_contain_text("Choose a dataset.")
    expect(page.get_by_label("Provider")).to_be_hidden()
    page.get_by_text("Completion", exact=True).click()
    expect(page.get_by_label("Provider")).to_be_visible()
    expect(page.get_by_label("Prompt", exact=True).locator("visible=true")).to_have_count(
        1
    )  # the workflow's name alone
    page.get_by_text("Prompt", exact=True).first.click()
    page.get_by_label("Name").fill("First try")
    page.locator("[name=dataset]").select_option("parcels")
    page.locator("[name=prompt]").select_option("support")
    expect(page.locator("#estimate")).to_contain_text("Judging calls")
    expect(page.locator("#estimate")).to_contain_text("≈ $0.09")
    page.get_by_role("button", name="Start experiment").click()

    expect(page.locator("#experiment-progress")).to_contain_text("Pending: 0 of 6 rows")
    expect(page.locator("#rows")).to_contain_text("case-6")
    progress = page.locator("#experiment-progress")
    progress.get_by_role("button", name="Cancel").click()
    progress.evaluate("its => its.dataset.old = 1")
    expect(page.locator("#experiment-progress[data-old]")).to_have_count(0)  # it came anew behind the dialog
    page.get_by_role("dialog").get_by_role("button", name="Cancel the experiment").click()
    expect(progress).to_contain_text("Cancelled: 6 of 6 rows")
    page.get_by_role("button", name="Retry what is missing (6)").click()
    expect(progress).to_contain_text("Running: 0 of 6 rows")
    server.refuses = lambda request: status(400, message="too hard") if "What is 4?" in str(request.body) else None
    its = Experiment.objects.get()
    begun.turned(its)
    expect(page.locator("#experiment-progress")).to_contain_text("Completed with errors: 6 of 6 rows")
    expect(page.locator("#experiment-progress")).not_to_have_attribute("hx-trigger", "every 2s")
    page.locator("#rows").get_by_role("link", name="Errored 1").click()
    expect(page.locator("#rows tbody tr")).to_have_count(2)  # the row and why
    expect(page.locator("#rows")).to_contain_text("too hard")
    server.refuses = lambda request: None
    page.get_by_role("button", name="Retry errored (1)").click()
    expect(page.locator("#experiment-progress")).to_contain_text("Running: 5 of 6 rows")
    begun.turned(its)
    expect(page.locator("#experiment-progress")).to_contain_text("Completed: 6 of 6 rows")

    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Run evaluators again")
    expect(dialog.get_by_role("checkbox")).to_be_checked()
    dialog.get_by_label("Name of the set").fill("Once more")
    dialog.get_by_role("button", name="Run evaluators").click()
    expect(page.get_by_text("2. Once more")).to_be_visible()
    page.locator("#rows").get_by_role("link", name="case-1").click()
    expect(page.locator("main")).to_contain_text("load_prompt")

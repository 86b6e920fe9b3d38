"""Re-scoring from the Records page, watched to its end, in a real browser."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source
from scoring.models import ScoringRun
from scoring.runs import ringing
from tests import factories
from tests.scoring.running import exact, finish


@pytest.fixture
def filled(transactional_db, monkeypatch):
    """No worker runs beside these tests: the test itself does its work."""
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)
    project = factories.project()
    now = timezone.now()
    drafts = [
        RecordDraft(f"r{n}", Source.API, now - timedelta(minutes=n), inputs={"n": n}, outputs=f"answer {n}")
        for n in range(12)
    ]
    ingest(project, drafts, "ci")
    exact(project, text="answer")
    return project


def test_ticked_rows_are_re_scored_and_the_run_is_watched_to_its_end(page: Page, filled, enter):
    enter(factories.member(filled, Role.EDITOR))
    page.goto(f"/p/{filled.slug}/records/")
    page.locator("#records tbody [name=ids]").nth(0).check()
    page.locator("#records tbody [name=ids]").nth(1).check()
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Re-score 2 records")
    expect(dialog.locator("#rescore-estimate")).to_contain_text("Calls")
    dialog.get_by_role("button", name="Re-score").click()
    expect(page.get_by_role("status").filter(has_text="Run 1: 2 scores wait")).to_be_visible()
    expect(dialog).to_be_hidden()
    page.goto(f"/p/{filled.slug}/scoring/runs/1/")
    expect(page.locator("#run-progress")).to_contain_text("0 of 2")
    finish(ScoringRun.objects.get())
    expect(page.locator("#run-progress")).to_contain_text("Finished: 2 of 2")
    expect(page.locator("#flips")).to_contain_text("had none")


def test_all_that_match_lead_to_the_run_which_can_be_cancelled(page: Page, filled, enter):
    enter(factories.member(filled, Role.REVIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    page.locator("#records tbody [name=ids]").first.check()
    page.keyboard.press("Shift+A")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Re-score all 12 records")
    expect(dialog.locator("#rescore-estimate")).to_contain_text("12")
    dialog.get_by_role("button", name="Re-score").click()
    expect(page).to_have_url(f"/p/{filled.slug}/scoring/runs/1/")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Keep scoring").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#run-progress")).to_contain_text("Cancelled: 0 of 0")

"""Ticks, ranges, all that match, and what is done with them, in a real browser."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records import bulk
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import BulkJob, Record, Source
from tests import factories
from tests.browser.conftest import PHONE


@pytest.fixture
def filled(transactional_db):
    project = factories.project()
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(minutes=n), inputs={"question": f"Question {n}?"},
            model="gpt-4o" if n % 2 else "claude-haiku",
        )
        for n in range(72)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    return project


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """No worker runs beside these tests: the test itself works a job off."""
    told = []
    monkeypatch.setattr(bulk, "ring", lambda job_id, attempt=0: told.append(job_id))
    return told


def opened(page: Page, project, enter, role=Role.ADMIN, query=""):
    enter(factories.member(project, role))
    page.goto(f"/p/{project.slug}/records/{query}")
    expect(page.locator("#count")).to_contain_text("record")


def ticks(page: Page):
    return page.locator("#records tbody [name=ids]")


def ticked(page: Page):
    return page.locator("#records tbody [name=ids]:checked")


def bar(page: Page):
    return page.get_by_role("toolbar", name="Selected records")


def tagged(tag="urgent"):
    return set(Record.objects.filter(tags__contains=[tag]).values_list("external_id", flat=True))


def test_shift_ticks_a_range_and_escape_clears_it(page: Page, filled, enter):
    opened(page, filled, enter)
    expect(bar(page)).to_be_hidden()
    ticks(page).nth(1).click()
    ticks(page).nth(4).click(modifiers=["Shift"])
    expect(ticked(page)).to_have_count(4)
    expect(bar(page)).to_contain_text("4 selected")
    ticks(page).nth(6).click()
    ticks(page).nth(4).click(modifiers=["Shift"])  # takes away, backwards
    expect(ticked(page)).to_have_count(3 + 1 - 1)
    page.keyboard.press("Escape")
    expect(ticked(page)).to_have_count(0)
    expect(bar(page)).to_be_hidden()


def test_the_page_is_ticked_and_forgotten_on_the_next(page: Page, filled, enter):
    opened(page, filled, enter)
    page.get_by_label("Select the page").click()
    expect(ticked(page)).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(ticks(page)).to_have_count(22)
    expect(ticked(page)).to_have_count(0)


def test_records_are_tagged_without_a_mouse(page: Page, filled, enter):
    opened(page, filled, enter, Role.REVIEWER)
    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(bar(page)).to_contain_text("3 selected")
    page.keyboard.press("t")
    expect(page.get_by_role("dialog")).to_contain_text("3 records")
    expect(page.get_by_label("Tags")).to_be_focused()
    page.keyboard.type("urgent")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Tagged 3 records with urgent.")).to_be_visible()
    expect(page.locator("#dialog dialog")).to_have_count(0)
    expect(ticked(page)).to_have_count(0)
    assert tagged() == {"r0", "r1", "r2"}
    expect(page.locator("#records tbody tr").nth(2)).to_have_class("cursor")  # the place is kept
    page.keyboard.press("j")
    expect(page.locator("#records tbody tr").nth(3)).to_have_class("cursor")


def test_a_tag_that_cannot_be_is_said_in_the_dialog(page: Page, filled, enter, console):
    console.allow("422")
    opened(page, filled, enter, Role.REVIEWER)
    page.keyboard.press("x")
    page.keyboard.press("t")
    page.get_by_label("Tags").fill("x" * 101)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("dialog")).to_contain_text("at most 100 characters")
    page.get_by_label("Tags").fill("urgent")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#dialog dialog")).to_have_count(0)
    assert tagged() == {"r0"}


def test_all_that_match_are_exported_though_one_page_is_shown(page: Page, filled, enter):
    opened(page, filled, enter, Role.VIEWER, "?q=inputs.question:Question*")
    expect(page.locator("#count")).to_have_text("72 records")
    ticks(page).first.click()
    page.get_by_role("button", name="Select all 72").click()
    expect(bar(page)).to_contain_text("All 72 records where inputs.question")
    page.get_by_role("link", name="Older").click()
    expect(ticked(page)).to_have_count(22)  # it is about the filter, not about the page
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSONL").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert {json.loads(line)["external_id"] for line in lines} == {f"r{n}" for n in range(72)}


def test_another_filter_forgets_all_that_matched_the_last(page: Page, filled, enter):
    opened(page, filled, enter)
    page.get_by_label("Select the page").click()
    page.get_by_role("button", name="Select all 72").click()
    page.get_by_label("Filter", exact=True).fill("model:gpt*")
    page.get_by_label("Filter", exact=True).press("Enter")
    expect(page.locator("#count")).to_have_text("36 records")
    expect(ticked(page)).to_have_count(0)


def test_all_that_match_are_deleted_by_their_number_and_the_row_survives_a_reload(page: Page, filled, enter, rung):
    opened(page, filled, enter, query="?q=model:gpt*")
    expect(page.locator("#count")).to_have_text("36 records")
    ticks(page).first.click()
    page.get_by_role("button", name="Select all 36").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete all 36 records where model")
    dialog.get_by_label("Type their number").fill("36")
    dialog.get_by_role("button", name="Delete 36").click()
    expect(page.locator(".job")).to_contain_text("no worker is running")
    page.reload()
    expect(page.locator(".job")).to_contain_text("Deleting all records where model")
    bulk.run(rung[0])
    expect(page.locator(".job")).to_contain_text("Deleted 36 records.")
    expect(page.locator("#records")).to_have_count(0)  # the list looked again by itself
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".job")).to_have_count(0)
    assert Record.objects.count() == 36


def test_a_job_is_cancelled_from_its_row(page: Page, filled, enter):
    opened(page, filled, enter, Role.REVIEWER)
    ticks(page).first.click()
    page.keyboard.press("Shift+A")
    page.keyboard.press("t")
    page.get_by_label("Tags").fill("urgent")
    page.keyboard.press("Enter")
    page.locator(".job").get_by_role("button", name="Cancel").click()
    expect(page.locator(".job")).to_contain_text("Cancelled. Tagged 0 records")
    bulk.run(BulkJob.objects.get().pk)
    assert tagged() == set()


def test_on_a_phone_rows_are_ticked_and_the_bar_fits(page: Page, filled, enter):
    page.set_viewport_size(PHONE)
    opened(page, filled, enter)
    ticks(page).nth(2).click()
    expect(bar(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

"""The Records page in a real browser, under the policy that production sends."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from tests import factories
from tests.browser.conftest import PHONE

HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'
RIGHT_TO_LEFT = "\u202eevil\u202c שלום"


@pytest.fixture
def filled(transactional_db):
    """A project whose records span three days; every third failed its metric."""
    project = factories.project()
    factories.metric(project, "quality")
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(hours=n), inputs={"question": f"Question {n}?"},
            outputs=f"Answer {n}.",
            model="gpt-4o" if n % 2 else "claude-haiku", latency_ms=100 * n,
            scores=[ScoreDraft("quality", {"numerical_value": 0.2 if n % 3 == 0 else 0.9}, "because")],
        )
        for n in range(72)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    return project


def rows(page: Page):
    return page.locator("#records tbody tr")


def test_a_filter_is_typed_narrows_the_list_and_is_undone_by_back(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    expect(page.locator("#count")).to_have_text("72 records")
    page.keyboard.press("/")
    expect(page.get_by_label("Filter", exact=True)).to_be_focused()
    page.keyboard.type("metric.status:fail model:gpt*")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("12 records")
    expect(page).to_have_url(re.compile(r"q=metric.status%3Afail"))
    page.get_by_label("Remove model starts with gpt").click()
    expect(page.locator("#count")).to_have_text("24 records")
    page.go_back()
    expect(page.locator("#count")).to_have_text("12 records")


def test_a_slip_of_the_pen_is_underlined_and_shows_no_rows(page: Page, filled, enter, console):
    console.allow("422")
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    page.get_by_label("Filter", exact=True).fill("modle:gpt")
    page.keyboard.press("Enter")
    expect(page.locator(".echo mark")).to_have_text("modle")
    expect(page.get_by_role("alert")).to_contain_text("did you mean 'model'?")
    expect(rows(page)).to_have_count(0)


def test_rows_are_walked_and_opened_with_the_keyboard(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    expect(rows(page)).to_have_count(50)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows(page).nth(1)).to_have_class("cursor")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Scores")).to_be_visible()
    expect(page.locator("#drawer").get_by_text("Question 1?")).to_be_visible()


def test_the_next_page_goes_on_where_this_one_ends(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    page.get_by_role("link", name="Older").click()
    expect(rows(page)).to_have_count(22)
    expect(rows(page).first).to_contain_text("Question 50?")
    page.get_by_role("link", name="Newest").click()
    expect(rows(page)).to_have_count(50)


def test_hostile_content_is_shown_and_does_nothing(page: Page, enter, transactional_db):
    project = factories.project()
    said = {HOSTILE: HOSTILE, "text": RIGHT_TO_LEFT, **{f"key {n}": n for n in range(500)}}
    draft = RecordDraft(
        "a",
        Source.API,
        timezone.now(),
        inputs=said,
        outputs="x" * 2_000_000,
        name=HOSTILE,
        model=HOSTILE,
        error=HOSTILE,
    )
    ingest(project, [draft], "ci")
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/records/?columns=name,inputs,outputs,model,error")
    expect(rows(page)).to_have_count(1)
    page.locator("#records a.open").click()
    expect(page.get_by_role("heading", name="window.hacked")).to_be_visible()
    assert page.evaluate("window.hacked") is None


def test_on_a_phone_the_table_is_a_list_and_nothing_scrolls_sideways(page: Page, filled, enter):
    page.set_viewport_size(PHONE)
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    expect(page.locator("#records thead")).to_be_hidden()
    expect(rows(page).first).to_contain_text("Question 0?")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

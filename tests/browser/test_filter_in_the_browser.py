"""The filter bar in a real browser: completion by keyboard, menus, help."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source
from tests import factories


@pytest.fixture
def filled(transactional_db):
    project = factories.project()
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(hours=n), inputs=f"Question {n}?",
            model="gpt-4o" if n % 3 else "claude haiku",
        )
        for n in range(12)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    return project


@pytest.fixture
def bar(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    return page.get_by_role("combobox", name="Filter")


def test_a_filter_is_completed_by_keyboard_alone(page: Page, bar):
    page.keyboard.press("/")
    page.keyboard.type("😀 mod")
    expect(page.get_by_role("option").first).to_contain_text("model")
    expect(bar).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    expect(bar).to_have_value("😀 model:")
    expect(page.get_by_role("option")).to_have_text(["gpt-4o", "claude haiku"])
    bar.fill("")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.type("mod")
    expect(page.get_by_role("option", name=re.compile("^model"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(bar).to_have_attribute("aria-activedescendant", "completion-1")
    page.keyboard.press("Enter")
    expect(bar).to_have_value("model:")
    expect(page.get_by_role("option")).to_have_text(["gpt-4o", "claude haiku"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="claude haiku")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(bar).to_have_value('model:"claude haiku" ')
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("4 records")


def test_escape_closes_the_list_and_keeps_what_was_typed(page: Page, bar):
    bar.focus()
    page.keyboard.type("mod")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(bar).to_be_focused()
    expect(bar).to_have_value("mod")
    page.keyboard.press("Escape")
    expect(bar).not_to_be_focused()
    expect(bar).to_have_value("mod")
    bar.focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name=re.compile("^model")).click()
    expect(bar).to_have_value("model:")
    expect(page.get_by_role("option")).to_have_text(["gpt-4o", "claude haiku"])


def test_a_menu_counts_once_it_is_open_and_narrows_the_list(page: Page, bar):
    page.get_by_role("button", name="Model").click()
    choice = page.locator("#facet-model a", has_text="claude haiku")
    expect(choice).to_contain_text("4")
    choice.click()
    expect(page.locator("#count")).to_have_text("4 records")
    expect(bar).to_have_value('model:"claude haiku"')


def test_two_dates_set_the_time(page: Page, bar):
    page.get_by_role("button", name="Any time").click()
    expect(page.locator("#facet-time a .n").first).to_have_text(re.compile(r"\d"))
    page.get_by_label("From").fill("2020-01-31")
    page.get_by_role("button", name="Set the range").click()
    expect(page.get_by_role("combobox", name="Filter")).to_have_value("created >= 2020-01-31")
    expect(page.locator("#count")).to_have_text("12 records")


def test_a_cell_filters_by_its_value(page: Page, bar):
    page.locator("#records tbody td.c-model", has_text="claude haiku").first.click()
    page.locator("#cell-menu").get_by_role("link", name="model is “claude haiku”", exact=True).click()
    expect(page.locator("#count")).to_have_text("4 records")


def test_a_value_of_the_row_is_left_out_by_keyboard(page: Page, bar):
    page.keyboard.press("j")
    page.keyboard.press("f")
    expect(page.locator("#cell-menu a").first).to_be_focused()
    left_out = page.get_by_role("link", name="Leave out: model is “claude haiku”")
    while not left_out.evaluate("link => link === document.activeElement"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("8 records")


def test_the_language_is_explained_on_a_key(page: Page, bar):
    bar.focus()
    page.keyboard.press("F1")
    dialog = page.get_by_role("dialog", name="How to filter")
    expect(dialog.get_by_text("metadata.customer.tier:gold")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

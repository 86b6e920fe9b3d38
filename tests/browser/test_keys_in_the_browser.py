"""The keys that the help lists, each of them pressed."""

import re

import pytest
from playwright.sync_api import Page, expect

from evalhub.models import Role
from tests import factories
from tests.records.pages.test_record_list import sent

KEYS = ["j", "k", "x", "Enter", "/", "?", "[", "]", "Esc", "g", "r", "f", "e", "w"]


@pytest.fixture
def opened(page: Page, transactional_db, enter):
    project = factories.project()
    sent(project, 3)
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/records/?sort=-created")
    expect(page.locator("#records tbody tr")).to_have_count(3)
    return project


def test_the_help_lists_every_key(page: Page, opened):
    page.keyboard.press("?")
    help = page.get_by_role("dialog", name="Keys on this page")
    expect(help).to_be_visible()
    listed = help.locator("kbd").all_inner_texts()
    assert [key for key in KEYS if key not in listed] == []
    expect(help.locator("dt", has_text="g r")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(help).to_be_hidden()


def test_a_list_is_walked_selected_opened_stepped_through_and_closed(page: Page, opened):
    rows, drawer = page.locator("#records tbody tr"), page.locator("#drawer")
    for key in "jjjk":
        page.keyboard.press(key)
    expect(rows.nth(1)).to_have_class("cursor")
    page.keyboard.press("x")
    expect(page.locator(".bulk")).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator(".bulk")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(drawer).to_contain_text("Question 1?")
    page.keyboard.press("]")
    expect(drawer).to_contain_text("Question 0?")
    page.keyboard.press("[")
    expect(drawer).to_contain_text("Question 1?")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_label("Filter", exact=True)).to_be_focused()
    page.keyboard.type("g r")  # words, no keys
    expect(page.get_by_label("Filter", exact=True)).to_have_value("g r")


def test_g_and_r_lead_to_the_records_from_everywhere_in_a_project(page: Page, opened):
    page.goto(f"/p/{opened.slug}/settings/members/")
    page.keyboard.press("r")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile(r"/records/$"))
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(r"/settings/$"))
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()

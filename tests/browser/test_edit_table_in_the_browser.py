"""Edit table in a real browser: by keyboard, by dragging, and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.models import ColumnLayout
from tests import factories
from tests.browser.conftest import PHONE
from tests.records.pages.test_record_list import HOSTILE, sent

HEADINGS = ["", "Created", "Input", "Output", "Source", "Model", "Latency", "Cost"]


@pytest.fixture
def opened(page: Page, transactional_db, enter):
    project = factories.project()
    sent(project, metadata={"plan": "gold", HOSTILE: 1})
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/records/")
    page.keyboard.press("e")
    expect(page.get_by_role("dialog", name="Edit table")).to_be_visible()
    return project


def shown(page: Page):
    return page.locator("#shown-columns > li .name")


def headings(page: Page):
    return page.locator("#records thead th:not(.c-check)")


def test_columns_are_added_moved_and_removed_by_keyboard_and_kept(page: Page, opened):
    expect(page.get_by_label("Add a column")).to_be_focused()
    page.keyboard.type("plan")
    page.keyboard.press("Enter")
    page.keyboard.type("inputs.deep.path")
    page.keyboard.press("Enter")
    expect(shown(page)).to_have_text([*HEADINGS[1:], "plan", "deep.path"])
    page.keyboard.press("Shift+Tab")  # into the list: its one stop is its first button
    expect(page.get_by_label("Move Created up")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_label("Move Created up")).to_be_focused()
    expect(shown(page).nth(1)).to_have_text("Created")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    expect(shown(page)).to_have_text(["Input", "Created", "Model", "Latency", "Cost", "plan", "deep.path"])
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog", name="Edit table")).to_have_count(0)
    expected = ["Input", re.compile("Created"), "Model", "Latency", "Cost", "plan", "deep.path"]
    expect(headings(page)).to_have_text(expected)
    page.reload()
    expect(headings(page)).to_have_text(expected)
    expect(page.locator("#records tbody tr").first).to_contain_text("gold")


def test_a_column_is_dragged_to_its_place(page: Page, opened):
    page.locator("#shown-columns > li", has_text="Cost").drag_to(
        page.locator("#shown-columns > li").first, target_position={"x": 60, "y": 4}
    )
    expect(shown(page).first).to_have_text("Cost")
    page.get_by_role("button", name="Apply").click()
    expect(headings(page).first).to_have_text("Cost")


def test_what_is_refused_is_said_and_kept_and_reset_forgets_all(page: Page, opened, console):
    console.allow("422")
    for _ in HEADINGS[1:]:
        page.locator("#shown-columns [data-remove]").first.click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one column")
    page.get_by_role("button", name="Output", exact=True).click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("dialog", name="Edit table")).to_have_count(0)
    expect(headings(page)).to_have_text(["Output"])
    page.keyboard.press("e")
    page.get_by_role("button", name="Reset to default").click()
    expect(headings(page)).to_have_count(7)
    assert not ColumnLayout.objects.filter(project=opened).exists()


def test_the_dialog_fits_a_phone(page: Page, opened):
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.querySelector('#edit-table').scrollWidth") <= PHONE["width"]
    page.get_by_label("Move Output up").click()
    expect(shown(page).nth(1)).to_have_text("Output")

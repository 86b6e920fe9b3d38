"""Saved views in a real browser: saved from a dialog, a tab each, marked when the list moves on."""

import re

from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.models import SavedView
from tests import factories
from tests.records.pages.test_record_list import sent


def test_a_view_is_saved_left_changed_replaced_and_deleted(page: Page, transactional_db, enter):
    project = factories.project()
    sent(project)
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/records/?q=model:gpt*")
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name", exact=True).fill("Ours")
    page.get_by_label("Shared with everybody").check()
    page.keyboard.press("Enter")
    tab = page.locator("#views a", has_text="Ours")
    expect(page.get_by_role("dialog", name="Save view")).to_have_count(0)
    expect(tab).to_have_attribute("aria-current", "page")
    expect(page).to_have_url(re.compile(r"view=\d+&q=model%3Agpt%2A"))

    page.get_by_label("Filter", exact=True).fill("model:claude*")
    page.keyboard.press("Enter")
    expect(tab).to_have_class("dirty")
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("button", name="Replace Ours").click()
    expect(tab).not_to_have_class("dirty")

    page.get_by_role("link", name="All records").click()
    expect(page.locator("#records tbody tr")).to_have_count(3)
    expect(tab).not_to_have_attribute("aria-current", "page")
    tab.click()
    expect(page.get_by_label("Filter", exact=True)).to_have_value("model:claude*")

    page.get_by_role("button", name="Edit the view Ours").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete this view?").get_by_role("button", name="Confirm").click()
    expect(tab).to_have_count(0)
    expect(page.get_by_role("dialog", name="Edit view")).to_have_count(0)
    assert not SavedView.objects.exists()

"""The cases of a comparison, walked by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from evalhub.models import Role
from tests import factories
from tests.experiments import made


@pytest.fixture
def project(transactional_db):
    project = factories.project()
    before, after = made.flipping(made.boolean(project), 40, lost=3)
    made.experiment(project, "base", before)
    made.experiment(project, "new", after)
    return project


def test_cases_are_walked_closed_and_opened_by_keyboard(page: Page, project, enter):
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/experiments/compare?ids=base,new")
    shown, cursor = page.locator("#case [data-case]"), page.locator("#cases tr.cursor")
    expect(shown).to_have_attribute("data-case", "case-000")
    expect(cursor).to_contain_text("case-000")
    for _ in range(4):  # one more than there are
        page.keyboard.press("j")
    expect(shown).to_have_attribute("data-case", "case-002")
    expect(page).to_have_url(re.compile("case=case-002"))
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    expect(page).not_to_have_url(re.compile("case="))
    page.keyboard.press("k")
    expect(cursor).to_contain_text("case-001")
    expect(shown).to_have_count(0)
    page.keyboard.press("Enter")
    expect(shown).to_have_attribute("data-case", "case-001")
    expect(page.locator("#case")).to_be_in_viewport()

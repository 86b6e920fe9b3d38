"""The Django admin works under its own policy: its scripts run, and a metric's form shows what its type needs."""

from playwright.sync_api import Page, expect

from evalhub.models import Role
from tests import factories


def test_a_metrics_form_shows_the_fields_of_its_type(page: Page, project, enter):
    editor = factories.member(project, Role.EDITOR)
    editor.is_staff = True
    editor.save()
    enter(editor)
    page.goto("/admin/")
    page.get_by_role("link", name="Metrics").first.click()
    page.goto("/admin/records/metric/add/")
    page.locator("select[name=value_type]").select_option("numerical")
    expect(page.locator("[name=min_score]")).to_be_visible()
    expect(page.locator("[name=categorical_choices]")).to_be_hidden()
    page.locator("select[name=value_type]").select_option("categorical")
    expect(page.locator("[name=min_score]")).to_be_hidden()
    expect(page.locator("[name=categorical_choices]")).to_be_visible()

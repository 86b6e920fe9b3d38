"""Parts that come after the page: each says in its own place that it failed, and comes when asked again."""

import pytest
from playwright.sync_api import Page, expect

from evalhub.models import Role
from tests import factories
from tests.records.pages.test_record_list import sent


@pytest.mark.parametrize("failure", ["500", "unreachable"])
def test_chart_count_and_menus_say_that_they_failed_and_try_again(
    page: Page, transactional_db, enter, console, failure
):
    console.allow("500")
    console.allow("ERR_FAILED")
    console.allow("htmx:sendError")
    project = factories.project()
    sent(project, 3)
    enter(factories.member(project, Role.VIEWER))
    parts = ["**/records/history*", "**/records/count*", "**/records/facets/*"]
    for part in parts:
        page.route(part, lambda route: route.fulfill(status=500, body="") if failure == "500" else route.abort())
    page.goto(f"/p/{project.slug}/records/?sort=-created")
    chart, count = page.locator("#history"), page.locator("#count")
    for place in (chart, count):
        expect(place).to_contain_text("failed" if failure == "500" else "cannot be reached")
    expect(page.locator("#records tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Source", exact=True).first.click()
    expect(page.locator("#facet-source")).to_contain_text("Not loaded")
    expect(page.locator(".toast.errored")).to_have_count(0)
    for part in parts:
        page.unroute(part)
    page.locator("#facet-source").get_by_role("button", name="Try again").click()
    expect(page.locator("#facet-source")).to_contain_text("API3")
    page.keyboard.press("Escape")
    count.get_by_role("button", name="Try again").click()
    expect(count).to_have_text("3 records")
    chart.get_by_role("button", name="Try again").click()
    expect(chart.locator(".not-loaded")).to_have_count(0)
    expect(chart).to_contain_text("Records by")

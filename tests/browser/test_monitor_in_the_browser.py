"""The monitor in a real browser: charts are drawn part by part, a point leads to its records, keys reach the same."""

import re
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from tests import factories
from tests.browser.conftest import PHONE


def test_a_point_leads_to_its_records_and_a_dashboard_keeps_what_is_shown(page: Page, transactional_db, enter):
    project = factories.project(name="Helpdesk")
    factories.metric(project, "quality")
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(days=n % 6), model="ab"[n % 2], latency_ms=100 * n,
            scores=[ScoreDraft("quality", {"numerical_value": n % 4 / 4})],
        )
        for n in range(120)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/monitor/")
    expect(page.locator(".charted .js-plotly-plot")).to_have_count(4)  # no errors' tokens and cost: nothing to draw
    expect(page.get_by_role("region", name="Quality")).to_contain_text("n 120")

    bars = page.get_by_role("region", name="Records").locator(".bars path")
    heights = bars.evaluate_all("paths => paths.map(path => path.getBBox().height)")
    bars.nth(heights.index(max(heights))).click(force=True)
    page.wait_for_url(re.compile("/records/"))
    expect(page.locator("#count")).to_contain_text("20")
    page.go_back()

    # The same by keys: the chart as a table, whose numbers are links.
    table = page.get_by_role("button", name="Quality as a table")
    table.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name=re.compile("20 cases")).first).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Group by nothing").click()
    page.get_by_role("link", name="Model", exact=True).click()
    expect(page.get_by_role("region", name="Records").locator(".legend li")).to_have_count(2)
    page.get_by_role("button", name="Save dashboard").click()
    page.get_by_label("Name").fill("By model")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="By model")).to_be_visible()
    assert "by=model" in page.url and "dashboard=" in page.url
    expect(page.locator(".charted .js-plotly-plot").first).to_be_visible()
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

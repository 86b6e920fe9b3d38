"""The history chart in a real browser: drawn by plotly under our policy, clicked, dragged over, undone, in the dark."""

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

RIGHT_MARGIN = 38  # where the highest number stands
SHIFTS = """window.moved = 0; new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) window.moved += shift.value })
  .observe({ type: "layout-shift", buffered: true })"""


@pytest.fixture
def filled(transactional_db):
    """A record an hour over three days; every third failed its metric."""
    project = factories.project()
    factories.metric(project, "quality")
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(hours=n), inputs=f"Question {n}?",
            scores=[ScoreDraft("quality", {"numerical_value": 0.2 if n % 3 == 0 else 0.9})],
        )
        for n in range(72)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    return project


def opened(page: Page, project, query: str = "") -> dict[str, float]:
    """The list, with its chart drawn; where the bars are."""
    page.goto(f"/p/{project.slug}/records/{query}")
    return drawn(page)


def drawn(page: Page) -> dict[str, float]:
    expect(page.locator("#history .drawn .main-svg").first).to_be_visible(timeout=30_000)  # 5 MB to be read
    return page.locator("#history .drawn").bounding_box()


def at(box: dict[str, float], share: float) -> tuple[float, float]:
    """A place over the bars, so far from the left."""
    return box["x"] + share * (box["width"] - RIGHT_MARGIN), box["y"] + 40


def test_a_bar_is_clicked_and_the_click_is_undone_by_back(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    box = opened(page, filled)
    expect(page.locator("#count")).to_have_text("72 records")
    page.mouse.move(*at(box, 0.5))
    page.mouse.click(*at(box, 0.5))
    expect(page).to_have_url(re.compile("created.*created"))
    expect(page.locator("#count")).to_have_text(re.compile("^[1-9] record"))
    said = page.locator(".chip", has_text="created since")
    expect(said).to_have_text(re.compile(r"created since \d+ \w+ \d{4} \d\d:00 \(UTC\)"))
    expect(page.get_by_role("button", name="Any time")).to_have_count(0)
    page.go_back()
    expect(page.locator("#count")).to_have_text("72 records")
    expect(page.locator(".chip")).to_have_count(0)
    drawn(page)


def test_a_dragged_range_narrows_to_the_bars_under_it(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    box = opened(page, filled, "?by=metric.quality")
    page.mouse.move(*at(box, 0.25))
    page.mouse.down()
    page.mouse.move(*at(box, 0.5), steps=3)
    page.mouse.move(*at(box, 0.75), steps=3)
    page.mouse.up()
    expect(page).to_have_url(re.compile("created.*created"))
    expect(page).to_have_url(re.compile(r"by=metric\.quality"))
    expect(page.locator("#count")).to_have_text(re.compile("^3[0-9] records"))
    drawn(page)
    page.go_back()
    expect(page.locator("#count")).to_have_text("72 records")


def test_the_chart_moves_nothing_when_it_comes(page: Page, filled, enter):
    page.add_init_script(SHIFTS)
    enter(factories.member(filled, Role.VIEWER))
    opened(page, filled)
    assert page.evaluate("window.moved") < 0.01


def test_what_is_stacked_is_chosen_in_the_head(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    opened(page, filled)
    page.get_by_role("button", name="Stacked by Status").click()
    page.locator("#history-stacks").get_by_role("link", name="Quality").click()
    expect(page).to_have_url(re.compile(r"by=metric\.quality"))
    expect(page.locator("#history .legend")).to_have_text(re.compile(r"fail\s*24\s*pass\s*48"))
    page.go_back()
    expect(page.locator("#history .legend")).to_have_text(re.compile(r"completed\s*72"))


def test_the_table_of_the_chart_leads_to_a_bar_by_keyboard(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    opened(page, filled)
    page.get_by_role("button", name="As a table").focus()
    page.keyboard.press("Enter")
    first = page.locator("#history-table a").first
    expect(first).to_be_visible()
    for _ in range(4):
        page.keyboard.press("Tab")
        if first.evaluate("link => link === document.activeElement"):
            break
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("1 record")


def test_colours_follow_the_theme_without_a_reload(page: Page, filled, enter):
    page.emulate_media(color_scheme="light")
    enter(factories.member(filled, Role.VIEWER))
    opened(page, filled)
    bar = page.locator("#history .drawn .point path").first
    light = bar.evaluate("path => getComputedStyle(path).fill")
    page.emulate_media(color_scheme="dark")
    expect(bar).not_to_have_css("fill", light)


def test_without_plotly_the_bars_are_links(page: Page, filled, enter, console):
    console.allow("plotly")
    console.allow("uncaught")
    page.route("**/plotly*.js", lambda route: route.abort())
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    page.locator("#history a:has(.bar)").first.click()
    expect(page.locator("#count")).to_have_text("1 record")


def test_a_bar_is_tapped_on_a_phone(page: Page, filled, enter):
    page.set_viewport_size(PHONE)
    enter(factories.member(filled, Role.VIEWER))
    box = opened(page, filled)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.mouse.click(*at(box, 0.5))
    expect(page.locator("#count")).to_have_text(re.compile("^[1-9] record"))

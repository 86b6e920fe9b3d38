"""A list that is open while records arrive and scores settle."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source
from tests import factories
from tests.records.pages.test_live import awaits, settle

SOON = 30_000  # ms: what asks again does so after seconds


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr("records.views.live.FIRST_SECONDS", 1)
    monkeypatch.setattr("records.views.records.FIRST_SECONDS", 1)


@pytest.fixture
def project(transactional_db):
    return factories.project()


def sent(project, *names: str) -> list:
    at = timezone.now()
    return ingest(project, [RecordDraft(name, Source.API, at, inputs=f"Question {name}?") for name in names], "ci").ids


def rows(page: Page):
    return page.locator("#records tbody tr")


def hide(page: Page, hidden: bool) -> None:
    """What a browser says of a tab behind another one."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });"
        " document.dispatchEvent(new Event('visibilitychange')) }",
        hidden,
    )


def test_new_records_are_announced_and_shown_only_on_a_click(page: Page, project, enter):
    sent(project, *(f"r{n}" for n in range(50)))
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/records/")
    expect(rows(page)).to_have_count(50)
    page.locator(".table-wrap").evaluate("wrap => { wrap.scrollTop = 300 }")
    first = rows(page).first.get_attribute("data-id")
    sent(project, "late", "later")
    pill = page.locator("#new-records").get_by_role("link", name="2 new")
    expect(pill).to_be_visible(timeout=SOON)
    assert rows(page).first.get_attribute("data-id") == first
    assert page.locator(".table-wrap").evaluate("wrap => wrap.scrollTop") == 300
    pill.click()
    expect(rows(page).first).to_contain_text("late")
    expect(page.locator("#new-records")).to_be_empty()


def test_a_hidden_tab_asks_nothing_until_it_is_shown_again(page: Page, project, enter):
    sent(project, "a")
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/records/")
    expect(rows(page)).to_have_count(1)
    hide(page, True)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/records/news" in request.url else None)
    sent(project, "b")
    page.wait_for_timeout(2_500)  # it would have asked by now
    assert not asked
    hide(page, False)
    expect(page.locator("#new-records")).to_have_text("1 new", timeout=SOON)


def test_pending_cells_settle_by_themselves_and_then_nothing_is_asked(page: Page, project, enter):
    quality = factories.metric(project, "quality")
    awaits(project, quality, sent(project, "a", "b"))
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/records/")
    expect(page.locator("#records .score.pending")).to_have_count(2)
    settle(project, 1)
    expect(page.locator("#records .score.pass")).to_have_text(["passes:0.75"], timeout=SOON)
    expect(page.locator("#records .score.pending")).to_have_count(1)
    settle(project, 1)
    expect(page.locator("#records .score.pass")).to_have_count(2, timeout=SOON)
    expect(page.locator("#pending")).to_have_count(1)
    expect(page.locator("#pending[hx-post]")).to_have_count(0)


def test_a_server_that_cannot_be_reached_is_no_error_to_the_reader(page: Page, project, enter, console):
    console.allow("news")
    console.allow("htmx:sendError")
    sent(project, "a")
    enter(factories.member(project, Role.VIEWER))
    page.clock.install()
    page.goto(f"/p/{project.slug}/records/")
    expect(rows(page)).to_have_count(1)
    page.route("**/records/news*", lambda route: route.abort())
    with page.expect_event("requestfailed", timeout=SOON):
        page.clock.fast_forward(5_000)
    sent(project, "b")
    expect(page.locator(".toast")).to_have_count(0)
    page.unroute("**/records/news*")
    page.clock.fast_forward(40_000)
    expect(page.locator("#new-records")).to_have_text("1 new", timeout=SOON)

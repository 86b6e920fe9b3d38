"""A record in a real browser: the drawer by keyboard and history, the waterfall, scoring in place, hostile content."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Score, Source, ValueType
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.test_records_in_the_browser import HOSTILE


@pytest.fixture
def filled(transactional_db):
    """Sixty records, the newest first; the odd ones are claude's. The newest is a trace of 1,000 spans."""
    project = factories.project()
    factories.metric(project, "quality")
    factories.metric(project, "solved", ValueType.BOOLEAN)
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(hours=n + 1), name=f"number {n}",
            inputs={"question": f"Question {n}?"}, outputs=f"Answer {n}.", model="claude-haiku" if n % 2 else "gpt-4o",
            scores=[ScoreDraft("quality", {"numerical_value": 0.2}, "because")],
        )
        for n in range(60)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    ingest(project, [
        RecordDraft(
            f"t:{n}", Source.TRACE, now + timedelta(milliseconds=n), trace_id="t", span_id=str(n),
            parent_id="" if n == 0 else "0" if n % 10 == 1 else str(n - (n - 1) % 10), name=f"span {n}", kind="tool",
            latency_ms=5, inputs={"step": n},
        )
        for n in range(1000)
    ], "ci")  # fmt: skip
    return project


def rows(page: Page):
    return page.locator("#records tbody tr")


def drawer(page: Page):
    return page.locator("#drawer")


def title(page: Page):
    return drawer(page).locator(".title")


def test_the_drawer_opens_steps_and_closes_by_keyboard_and_the_place_is_kept(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/?q=model:gpt*")
    expect(rows(page)).to_have_count(30)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(title(page)).to_have_text("number 2")
    expect(page).to_have_url(re.compile(r"q=model.*&open="))
    page.keyboard.press("j")
    expect(title(page)).to_have_text("number 4")
    page.keyboard.press("]")
    expect(title(page)).to_have_text("number 6")
    expect(rows(page).nth(3)).to_have_class("cursor")
    page.keyboard.press("k")
    expect(title(page)).to_have_text("number 4")
    page.keyboard.press("[")
    expect(title(page)).to_have_text("number 2")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    expect(page).not_to_have_url(re.compile("open="))
    expect(rows(page).nth(1).locator("a.open")).to_be_focused()
    page.keyboard.press("j")
    expect(rows(page).nth(2)).to_have_class("cursor")


def test_back_closes_forward_and_reload_open_and_the_table_stays_where_it_was(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    page.locator(".table-wrap").evaluate("wrap => { wrap.dataset.kept = 'yes' }")
    rows(page).nth(20).locator("a.open").click()
    expect(title(page)).to_have_text("number 19")
    page.keyboard.press("j")
    expect(title(page)).to_have_text("number 20")
    place = rows(page).nth(20).bounding_box()
    page.go_back()
    expect(drawer(page)).to_be_hidden()
    assert rows(page).nth(20).bounding_box() == place
    assert page.locator(".table-wrap").evaluate("wrap => wrap.dataset.kept") == "yes"
    page.go_forward()
    expect(title(page)).to_have_text("number 20")
    page.reload()
    expect(title(page)).to_have_text("number 20")
    page.keyboard.press("Escape")
    expect(drawer(page)).to_be_hidden()
    expect(page).not_to_have_url(re.compile("open="))


def test_tabs_and_the_end_of_the_list(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/?q=name:'number 59'")
    rows(page).first.locator("a.open").click()
    drawer(page).get_by_role("link", name="Raw").click()
    expect(drawer(page).locator("#raw")).to_contain_text('"name": "number 59"')
    expect(page).to_have_url(re.compile("tab=raw"))
    page.keyboard.press("j")
    expect(page.locator("#toasts")).to_contain_text("the last record")
    expect(title(page)).to_have_text("number 59")


def test_a_record_is_scored_in_place(page: Page, filled, enter, console):
    console.allow("422")
    enter(factories.member(filled, Role.REVIEWER, "ina"))
    page.goto(f"/p/{filled.slug}/records/?q=name:'number 0'")
    rows(page).first.locator("a.open").click()
    quality = drawer(page).locator("[data-metric=quality]")
    quality.get_by_text("Correct by hand").click()
    quality.get_by_role("spinbutton", name="Quality").fill("7")
    quality.get_by_role("button", name="Correct").click()
    expect(quality.get_by_role("alert")).to_contain_text("between 0 and 1")
    quality.get_by_role("spinbutton", name="Quality").fill("0.75")
    quality.get_by_label("Why").fill("it is right")
    quality.get_by_role("button", name="Correct").click()
    expect(quality).to_contain_text("0.75, ina")
    expect(quality).to_contain_text("it is right")
    solved = drawer(page).locator("[data-metric=solved]")
    solved.locator("> summary").click()
    solved.get_by_text("Yes", exact=True).click()
    solved.get_by_role("button", name="Score").click()
    expect(drawer(page).locator("[data-metric=solved] > summary .score.pass")).to_be_visible()
    quality.locator("> summary").click()
    quality.locator(".timeline details").first.locator("summary").click()
    expect(quality.locator(".attempt").first).to_contain_text("scored by")
    assert Score.objects.filter(project=filled, scorer="ina", is_current=True).count() == 2


def test_the_waterfall_shows_a_span_beside_it_and_is_walked_with_arrows(page: Page, filled, enter):
    enter(factories.member(filled, Role.VIEWER))
    page.goto(f"/p/{filled.slug}/records/")
    rows(page).first.locator("a.open").click()
    lines = page.locator(".waterfall .line")
    expect(lines).to_have_count(1000)
    page.get_by_role("link", name="span 2", exact=True).click()
    expect(page.locator("#span")).to_contain_text("step 2")
    expect(page.locator(".waterfall .line[aria-current]")).to_contain_text("span 2")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="span 3", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#span")).to_contain_text("step 3")


def test_hostile_content_is_shown_harmlessly_in_every_tab(page: Page, enter, transactional_db):
    project = factories.project()
    deep = {HOSTILE: {HOSTILE: {HOSTILE: {HOSTILE: HOSTILE}}}, **{f"key {n}": n for n in range(50)}}
    draft = RecordDraft(
        "a", Source.TRACE, timezone.now(), trace_id="t", span_id="s", inputs=deep, outputs="x" * 2_000_000,
        name=HOSTILE, model=HOSTILE, error=HOSTILE, metadata={HOSTILE: HOSTILE},
    )  # fmt: skip
    child = RecordDraft("b", Source.TRACE, timezone.now(), trace_id="t", span_id="c", parent_id="s", name=HOSTILE)
    id = ingest(project, [draft, child], "ci").ids[0]
    enter(factories.member(project, Role.REVIEWER))
    for tab in ("", "values", "scores", "raw"):
        page.goto(f"/p/{project.slug}/records/{id}/?tab={tab}")
        expect(page.get_by_role("heading", name="window.hacked").first).to_be_visible()
        if tab == "values":
            page.locator(".json details:not([open]) > summary").first.click()
            expect(page.locator(".json details[open] details[open] details[open]").first).to_contain_text(
                "window.hacked"
            )
    assert page.evaluate("window.hacked") is None


def test_on_a_phone_the_drawer_fills_the_screen(page: Page, filled, enter):
    page.set_viewport_size(PHONE)
    enter(factories.member(filled, Role.REVIEWER))
    page.goto(f"/p/{filled.slug}/records/?q=name:'number 0'")
    rows(page).first.locator("a.open").click()
    expect(title(page)).to_be_visible()
    expect(drawer(page)).to_have_css("width", f"{PHONE['width']}px")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("link", name="Close the record").click()
    expect(drawer(page)).to_be_hidden()

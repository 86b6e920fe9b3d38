"""The table itself in a real browser: widths of columns, what stands still, density."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.models import ColumnLayout, Record
from tests import factories
from tests.browser.conftest import PHONE
from tests.records.pages.test_record_list import sent

MANY = "created,inputs,outputs,model,provider,name,kind,status,environment,customer,thread,prompt,tags,latency,cost"


@pytest.fixture
def opened(page: Page, transactional_db, enter):
    project = factories.project()
    sent(project, 60)
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/records/")
    expect(page.locator("#records tbody tr")).to_have_count(50)
    return project


def width(page: Page, name: str) -> int:
    return page.get_by_role("columnheader", name=name).evaluate("(head) => head.offsetWidth")


def saved(page: Page):
    return page.expect_response(lambda answer: answer.url.endswith("/layout/widths") and answer.status == 204)


def test_an_edge_is_dragged_and_only_its_column_changes_for_good(page: Page, opened):
    before = {name: width(page, name) for name in ("Input", "Output", "Model")}
    box = page.get_by_label("Width of Input").bounding_box()
    with saved(page):
        page.mouse.move(box["x"] + 4, box["y"] + 8)
        page.mouse.down()
        page.mouse.move(box["x"] + 54, box["y"] + 8, steps=5)
        page.mouse.up()
    after = {"Input": before["Input"] + 50, "Output": before["Output"], "Model": before["Model"]}
    assert {name: width(page, name) for name in after} == after
    page.reload()
    assert {name: width(page, name) for name in after} == after
    assert "Created" not in page.locator("#cell-menu").inner_text()  # a drag is no click on a cell
    with saved(page):
        page.get_by_label("Width of Input").dblclick(position={"x": 4, "y": 8})
    assert "inputs" not in ColumnLayout.objects.get(project=opened).widths


def test_times_of_other_days_are_not_cut_off(page: Page, opened):
    Record.objects.filter(project=opened).update(created_at=timezone.now() - timedelta(days=1))
    page.goto(f"/p/{opened.slug}/records/?columns={MANY}")
    cells = page.locator("#records tbody td.c-time")
    expect(cells).to_have_count(50)
    room = cells.first.evaluate(
        "(cell) => cell.clientWidth - 2 * parseFloat(getComputedStyle(cell).paddingInlineEnd) - "
        "cell.querySelector('time').offsetWidth"
    )
    assert room >= 0


def test_a_filter_of_one_long_word_does_not_widen_the_page(page: Page, opened):
    page.goto(f"/p/{opened.slug}/records/?q={'a' * 900}")
    expect(page.locator(".chip")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_label("Remove text contains")).to_be_in_viewport()


def test_edges_are_moved_by_keyboard(page: Page, opened):
    page.keyboard.press("w")
    expect(page.get_by_label("Width of Created")).to_be_focused()
    page.keyboard.press("ArrowDown")
    edge = page.get_by_label("Width of Input")
    expect(edge).to_be_focused()
    before = width(page, "Input")
    with saved(page):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowRight")
    assert width(page, "Input") == before + 80
    assert edge.get_attribute("aria-valuenow") == str(before + 80)
    page.reload()
    assert width(page, "Input") == before + 80
    page.keyboard.press("w")
    page.keyboard.press("ArrowDown")
    with saved(page):
        page.keyboard.press("Delete")
    assert width(page, "Input") < before + 80


def test_heading_ticks_and_first_column_stand_still(page: Page, opened):
    page.goto(f"/p/{opened.slug}/records/?columns={MANY}")
    first, head = (
        page.locator("#records tbody tr").nth(40).locator("td").nth(1),
        page.locator("#records thead th").nth(1),
    )
    left, top = first.bounding_box()["x"], head.bounding_box()["y"]
    page.locator(".table-wrap").evaluate("(wrap) => { wrap.scrollLeft = 300; wrap.scrollTop = 500 }")
    expect(page.locator(".table-wrap")).to_have_class("table-wrap aside")
    assert first.bounding_box()["x"] == left
    assert (head.bounding_box()["x"], head.bounding_box()["y"]) == (left, top)
    assert page.locator("#records thead th").nth(4).bounding_box()["x"] < left + 600


def test_a_phone_has_no_edges(page: Page, opened):
    page.set_viewport_size(PHONE)
    page.reload()
    expect(page.locator("#records tbody tr")).to_have_count(50)
    expect(page.locator(".edge")).to_have_count(0)

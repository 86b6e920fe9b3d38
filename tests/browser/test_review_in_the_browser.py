"""Reviewing in a real browser, by keys alone: begin, choose, comment, save, undo, skip, to the end."""

from playwright.sync_api import Page, expect

from records.models import Score
from tests import factories
from tests.scoring.reviews.asked import answers, asked, people
from tests.scoring.running import sent


def test_a_request_is_worked_off_by_keys_alone(page: Page, transactional_db, enter):
    project = factories.project()
    (ina,) = people(project, "ina")
    request = asked(project, sent(project, 2), blind=True)
    enter(ina)
    page.goto(f"/p/{project.slug}/review/")
    page.keyboard.press("b")
    expect(page.get_by_text("0 of 2")).to_be_visible()
    page.keyboard.press("y")
    page.keyboard.press("c")
    page.keyboard.type("names the step")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("1 of 2, 1 by you")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_label("Comment")).to_have_value("names the step")
    expect(page.get_by_label("Yes")).to_be_checked()
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 2, 1 by you")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_text("Everything that was asked for is reviewed.")).to_be_visible()
    assert answers(request).get().boolean_value is False
    assert Score.objects.filter(status=3).count() == 1

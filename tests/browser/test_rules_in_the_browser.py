"""A rule in a real browser: its form with completion, live cost and painted errors; its test, funnel and banner."""

from playwright.sync_api import Page, expect

from evalhub.models import Role
from scoring.models import Rule
from scoring.rules.editing import stop_rule
from tests import factories
from tests.browser.conftest import PHONE
from tests.scoring.rules.made import counted, fresh
from tests.scoring.running import exact


def test_a_rule_is_written_tested_created_and_watched(page: Page, transactional_db, enter):
    project = factories.project()
    exact(project)
    fresh(project, 40)
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/records/?q=model:gpt")
    page.get_by_title("Create rule from this filter").click()
    expected, price = page.locator("#rule-expected"), page.locator("#rule-price")
    expect(expected).to_contain_text("40")
    page.get_by_label("Name", exact=True).fill("Support answers")
    page.get_by_label("exact").check()
    page.get_by_label("Sampling rate").fill("50")
    expect(price).to_contain_text("20 of 40 records that match")
    page.get_by_text("By name").click()
    expect(page.get_by_label("Names of spans")).to_be_visible()
    expect(expected).to_contain_text("Name the spans")
    page.locator("label", has_text="Root spans").click()

    field = page.get_by_role("combobox", name="Filter")
    field.fill("")
    field.type("mode")
    expect(page.get_by_role("option").first).to_contain_text("model")
    page.keyboard.press("Tab")
    expect(field).to_have_value("model:")
    field.fill("modle:gpt")
    expect(page.locator("#filter-problem")).to_contain_text("did you mean 'model'")
    expect(page.locator("#rule-echo mark")).to_have_text("modle")
    field.fill("model:gpt")
    expect(page.locator("#filter-problem")).not_to_contain_text("did you mean")

    page.get_by_role("button", name="Test rule").click()
    test = page.locator("#rule-test")
    expect(test).to_contain_text("Would be scored a day")
    expect(test.locator(".funnel b").first).to_have_text("40")
    page.get_by_label("Enabled").check()
    page.get_by_role("button", name="Create rule").click()
    expect(page.get_by_role("heading", name="Support answers")).to_be_visible()
    rule = Rule.objects.get()
    assert rule.at_work and rule.rate == 0.5

    counted(rule, seen=40, spans=40, filter=40, sampled=20, calls=20, completed=20)
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("heading", name="Last 7 days")).to_be_visible()
    expect(page.locator(".funnel")).to_contain_text("− 20 sampled out at 50 %")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("The rule is paused")).to_be_visible()

    page.get_by_role("button", name="Enable").click()
    stop_rule(Rule.objects.get(), "The provider refused the key.")
    page.goto(f"/p/{project.slug}/records/")
    expect(page.locator("#notices")).to_contain_text("is paused: The provider refused the key.")
    page.set_viewport_size(PHONE)
    page.goto(f"/p/{project.slug}/rules/{rule.slug}/")
    expect(page.locator("#notices")).to_contain_text("The provider refused the key.")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("link", name="Rule Support").or_(page.locator("#notices a")).first.click()
    expect(page.get_by_text("Paused by an error.")).to_be_visible()

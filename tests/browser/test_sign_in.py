"""Signing in, out, and choosing light or dark, in a real browser."""

from playwright.sync_api import Page, expect

from evalhub.models import Role
from tests import factories
from tests.browser.conftest import PHONE

WIDTH = "Math.max(document.documentElement.scrollWidth, document.querySelector('main').scrollWidth)"


def test_one_signs_in_and_out_with_the_keyboard_alone(page: Page, project):
    user = factories.member(project, Role.ADMIN, "ines")
    page.goto(f"/p/{project.slug}/settings/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type("secret")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.get_by_role("button", name="Your menu, ines").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_said_beside_the_form(page: Page, console, db):
    console.allow("422")
    factories.user("ines")
    page.goto("/sign-in")
    page.get_by_label("Username").fill("ines")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")


def test_light_and_dark_follow_the_system_until_one_chooses(page: Page, project, enter):
    ground = "getComputedStyle(document.querySelector('.main')).backgroundColor"
    enter(factories.member(project))
    page.emulate_media(color_scheme="light")
    page.goto("/")
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light and page.locator("html").get_attribute("data-theme") == "light"
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="System").click()
    assert page.evaluate(ground) == dark


def test_no_page_is_wider_than_a_phone(page: Page, project, enter):
    enter(factories.member(project, Role.ADMIN))
    page.set_viewport_size(PHONE)
    inside = [f"/p/{project.slug}/settings/{name}" for name in ("", "members/", "keys/", "audit/")]
    for path in ["/", "/profile", "/profile/password", *inside]:
        page.goto(path)
        assert page.evaluate(WIDTH) <= PHONE["width"], path
    page.goto(inside[2])
    page.get_by_label("Name").fill("checkout")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_text("copy the key now")).to_be_visible()
    assert page.evaluate(WIDTH) <= PHONE["width"]

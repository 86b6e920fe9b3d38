"""Members and keys in a real browser: HTMX swaps, questions before an act, toasts, copying, keys."""

from playwright.sync_api import Page, expect

from evalhub import apikeys
from evalhub.models import Role
from tests import factories


def test_a_key_is_made_copied_and_revoked(page: Page, project, enter, live_server):
    enter(factories.member(project, Role.ADMIN))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page.goto(f"/p/{project.slug}/settings/keys/")
    page.get_by_label("Name").fill("checkout")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("heading", name="checkout: copy the key now")).to_be_visible()
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    plain = page.evaluate("navigator.clipboard.readText()")
    assert apikeys.authenticate(f"Bearer {plain}").project == project

    page.reload()
    expect(page.get_by_text(plain)).to_have_count(0)
    page.get_by_role("button", name="Revoke checkout").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Revoke checkout?")
    question.get_by_role("button", name="Cancel").click()
    assert apikeys.authenticate(f"Bearer {plain}")
    page.get_by_role("button", name="Revoke checkout").click()
    question.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("checkout is revoked.")
    assert apikeys.authenticate(f"Bearer {plain}") is None


def test_a_refusal_is_swapped_in_beside_its_field(page: Page, project, enter, console):
    console.allow("422")
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/settings/members/")
    page.get_by_label("User name or e-mail").fill("nobody")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("There is no such user.")).to_be_visible()
    assert page.get_by_label("User name or e-mail").get_attribute("aria-invalid") == "true"


def test_a_server_that_fails_is_said_in_a_toast_that_stays(page: Page, project, enter, console):
    console.allow("500")
    member = factories.member(project, Role.VIEWER, "zoe")
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/settings/members/")
    page.route(f"**/members/{member.pk}/role", lambda route: route.fulfill(status=500, body="<h1>boom</h1>"))
    page.get_by_role("button", name="Change the role of zoe").click()
    expect(page.get_by_role("status")).to_contain_text("The server failed (500)")
    expect(page.get_by_text("zoe", exact=True)).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("status")).to_be_empty()


def test_a_server_that_is_gone_is_said_in_a_toast(page: Page, project, enter, console):
    console.allow("ERR_FAILED")
    console.allow("htmx:")  # it logs the events of its own that nobody handled
    factories.member(project, Role.VIEWER, "zoe")
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/settings/members/")
    page.route("**/role", lambda route: route.abort())
    page.get_by_role("button", name="Change the role of zoe").click()
    expect(page.get_by_role("status")).to_contain_text("The server cannot be reached")


def test_the_project_menu_is_fetched_when_it_opens(page: Page, project, enter):
    admin = factories.member(project, Role.ADMIN)
    second = factories.project("second-one")
    second.memberships.create(user=admin, role=Role.VIEWER)
    enter(admin)
    page.goto(f"/p/{project.slug}/settings/")
    expect(page.get_by_role("link", name="Second One")).to_have_count(0)
    page.get_by_role("button", name=project.name).click()
    expect(page.get_by_role("link", name="Second One")).to_be_visible()


def test_a_question_mark_lists_the_keys_but_not_while_one_types(page: Page, project, enter):
    enter(factories.user(is_staff=True))
    page.goto("/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys on this page")
    expect(dialog).to_contain_text("New project")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New project")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("")
    page.keyboard.type("why? n")
    expect(page.get_by_label("Name", exact=True)).to_have_value("why? n")


def test_the_focus_stays_where_the_keyboard_is(page: Page, project, enter, console):
    console.allow("422")
    factories.member(project, Role.VIEWER, "zoe")
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/settings/members/")
    page.get_by_label("Role of zoe", exact=True).select_option("Editor")
    page.get_by_role("button", name="Change the role of zoe").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("zoe is now editor.")
    expect(page.get_by_role("button", name="Change the role of zoe")).to_be_focused()
    page.get_by_label("User name or e-mail").fill("nobody")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.get_by_text("There is no such user.")).to_be_visible()
    expect(page.get_by_label("User name or e-mail")).to_be_focused()


def test_what_a_page_did_is_said_on_the_next_one(page: Page, project, enter):
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/settings/")
    page.get_by_label("Name", exact=True).fill("Help desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    expect(page.get_by_role("button", name="Help desk")).to_be_visible()

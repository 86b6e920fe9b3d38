"""Datasets and prompts in a real browser: a file becomes items, an item is edited by keys alone, a prompt finds its
variables while it is written."""

from playwright.sync_api import Page, expect

from evalhub.models import Role
from experiments.models import Dataset, PromptVersion
from tests import factories
from tests.browser.conftest import PHONE

FILE = "id,question,ideal\na,Where is it?,On its way.\nb,Can I return it?,Yes.\nc,Do you ship?,Yes.\n"


def test_a_file_becomes_a_dataset_whose_items_are_edited_by_keys(page: Page, transactional_db, enter, console):
    project = factories.project()
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/datasets/")
    page.keyboard.press("n")
    page.get_by_label("Name", exact=True).fill("Support")
    page.get_by_label("File with items").set_input_files(
        {"name": "cases.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    page.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_text("question: Where is it?")).to_be_visible()
    page.get_by_label("Key for question").fill("asked")
    page.get_by_label("Key for question").blur()
    expect(page.get_by_text("asked: Where is it?")).to_be_visible()
    page.get_by_label("What ideal is").select_option("id")
    expect(page.get_by_text("Two columns are mapped to id")).to_be_visible()
    page.get_by_label("What ideal is").select_option("expected")
    expect(page.get_by_text("asked: Where is it?")).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Revision 1 is made.")).to_be_visible()

    page.get_by_role("link", name="Show the items").click()
    expect(page.get_by_text("3 items", exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")  # the keys are known from then on
    for key in "jje":
        page.keyboard.press(key)
    expect(page.get_by_label("Inputs")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("{")
    page.keyboard.press("Control+Enter")
    console.allow("422")
    expect(page.get_by_text("This is not valid JSON")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type('{"asked": "May I return it?"}')
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("asked: May I return it?")).to_be_visible()
    expect(page.get_by_role("link", name="revision 2")).to_be_visible()
    expect(page.get_by_role("link", name="Edit b", exact=True)).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("Inputs")).to_be_focused()
    page.keyboard.press("Escape")  # leaves the field
    page.keyboard.press("Escape")  # leaves the form
    expect(page.get_by_role("link", name="Edit b", exact=True)).to_be_visible()

    page.keyboard.press("a")
    page.get_by_label("Inputs").fill('{"asked": "Is it new?"}')
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("asked: Is it new?")).to_be_visible()
    expect(page.get_by_text("4 items", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete a", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Where is it?")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("ship")
    expect(page.get_by_text("May I return it?")).to_be_hidden()
    page.get_by_label("Revision").select_option("1")
    expect(page.get_by_text("Revision 1 of 4")).to_be_visible()
    expect(page.get_by_role("link", name="Edit c", exact=True)).to_be_hidden()
    assert Dataset.objects.get().size == 3
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_prompt_finds_its_variables_while_it_is_written(page: Page, transactional_db, enter):
    project = factories.project()
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/prompts/new")
    page.get_by_label("Name", exact=True).fill("Answer")
    page.get_by_label("Message 1, system").fill("Be {{ tone }}.")
    page.get_by_label("Message 2, user").fill("{{ issue }}")
    expect(page.get_by_text("The variables tone and issue are missing.")).to_be_visible()
    page.get_by_label("Value of tone to try").fill("kind")
    expect(page.get_by_text("The variable issue is missing.")).to_be_visible()
    page.get_by_label("Value of issue to try").fill("It is late.")
    expect(page.get_by_text("Be kind.")).to_be_visible()
    expect(page.get_by_label("Value of issue to try")).to_be_focused()
    page.get_by_role("button", name="Add message").click()
    page.get_by_label("Message 3, assistant").fill("{{")
    expect(page.get_by_text("Message 3 (assistant): Line 1")).to_be_visible()
    page.get_by_role("button", name="Remove message 3").click()
    expect(page.get_by_text("Be kind.")).to_be_visible()
    page.get_by_role("button", name="Create prompt").click()
    page.get_by_role("button", name="Commit and deploy").click()
    expect(page.get_by_text("v1, deployed")).to_be_visible()
    assert PromptVersion.objects.get().deployed

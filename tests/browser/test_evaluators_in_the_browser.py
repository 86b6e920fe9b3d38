"""Setting up evaluators in a real browser: the form follows the type, the editor knows Tab, the test runs in place."""

from playwright.sync_api import Page, expect

from evalhub.models import Role
from records.models import ValueType
from scoring.models import Evaluator
from tests import factories

ADD = "/admin/scoring/evaluator/add/"


def editor_of(project):
    editor = factories.member(project, Role.EDITOR)
    editor.is_staff = True
    editor.save()
    return editor


def test_the_form_shows_what_the_type_needs_and_tests_it_before_it_is_saved(page: Page, project, enter):
    factories.metric(project, "brief", ValueType.BOOLEAN)
    factories.record(project, "q", "a short answer")
    enter(editor_of(project))
    page.goto(ADD)
    prompt, python, guidelines = (
        page.locator(f"[name={name}]") for name in ("evaluator_definition", "eval_code_snippet", "guidelines")
    )
    expect(prompt).to_be_visible()
    expect(python).to_be_hidden()
    page.locator("select[name=type]").select_option("human")
    expect(guidelines).to_be_visible()
    expect(prompt).to_be_hidden()
    expect(page.get_by_role("button", name="Test on recent records")).to_be_hidden()
    page.locator("select[name=type]").select_option("code")
    page.locator("select[name=builtin]").select_option("regex")
    expect(page.locator("[name=b_regex_pattern]")).to_be_visible()
    expect(page.locator("[name=b_length_unit]")).to_be_hidden()
    expect(python).to_be_hidden()
    page.locator("select[name=builtin]").select_option("")
    expect(python).to_be_visible()

    python.fill("")
    python.press_sequentially("def evaluate(output):\nreturn len(output) < 99")  # Enter after a colon indents
    expect(python).to_have_value("def evaluate(output):\n    return len(output) < 99")
    expect(page.locator(".editor-lines:visible > div")).to_have_count(2)
    python.press("Shift+Tab")
    expect(python).to_have_value("def evaluate(output):\nreturn len(output) < 99")
    python.press("Tab")
    python.press("Escape")
    python.press("Tab")
    expect(python).not_to_be_focused()
    python.fill("def evaluate(output):\n    return len(output) < 99")

    page.locator("select[name=metric]").select_option(label="Brief (brief, boolean)")
    page.get_by_role("button", name="Test on recent records").click()
    expect(page.locator(".trial")).to_contain_text("passes")
    page.get_by_text("Arguments it received").click()
    expect(page.locator(".trial")).to_contain_text("a short answer")
    assert not Evaluator.objects.exists()
    page.locator("[name=slug]").fill("brief")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Evaluator.objects.get().current.definition["eval_code_snippet"].endswith("< 99")


def test_a_metric_is_made_in_place(page: Page, project, enter):
    enter(editor_of(project))
    page.goto(ADD)
    page.get_by_role("link", name="Make a metric").press("Enter")
    popup = page.frame_locator("iframe.related-modal-frame")
    popup.locator("[name=name]").fill("Calm")
    popup.locator("[name=slug]").fill("calm")
    popup.locator("select[name=value_type]").select_option("boolean")
    expect(popup.locator("select[name=project] option:checked")).to_have_text(project.name)
    popup.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("select[name=metric] option:checked")).to_have_text("Calm")


def test_a_template_is_one_click(page: Page, project, enter):
    enter(editor_of(project))
    page.goto(ADD)
    page.get_by_role("link", name="Faithfulness").click()
    expect(page.locator("[name=slug]")).to_have_value("faithfulness")
    expect(page.locator("[name=evaluator_definition]")).to_be_visible()
    assert "{{ output }}" in page.locator("[name=evaluator_definition]").input_value()

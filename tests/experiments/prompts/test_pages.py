"""Prompts: written, tried, committed, deployed and rolled back, by page and by service."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from evalhub.models import AuditEvent, Role
from experiments.datasets.drafts import read_draft
from experiments.datasets.making import create_dataset
from experiments.datasets.revisions import put_items
from experiments.models import Prompt, PromptState
from experiments.prompts.versions import commit, create_prompt, deploy, new_version, save_draft
from scoring.models import Provider
from tests import factories

HTMX = {"HX-Request": "true"}
MESSAGES = [{"role": "system", "content": "Be {{ tone }}."}, {"role": "user", "content": "{{ name }}: {{ issue }}"}]


@pytest.fixture
def provider(project):
    return Provider.objects.create(project=project, name="Local", model_names=["small"])


@pytest.fixture
def prompt(project, provider):
    return create_prompt(
        project, "ada", name="Answer", messages=MESSAGES, provider_id=provider.pk, model="small",
        parameters={"temperature": 0.2},
    )  # fmt: skip


@pytest.fixture
def editor(client, project):
    client.force_login(factories.member(project, Role.EDITOR, "ed"))
    return client


def at(name, project, *args):
    return reverse(f"experiments:{name}", args=[project.slug, *args])


def states(prompt):
    found = prompt.versions.order_by("number").values_list("number", "state", "deployed")
    return [f"{number} {state}{' deployed' if deployed else ''}" for number, state, deployed in found]


def version(prompt, number):
    return prompt.versions.get(number=number)


FORM = {
    "role": ["system", "user"], "content": ["Be brief.", "{{ question }}"], "provider_id": "", "model": "small",
    "temperature": "0.5", "extra": '{"stop": ["END"]}', "variable": ["question"], "type.question": "text",
    "required.question": "on", "default.question": "",
}  # fmt: skip


def test_making_version_2_commits_version_1(prompt):
    assert states(prompt) == ["1 draft"]
    new_version(prompt, "ada", messages=[{"role": "user", "content": "{{ other }}"}])
    assert states(prompt) == ["1 committed", "2 draft"]
    two = version(prompt, 2)
    assert [v["name"] for v in two.variables] == ["other"] and two.model == "small"  # what is not said stays
    deploy(version(prompt, 1), "ada")
    assert states(prompt) == ["1 committed deployed", "2 draft"]


def test_a_committed_version_never_changes(prompt):
    commit(version(prompt, 1), "ada")
    save_draft(prompt, "bob", model="large")
    assert states(prompt) == ["1 committed", "2 draft"]
    assert (version(prompt, 1).model, version(prompt, 2).model) == ("small", "large")
    save_draft(prompt, "bob", model="larger")
    assert states(prompt) == ["1 committed", "2 draft"] and version(prompt, 2).model == "larger"


def test_one_version_is_deployed_and_to_roll_back_is_to_deploy_an_older_one(prompt):
    with pytest.raises(ValidationError, match="commit it first"):
        deploy(version(prompt, 1), "ada")
    for number in (1, 2):
        commit(version(prompt, number), "ada")
        deploy(version(prompt, number), "ada")
        if number == 1:
            save_draft(prompt, "ada", model="large")
    assert states(prompt) == ["1 committed", "2 committed deployed"]
    deploy(version(prompt, 1), "ada")
    assert states(prompt) == ["1 committed deployed", "2 committed"]
    told = AuditEvent.objects.filter(action="prompt.deploy").order_by("id").values_list("detail", flat=True)
    assert [(one["number"], one["instead_of"]) for one in told] == [(1, None), (2, 1), (1, 2)]


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages.0.role", "system"),
        ({"messages": [{"role": "user", "content": "{{ a"}]}, "messages", "Message 1 (user): Line 1"),
        ({"parameters": {"temperature": 9}}, "parameters", "temperature: "),
        ({"parameters": {"model": "x"}}, "parameters", "EvalHub itself says model"),
        ({"response_format": {"type": 7}}, "response_format", "no JSON schema"),
        ({"provider_id": 0}, "provider_id", "no such provider"),
        ({"variables": [{"name": "issue", "type": "number", "default": "x"}]}, "variables", "default of issue"),
        ({"model": "\0"}, "model", "NUL"),
    ],
)
def test_a_wrong_version_is_refused_by_field(prompt, content, field, says):
    with pytest.raises(ValidationError) as caught:
        save_draft(prompt, "ada", **content)
    assert says in " ".join(caught.value.message_dict[field])
    assert states(prompt) == ["1 draft"]


def test_what_is_told_of_a_variable_is_kept_and_what_no_template_uses_is_dropped(prompt):
    told = [{"name": "tone", "required": False, "default": "kind"}, {"name": "gone"}]
    saved = save_draft(prompt, "ada", variables=told)
    assert saved.variables == [
        {"name": "tone", "type": "any", "required": False, "default": "kind"},
        {"name": "name", "type": "any", "required": True, "default": None},
        {"name": "issue", "type": "any", "required": True, "default": None},
    ]


def test_a_prompt_is_written_on_its_page(editor, project):
    assert editor.get(at("prompt-new", project)).status_code == 200
    answer = editor.post(at("prompt-new", project), FORM | {"name": "Ask", "save": "1"})
    assert answer.status_code == 302, answer.content.decode()
    made = version(Prompt.objects.get(slug="ask"), 1)
    assert made.parameters == {"temperature": 0.5, "stop": ["END"]}
    assert made.variables == [{"name": "question", "type": "text", "required": True, "default": None}]
    page = editor.get(at("prompt", project, "ask")).content.decode()
    assert "{{ question }}" in page and "Commit and deploy" in page and "draft" in page


def test_adding_and_removing_a_message_saves_nothing_and_loses_nothing(editor, project, prompt):
    address = at("prompt-edit", project, "answer")
    added = editor.post(address, FORM | {"add": "1"}, headers=HTMX)
    page = added.content.decode()
    assert "<html" not in page and page.count('name="content"') == 3 and "Be brief." in page
    assert "messages-changed" in added["HX-Trigger-After-Settle"]
    left = editor.post(address, FORM | {"remove": "0"}).content.decode()  # without scripts: the whole page
    assert "<html" in left and left.count('name="content"') == 1 and "Be brief." not in left and "0.5" in left
    assert version(prompt, 1).messages == MESSAGES


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"content": ["a", "{{ b"]}, "Message 2 (user)"),
        ({"temperature": "hot"}, "Is to be a number"),
        ({"provider_id": "9" * 5000}, "Choose a provider"),
        ({"provider_id": "9" * 18}, "no such provider"),
        ({"temperature": "9"}, "less than or equal to 2"),
        ({"extra": "["}, "not valid JSON"),
        ({"extra": '{"stream": true}'}, "EvalHub itself says stream"),
        ({"response_format": "[1]"}, "valid dictionary"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_wrong_form_is_refused_and_nothing_typed_is_lost(editor, project, prompt, said, says):
    said = FORM | {"name": "Answer", "save": "1", "note": "keep me"} | said
    answer = editor.post(at("prompt-edit", project, "answer"), said)
    assert answer.status_code == 422
    assert says in answer.content.decode() and "keep me" in answer.content.decode()
    assert version(prompt, 1).messages == MESSAGES


def test_a_name_is_not_changed_by_a_form_that_is_refused(editor, project, prompt):
    said = FORM | {"name": "Renamed", "save": "1", "temperature": "9"}
    assert editor.post(at("prompt-edit", project, "answer"), said).status_code == 422
    assert Prompt.objects.get().name == "Answer"


@pytest.mark.parametrize("said", [{"remove": "9" * 5000}, {"try_dataset": "\0", "try": "1"}])
def test_a_form_that_was_changed_by_hand_does_no_harm(editor, project, said):
    assert editor.post(at("prompt-new", project), FORM | said).content.decode().count('name="content"') == 2
    assert editor.post(at("prompt-look", project), FORM | said).status_code == 200


def test_two_who_write_the_same_draft_do_not_overwrite_each_other(editor, project, prompt):
    seen = version(prompt, 1).changed_at.isoformat()
    save_draft(prompt, "bob", model="bobs")
    answer = editor.post(at("prompt-edit", project, "answer"), FORM | {"name": "Answer", "save": "1", "seen": seen})
    assert answer.status_code == 422 and "bob has changed this draft" in answer.content.decode()
    assert version(prompt, 1).model == "bobs"


def test_a_version_is_committed_deployed_compared_and_rolled_back(editor, project, prompt):
    editor.post(at("version-commit", project, "answer", 1), {"deploy": "1"})
    editor.post(at("prompt-edit", project, "answer"), FORM | {"name": "Renamed", "save": "1"})
    editor.post(at("version-commit", project, "answer", 2), {"deploy": "1"})
    assert states(prompt) == ["1 committed", "2 committed deployed"]
    assert Prompt.objects.get().name == "Renamed"
    page = editor.get(at("prompt", project, "answer") + "?version=2&against=1").content.decode()
    assert "- Be {{ tone }}." in page and "+ Be brief." in page and "temperature" in page
    old = editor.get(at("prompt", project, "answer") + "?version=1").content.decode()
    assert "Roll back to v1" in old and "Experiments run v2" in old
    editor.post(at("version-deploy", project, "answer", 1))
    assert states(prompt) == ["1 committed deployed", "2 committed"]
    assert editor.get(at("prompt", project, "answer") + "?version=7").status_code == 404


def test_the_preview_names_what_is_missing_and_warns_of_what_is_unknown(editor, project):
    look = at("prompt-look", project)
    said = FORM | {"variable": ["question", "old"], "type.old": "any", "value.old": "x"}
    missing = editor.post(f"{look}?part=filled", said).content.decode()
    assert "The variable question is missing." in missing
    filled = editor.post(f"{look}?part=filled", said | {"value.question": "<b>Why?</b>"}).content.decode()
    assert "&lt;b&gt;Why?&lt;/b&gt;" in filled
    assert "question" in editor.post(look, said).content.decode()
    assert (
        "Message 2 (user): Line 1"
        in editor.post(f"{look}?part=filled", FORM | {"content": ["", "{{"]}).content.decode()
    )
    number = FORM | {"type.question": "number", "value.question": "seven"}
    assert "is to be a number" in editor.post(f"{look}?part=filled", number).content.decode()


def test_the_preview_takes_the_values_of_a_datasets_first_item(editor, project):
    dataset = create_dataset(project, "ada", name="Cases")
    put_items(dataset, "ada", [(1, read_draft({"inputs": {"question": "Where?", "order": 7}}))], "x")
    found = editor.post(at("prompt-look", project), FORM | {"try_dataset": "cases", "try": "1"}).content.decode()
    assert ">Where?</textarea>" in found


def test_the_pages_cost_the_same_however_much_there_is(client, project, prompt, query_budget):
    client.force_login(factories.member(project, Role.VIEWER))
    for n in range(4):
        new_version(prompt, "ada", model=f"m{n}")
        create_prompt(project, "ada", name=f"Other {n}", messages=MESSAGES)
    with query_budget("prompt"):
        page = client.get(at("prompt", project, "answer")).content.decode()
    assert "v5, draft" in page and "Edit draft" not in page
    with query_budget("prompts"):
        assert b"Other 3" in client.get(at("prompts", project)).content


def test_an_archived_prompt_is_read_and_not_changed(editor, project, prompt):
    editor.post(at("prompt-archive", project, "answer"))
    assert editor.get(at("prompt-edit", project, "answer")).status_code == 403
    for name in ("version-commit", "version-deploy"):
        assert editor.post(at(name, project, "answer", 1), {"deploy": "1"}).status_code == 403
    assert b"Answer" in editor.get(at("prompts", project) + "?archived=1").content
    assert editor.get(at("prompt", project, "answer")).status_code == 200
    assert prompt.versions.get().state == PromptState.DRAFT

"""Datasets and prompts in the admin: for who edits the project, and for nobody else's project."""

import pytest

from evalhub.models import AuditEvent, Role
from experiments.datasets.making import create_dataset
from experiments.models import Dataset, Prompt
from experiments.prompts.versions import create_prompt
from tests import factories
from tests.scoring.admin.forms import staff

pytestmark = pytest.mark.django_db
DATASETS, PROMPTS = "/admin/experiments/dataset/", "/admin/experiments/prompt/"
NO_ROWS = {f"{name}-{count}_FORMS": "0" for name in ("revisions", "versions") for count in ("TOTAL", "INITIAL")}


@pytest.fixture
def editor(client, project):
    person = staff(project, Role.EDITOR)
    client.force_login(person)
    return client


def test_a_dataset_is_made_changed_and_archived(editor, project):
    sent = {"project": project.pk, "name": "Cases", "inputs_schema": '{"type": "object"}', **NO_ROWS}
    assert editor.post(f"{DATASETS}add/", sent).status_code == 302
    made = Dataset.objects.get(slug="cases")
    change = f"{DATASETS}{made.pk}/change/"
    refused = editor.post(change, sent | {"inputs_schema": '{"type": 7}'})
    assert "no JSON schema" in refused.content.decode()
    editor.post(change, sent | {"name": "Renamed", "inputs_schema": ""})
    made.refresh_from_db()
    assert (made.name, made.slug, made.inputs_schema) == ("Renamed", "cases", None)
    assert editor.get(change).status_code == 200 and b"Renamed" in editor.get(DATASETS).content
    editor.post(DATASETS, {"action": "archive", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert made.archived_at
    told = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(told) == ["dataset.create", "dataset.change", "dataset.archive"]


def test_a_prompt_is_made_with_its_first_version(editor, project):
    sent = {"project": project.pk, "name": "Ask", "system": "", "user": "{{ question", "model": "m", **NO_ROWS}
    assert "Message 1 (user)" in editor.post(f"{PROMPTS}add/", sent).content.decode()
    assert editor.post(f"{PROMPTS}add/", sent | {"user": "{{ question }}"}).status_code == 302
    made = Prompt.objects.get()
    assert made.versions.get().messages == [{"role": "user", "content": "{{ question }}"}]
    change = f"{PROMPTS}{made.pk}/change/"
    assert editor.get(change).status_code == 200 and b"Ask" in editor.get(PROMPTS).content
    editor.post(change, {"name": "Asks", "description": "d", **NO_ROWS})
    made.refresh_from_db()
    assert (made.name, made.description, made.versions.count()) == ("Asks", "d", 1)


def test_who_edits_another_project_sees_nothing_of_it(editor):
    other = factories.project()
    dataset = create_dataset(other, "eve", name="Hidden")
    prompt = create_prompt(other, "eve", name="Hidden", messages=[{"role": "user", "content": "x"}])
    for url, row in ((DATASETS, dataset), (PROMPTS, prompt)):
        assert b"Hidden" not in editor.get(url).content
        assert editor.get(f"{url}{row.pk}/change/").status_code == 302
    assert editor.post(f"{DATASETS}add/", {"project": other.pk, "name": "In", **NO_ROWS}).status_code == 200
    assert not Dataset.objects.filter(name="In").exists()

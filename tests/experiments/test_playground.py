"""The playground: what its form says becomes cells, their answers become records, and a column becomes a version."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.models import Role
from experiments.models import CellState, PlaygroundCell, PlaygroundRun, Prompt, PromptState
from experiments.playground import running
from records.models import Record, Source
from scoring.evaluators import archive_evaluator
from scoring.models import Evaluator
from tests import factories
from tests.experiments.running.begun import dataset, prompt, provider, questions
from tests.model_server import said, status
from tests.records.recount import recount
from tests.scoring.running import exact

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def rung(rung, monkeypatch):
    found: list[int] = []
    monkeypatch.setattr(running, "ring", found.append)
    return found


@pytest.fixture
def editor(client, project):
    client.force_login(factories.member(project, Role.EDITOR))
    return client


def form(its_provider, *contents: str, **more) -> dict:
    data = {"columns": str(len(contents)), "run": "1"}
    for number, content in enumerate(contents):
        column = {"role": "user", "content": content, "provider_id": str(its_provider.pk), "model": "m"}
        data |= {f"c{number}.{name}": value for name, value in column.items()}
    return data | more


def run_of(client, project, data: dict) -> PlaygroundRun:
    answer = client.post(reverse("experiments:playground-run", args=[project.slug]), data)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return PlaygroundRun.objects.get(pk=answer["Location"].partition("run=")[2])


def cells(run) -> list[PlaygroundCell]:
    return list(run.cells.order_by("row", "column"))


def test_each_row_is_put_to_each_column_and_becomes_a_record_that_is_scored(editor, project, server, rung):
    evaluator = exact(project, text="Answer")
    data = form(provider(project, server), "Q: {{ q }}", "Please: {{ q }}", rows="one\ntwo", evaluators=evaluator.slug)
    run = run_of(editor, project, data)
    assert rung == [run.pk] and [cell.state for cell in cells(run)] == [CellState.PENDING] * 4
    running.work(run.pk)
    run.refresh_from_db()
    assert [(cell.state, cell.output, cell.tokens) for cell in cells(run)] == [(CellState.DONE, "Answer.", 120)] * 4
    asked = sorted(request.body["messages"][0]["content"] for request in server.requests)
    assert asked == ["Please: one", "Please: two", "Q: one", "Q: two"]
    roots = Record.objects.filter(project=project, is_root=True)
    assert {(root.source, root.experiment, root.name) for root in roots} == {(Source.PLAYGROUND, "", "playground")}
    assert {root.id for root in roots} == {cell.record_id for cell in cells(run)}
    assert run.scored_by.completed == 4  # nobody need wait for the bulk queue
    assert run.finished_at and set(run.scored_by.ids) == {cell.record_id for cell in cells(run)}
    page = editor.get(reverse("experiments:playground", args=[project.slug]), {"run": run.pk}).content.decode()
    assert page.count("Answer.") == 4 and 'value="m"' in page and "one\ntwo" in page
    assert not any(recount(project.id).values())


def test_rows_come_from_a_dataset_and_a_loaded_version_names_its_prompt(editor, project, server, rung):
    its = prompt(project, provider(project, server))
    cases = dataset(project, *questions(3))
    url = reverse("experiments:playground-run", args=[project.slug])
    page = editor.post(url, {"columns": "1", "load": "0", "c0.source": "qa:1"}).content.decode()
    assert "Q: {{ question }}" in page and PlaygroundRun.objects.count() == 0
    version = its.versions.get()
    data = form(version.provider, "Q: {{ question }}", dataset=cases.slug, cases="2")
    run = run_of(editor, project, data | {"c0.prompt": "qa", "c0.version": "1"})
    running.work(run.pk)
    root = Record.objects.get(project=project, id=cells(run)[0].record_id)
    assert (root.prompt, root.prompt_version, root.case_id) == ("qa", 1, "case-1")
    changed = run_of(editor, project, data | {"c0.prompt": "qa", "c0.version": "1", "c0.content": "Q! {{ question }}"})
    assert (changed.columns[0]["prompt"], changed.columns[0]["version"]) == ("", None)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rows": ""}, "Give a value of q"),
        ({"rows": "{not json"}, "Row 1 is not JSON"),
        ({"c0.content": "{{ a }} {{ b }}"}, "the variables are a, b"),
        ({"c0.content": "{{ q"}, "Message 1 (user)"),
        ({"c0.content": " "}, "Write what the model is to be asked"),
        ({"c0.model": ""}, "Name a model"),
        ({"c0.provider_id": ""}, "Choose a provider"),
        ({"c0.temperature": "9"}, "less than or equal to 2"),
        ({"dataset": "nowhere"}, "no dataset"),
        ({"evaluators": "nobody"}, "nobody"),
    ],
)
def test_what_cannot_be_run_is_told_at_its_place_and_stores_nothing(editor, project, server, rung, changed, words):
    data = form(provider(project, server), "Q: {{ q }}", rows="one") | changed
    answer = editor.post(reverse("experiments:playground-run", args=[project.slug]), data)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not PlaygroundRun.objects.exists() and not rung


def test_an_error_stands_in_its_cell_and_can_be_tried_again(editor, project, server, rung):
    run = run_of(editor, project, form(provider(project, server), "Q: {{ q }}", rows="one"))
    server.answers.append(status(400))
    running.work(run.pk)
    (cell,) = cells(run)
    assert cell.state == CellState.ERRORED and cell.error and cell.record_id
    editor.post(reverse("experiments:playground-retry", args=[project.slug, run.pk]), {"cell": cell.pk})
    server.answers.append(said("Fine."))
    running.work(run.pk)
    (again,) = cells(run)
    assert (again.state, again.output) == (CellState.DONE, "Fine.") and again.record_id != cell.record_id
    assert running.retry(run) == 0


def test_a_worker_that_died_is_healed_and_nothing_is_answered_twice(editor, project, server, rung):
    run = run_of(editor, project, form(provider(project, server), "Q: {{ q }}", rows="one\ntwo"))
    first = cells(run)[0]
    lost = timezone.now() - timedelta(seconds=1)
    PlaygroundCell.objects.filter(pk=first.pk).update(state=CellState.RUNNING, lease_until=lost)
    rung.clear()
    running.heal()
    assert rung == [run.pk]
    running.work(run.pk)
    running.work(run.pk)
    assert [cell.state for cell in cells(run)] == [CellState.DONE] * 2 and len(server.requests) == 2
    assert Record.objects.filter(project=project, is_root=True).count() == 2


def test_a_cell_that_kills_every_worker_is_given_up_and_may_be_tried_again(editor, project, server, rung):
    run = run_of(editor, project, form(provider(project, server), "Q: {{ q }}", rows="one"))
    lost = timezone.now() - timedelta(hours=2)
    PlaygroundCell.objects.update(state=CellState.RUNNING, lease_until=lost)
    PlaygroundRun.objects.update(created_at=lost)
    rung.clear()
    running.heal()
    assert rung == [] and "died each time" in cells(run)[0].error
    run.refresh_from_db()
    assert run.finished_at and running.retry(run) == 1


def test_why_answers_are_not_scored_is_told(editor, project, server, rung):
    data = form(provider(project, server), "Q: {{ q }}", rows="one", evaluators=exact(project).slug)
    run = run_of(editor, project, data)
    archive_evaluator(Evaluator.objects.get(), "anna")
    running.work(run.pk)
    page = editor.get(reverse("experiments:playground-cells", args=[project.slug, run.pk])).content.decode()
    assert "The answers are not scored." in page and "archived" in page and "every 1s" not in page


@pytest.mark.parametrize("name", ["columns", "load", "drop"])
def test_numbers_beyond_all_measure_change_nothing(editor, project, server, name):
    data = form(provider(project, server), "Q: {{ q }}") | {name: "9" * 5000}
    del data["run"]
    answer = editor.post(reverse("experiments:playground-run", args=[project.slug]), data)
    assert answer.status_code == 200 and len(answer.context["asked"].columns) == 1


def test_the_buttons_change_the_form_and_nothing_else(editor, project, server):
    url, data = (
        reverse("experiments:playground-run", args=[project.slug]),
        form(provider(project, server), "Q: {{ q }}"),
    )
    del data["run"]
    two = editor.post(url, data | {"another": "1"}).context["asked"]
    assert [c.written.messages[0]["content"] for c in two.columns] == ["Q: {{ q }}"] * 2
    assert len(editor.post(url, data | {"c0.add": "1"}).context["asked"].columns[0].written.messages) == 2
    both = data | {"columns": "2", "c1.role": "user", "c1.content": "other", "drop": "0"}
    (left,) = editor.post(url, both).context["asked"].columns
    assert left.written.messages == [{"role": "user", "content": "other"}]
    assert not PlaygroundRun.objects.exists()


def test_a_column_is_saved_as_a_new_prompt_and_as_the_next_version(editor, project, server, rung):
    run = run_of(editor, project, form(provider(project, server), "Q: {{ q }}", rows="one"))
    url = reverse("experiments:playground-save", args=[project.slug, run.pk])
    editor.post(url, {"column": 0, "name": "Short answers"})
    made = Prompt.objects.get(project=project)
    assert (made.slug, made.versions.get().model) == ("short-answers", "m")
    editor.post(url, {"column": 0, "prompt": made.slug})
    states = list(made.versions.order_by("number").values_list("state", flat=True))
    assert states == [PromptState.COMMITTED, PromptState.DRAFT]
    assert editor.post(url, {"column": 7, "name": "x"}).status_code == 404


def test_answers_are_shown_as_text_and_the_fragment_ends_by_itself(editor, project, server, rung):
    run = run_of(editor, project, form(provider(project, server), "Q: {{ q }}", rows=HOSTILE))
    url = reverse("experiments:playground-cells", args=[project.slug, run.pk])
    assert 'hx-trigger="every 1s"' in editor.get(url).content.decode()
    server.answers.append(said(HOSTILE))
    running.work(run.pk)
    page = editor.get(url).content.decode()
    assert "every 1s" not in page and "<script" not in page and page.count("&lt;script") == 2


def test_reviewers_look_and_do_not_run(client, project, server, rung):
    client.force_login(factories.member(project, Role.REVIEWER))
    page = client.get(reverse("experiments:playground", args=[project.slug])).content.decode()
    assert 'name="run"' not in page and "Editors of the project run it" in page
    url = reverse("experiments:playground-run", args=[project.slug])
    assert client.post(url, form(provider(project, server), "x")).status_code == 403


def test_another_projects_run_is_not_there(editor, project, server, rung):
    run = run_of(editor, project, form(provider(project, server), "Q: {{ q }}", rows="one"))
    other = factories.project()
    factories.member(other, Role.EDITOR)
    PlaygroundRun.objects.filter(pk=run.pk).update(project=other)
    assert editor.get(reverse("experiments:playground-cells", args=[project.slug, run.pk])).status_code == 404
    assert editor.get(reverse("experiments:playground", args=[project.slug]), {"run": run.pk}).status_code == 404

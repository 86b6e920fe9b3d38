"""Evaluators in the admin: made, changed into versions, archived, by editors of their projects alone."""

import pytest

from evalhub.models import AuditEvent, Role
from records.models import Metric, ScoreSource, ValueType
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.models import Evaluator, EvaluatorVersion, Provider
from tests import factories
from tests.scoring.admin.forms import ADD, SNIPPET, code, errors, judge, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client, project):
    person = staff(project)
    client.force_login(person)
    return person


@pytest.fixture
def metric(project):
    return factories.metric(project, "brief", ValueType.BOOLEAN)


def change(evaluator: Evaluator) -> str:
    return f"/admin/scoring/evaluator/{evaluator.pk}/change/"


def test_an_editor_makes_a_code_evaluator(client, project, editor, metric):
    assert client.get(ADD).status_code == 200
    answer = client.post(ADD, code(project, metric, note="first"))
    assert answer.status_code == 302, errors(answer)
    evaluator = Evaluator.objects.get()
    assert (evaluator.project, evaluator.slug, evaluator.metric) == (project, "short", metric)
    assert evaluator.current.definition["eval_code_snippet"] == SNIPPET
    assert (evaluator.current.author, evaluator.current.note) == (editor.username, "first")
    assert list(AuditEvent.objects.values_list("action", "actor")) == [("evaluator.create", editor.username)]


def test_an_editor_makes_a_judge_and_its_form_shows_what_was_saved(client, project, editor, metric):
    provider = Provider.objects.create(project=project, name="Main", model_names=["m1", "m2"])
    sent = judge(project, metric, provider, temperature="0", extra='{"top_k": 5}', samples="3")
    assert client.post(ADD, sent).status_code == 302
    evaluator = Evaluator.objects.get()
    stored = evaluator.current.definition
    assert stored["evaluator_definition"] == "Is this polite?\n{{ output }}"
    assert stored["options"]["temperature"] == 0 and stored["options"]["extra"] == {"top_k": 5}
    assert (stored["provider_id"], stored["samples"], stored["combine"]) == (provider.pk, 3, "majority")
    page = client.get(change(evaluator))
    html = page.content.decode()
    assert "Is this polite?" in html and '<option value="m2">' in html
    form = page.context["adminform"].form
    again = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    again = {name: value for name, value in again.items() if value not in (None, "", [], {})}
    client.post(change(evaluator), again | {"extra": '{"top_k": 5}', "b_json_schema_schema": "{}"})
    assert EvaluatorVersion.objects.count() == 1, "the same again is no new version"


def test_people_and_built_in_ones_have_their_own_fields(client, project, editor, metric):
    sent = code(project, metric, type="human", guidelines="Look twice.", reviewers="2")
    assert client.post(ADD, sent).status_code == 302
    assert Evaluator.objects.get().current.definition == {"guidelines": "Look twice.", "reviewers": 2}
    sent = code(project, metric, slug="pattern", builtin="regex", b_regex_pattern="#\\d+", b_regex_value="output.text")
    assert client.post(ADD, sent).status_code == 302
    evaluator = Evaluator.objects.get(slug="pattern")
    assert evaluator.current.definition["settings"] == {
        "pattern": "#\\d+", "value": "output.text", "whole": False, "ignore_case": False, "absent": False,
    }  # fmt: skip
    html = client.get(change(evaluator)).content.decode()
    assert "#\\d+" in html and "output.text" in html


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"slug": "Bad Slug"}, "slug"),
        ({"slug": "latest"}, "slug"),
        ({"metric": None}, "metric"),
        ({"type": "llm"}, "provider"),
        ({"eval_code_snippet": "def evaluate(:"}, "eval_code_snippet"),
        ({"eval_code_snippet": "x = 1"}, "eval_code_snippet"),
        ({"builtin": "regex"}, "b_regex_pattern"),
        ({"builtin": "regex", "b_regex_pattern": "("}, "b_regex_pattern"),
        ({"builtin": "json_schema", "b_json_schema_schema": '{"type": "wrong"}'}, "b_json_schema_schema"),
        ({"builtin": "levenshtein"}, "metric"),
        ({"timeout": "0"}, "timeout"),
        ({"extra": "{"}, "extra"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_stored(client, project, editor, metric, sent, field):
    assert field in errors(client.post(ADD, code(project, metric, **sent)))
    assert not Evaluator.objects.exists() and not AuditEvent.objects.exists()


def test_a_wrong_template_is_said_at_the_prompt(client, project, editor, metric):
    provider = Provider.objects.create(project=project, name="Main")
    sent = judge(project, metric, provider, evaluator_definition="a\n{{ question }}", temperature="7")
    assert "temperature" in errors(client.post(ADD, sent))
    found = errors(client.post(ADD, sent | {"temperature": ""}))
    assert "Line 2" in found["evaluator_definition"][0]


def test_once_there_is_a_score_type_slug_and_metric_cannot_be_chosen(client, project, editor, metric):
    client.post(ADD, code(project, metric))
    evaluator = Evaluator.objects.get()
    value = read_value(metric, {"boolean_value": True})
    record = factories.record(project)
    add_scores(project.id, [NewScore(record.id, metric, value, ScoreSource.CODE, evaluator="short")])
    sent = code(project, metric, slug="other", type="human", name="Renamed", timeout="2", note="slower")
    assert client.post(change(evaluator), sent).status_code == 302
    evaluator.refresh_from_db()
    assert (evaluator.slug, evaluator.type, evaluator.name) == ("short", "code", "Renamed")
    assert (evaluator.current.number, evaluator.current.note) == (2, "slower")
    form = client.get(change(evaluator)).context["adminform"].form
    assert all(form.fields[name].disabled for name in ("slug", "type", "metric"))


def test_starting_from_a_template_fills_the_form_and_makes_its_metric(client, project, editor):
    provider = Provider.objects.create(project=project, name="Main")
    page = client.get(f"{ADD}?template=factuality")
    form = page.context["adminform"].form
    first = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    assert first["type"] == "llm" and "{{ expected }}" in first["evaluator_definition"]
    sent = {name: value for name, value in first.items() if value not in (None, "", [], {})}
    sent |= {"provider": provider.pk, "model": "m", "extra": "{}", "b_json_schema_schema": "{}"}
    answer = client.post(f"{ADD}?template=factuality", sent)
    assert answer.status_code == 302, errors(answer)
    evaluator = Evaluator.objects.get()
    assert (evaluator.slug, evaluator.metric.slug, evaluator.metric.value_type) == (
        "factuality", "factuality", "categorical",
    )  # fmt: skip
    assert Metric.objects.get(slug="factuality").primary_evaluator == "factuality"
    assert client.get(f"{ADD}?builtin=regex").context["adminform"].form.initial["builtin"] == "regex"
    assert client.get(f"{ADD}?template=nope").status_code == 200


def test_archiving_is_a_post_and_deleting_is_not_offered(client, project, editor, metric):
    client.post(ADD, code(project, metric))
    evaluator = Evaluator.objects.get()
    url = f"/admin/scoring/evaluator/{evaluator.pk}/archive/"
    assert client.get(url).status_code == 405
    client.post(url)
    evaluator.refresh_from_db()
    assert evaluator.archived_at
    client.post("/admin/scoring/evaluator/", {"action": "restore", "_selected_action": [evaluator.pk]})
    evaluator.refresh_from_db()
    assert not evaluator.archived_at
    assert client.post(f"/admin/scoring/evaluator/{evaluator.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_versions_show_who_changed_what_and_an_old_one_is_taken_up_again(client, project, editor, metric):
    client.post(ADD, code(project, metric))
    evaluator = Evaluator.objects.get()
    client.post(change(evaluator), code(project, metric, eval_code_snippet=SNIPPET.replace("9", "12"), note="Longer."))
    html = client.get(f"/admin/scoring/evaluator/{evaluator.pk}/versions/").content.decode()
    assert "Longer." in html and editor.username in html
    assert "-     return len(output) &lt; 9" in html and "+     return len(output) &lt; 12" in html
    take_up = f"/admin/scoring/evaluator/{evaluator.pk}/versions/1/take-up/"
    assert client.get(take_up).status_code == 405
    assert client.post(take_up).status_code == 302
    evaluator.refresh_from_db()
    assert evaluator.current.number == 3 and evaluator.current.definition["eval_code_snippet"] == SNIPPET
    assert client.post(take_up.replace("/1/", "/9/")).status_code == 404


def test_nobody_but_an_editor_of_the_project_reaches_an_evaluator(client, project, metric):
    owner = staff(project)
    client.force_login(owner)
    client.post(ADD, code(project, metric))
    evaluator = Evaluator.objects.get()
    base = f"/admin/scoring/evaluator/{evaluator.pk}"
    gets = [f"{base}/change/", f"{base}/history/", f"{base}/versions/"]
    posts = [f"{base}/change/", f"{base}/archive/", f"{base}/versions/1/take-up/"]
    outsider = staff(factories.project())  # an editor, but elsewhere
    people = {
        staff(project, Role.VIEWER): 403, staff(project, Role.REVIEWER): 403, outsider: 404,
        factories.member(project, Role.ADMIN): 302,  # not staff: to the sign-in page
    }  # fmt: skip
    for person, status in people.items():
        client.force_login(person)
        for url in gets:
            allowed = {status, 302} if url.endswith(("change/", "history/")) else {status}
            assert client.get(url).status_code in allowed, (person, url)
        for url in posts:
            allowed = {status, 302} if url.endswith("change/") else {status}
            assert client.post(url, code(project, metric, timeout="3")).status_code in allowed, (person, url)
        tried = client.post("/admin/scoring/evaluator/try/", code(project, metric, try_object_id=evaluator.pk))
        assert tried.status_code == status, person
    client.force_login(outsider)
    assert client.get("/admin/scoring/evaluator/").context["cl"].result_list.count() == 0
    assert "metric" in errors(client.post(ADD, code(outsider.projects.get(), metric)))
    assert "project" in errors(client.post(ADD, code(project, metric, slug="mine")))
    evaluator.refresh_from_db()
    assert evaluator.current.number == 1 and not evaluator.archived_at and Evaluator.objects.count() == 1
    client.force_login(staff(project, Role.ADMIN))
    assert client.get(f"{base}/change/").status_code == 200


def test_a_form_offers_nothing_of_other_projects(client, project, editor, metric):
    other = factories.project("elsewhere")
    factories.metric(other, "their_metric", ValueType.BOOLEAN)
    theirs = Provider.objects.create(project=other, name="Their provider", model_names=["their-model"])
    Provider.objects.create(name="Shared provider", model_names=["shared-model"])
    html = client.get(ADD).content.decode()
    assert "Shared provider" in html and "shared-model" in html and "brief" in html
    for word in ("their_metric", "Their provider", "their-model", "Elsewhere"):
        assert word not in html
    assert "provider" in errors(client.post(ADD, judge(project, metric, theirs)))


def test_a_built_in_evaluator_makes_a_metric_of_what_it_gives(client, project, editor):
    factories.metric(project, "length")
    sent = code(project, None, slug="long", builtin="length", b_length_at_most="9", b_length_unit="words")
    assert client.post(ADD, sent).status_code == 302
    assert Metric.objects.get(slug="length_2").value_type == "boolean"
    sent = code(project, None, slug="fast", builtin="latency")
    assert client.post(ADD, sent).status_code == 302
    made = Metric.objects.get(slug="latency")
    assert (made.value_type, made.min_score, made.max_score, made.direction) == ("numerical", 0, None, "lower")
    assert "b_regex_pattern" in errors(client.post(ADD, code(project, None, slug="x", builtin="regex")))
    assert not Metric.objects.filter(slug="regex").exists()


def test_a_template_leaves_a_metric_of_the_same_slug_and_another_kind_alone(client, project, editor):
    theirs = factories.metric(project, "factuality", ValueType.NUMERICAL)
    form = client.get(f"{ADD}?template=factuality").context["adminform"].form
    assert form.initial["metric"] is None
    provider = Provider.objects.create(project=project, name="Main")
    template = {"template": "factuality", "metric": None, "slug": "factuality"}
    assert client.post(ADD, judge(project, None, provider, **template)).status_code == 302
    made = Evaluator.objects.get().metric
    assert (made.slug, made.value_type) == ("factuality_2", "categorical") and made != theirs

"""Testing an unsaved evaluator from its form: on recent records, on those of a filter, on values typed in."""

import pytest

from evalhub.models import AuditEvent
from records.models import Score, ValueType
from scoring.models import Evaluator, EvaluatorVersion
from tests import factories
from tests.records.recount import rebuild
from tests.scoring.admin.forms import ADD, code, staff

pytestmark = pytest.mark.django_db
TRY = "/admin/scoring/evaluator/try/"


@pytest.fixture
def metric(client, project):
    client.force_login(staff(project))
    return factories.metric(project, "brief", ValueType.BOOLEAN)


def tried(client, sent, **more):
    answer = client.post(
        TRY,
        {"try-records": "5", "try-q": ""} | sent | {f"try-{name}": value for name, value in more.items()},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    return answer


def trials(answer):
    assert not answer.context.get("problems"), answer.context["problems"]
    return answer.context["trials"]


def test_code_that_is_not_saved_runs_on_the_newest_records_and_stores_nothing(client, project, metric):
    records = [factories.record(project, "q", text) for text in ("short", "a good deal longer", None)]
    answer = tried(client, code(project, metric, slug="", name=""))
    found = {trial.row.record_id: trial for trial in trials(answer)}
    assert [found[record.id].said for record in records] == ["true", "false", "errored"]
    assert found[records[0].id].value.passed is True and found[records[1].id].value.passed is False
    assert "line 2" in found[records[2].id].verdict.error
    html = answer.content.decode()
    assert "Arguments it received" in html and "a good deal longer" in html and "<html" not in html
    for model in (Evaluator, EvaluatorVersion, Score, AuditEvent):
        assert not model.objects.exists(), model


def test_the_number_and_a_filter_choose_the_records(client, project, metric):
    for n in range(4):
        factories.record(project, "q", f"answer {n}", environment="prod" if n % 2 else "test")
    rebuild(project.id)
    assert len(trials(tried(client, code(project, metric), records="2"))) == 2
    found = trials(tried(client, code(project, metric), q="environment:prod"))
    assert [trial.arguments["output"] for trial in found] == ["answer 3", "answer 1"]
    assert "That match" in tried(client, code(project, metric), q="nope:1").context["problems"][0]
    assert "No record" in tried(client, code(project, metric), q="environment:none").context["problems"][0]
    for wrong in ("0", "21", "x"):
        assert b"Newest records" in tried(client, code(project, metric), records=wrong).content


def test_values_typed_in_stand_before_records(client, project, metric):
    factories.record(project, "q", "a record")
    sent = code(project, metric, builtin="exact_match")
    (trial,) = trials(tried(client, sent, output='{"a": 1}', expected='{"a": 1}'))
    assert trial.row.record_id is None and trial.said == "true"
    assert trial.arguments == {"output": {"a": 1}, "expected": {"a": 1}}
    (trial,) = trials(tried(client, sent, output="plain text"))
    assert trial.said == "skipped" and "no expected" in trial.verdict.reasoning


def test_what_a_record_holds_is_shown_as_text(client, project, metric):
    factories.record(project, "q", "<script>alert(1)</script>")
    html = tried(client, code(project, metric)).content.decode()
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"eval_code_snippet": "x = 1"}, "Python: It needs a function"),
        ({"metric": None}, "Choose a metric first"),
        ({"type": "human"}, "People score by hand"),
        ({"type": "llm", "evaluator_definition": "{{ output }}", "model": "m"}, "Provider: Is missing"),
        ({"builtin": "regex"}, "Pattern: Is missing"),
    ],
)
def test_what_cannot_be_run_says_why(client, project, metric, sent, says):
    factories.record(project, "q", "a")
    assert any(says in problem for problem in tried(client, code(project, metric, **sent)).context["problems"])


def test_a_saved_evaluator_is_tried_as_its_form_says_now(client, project, metric):
    factories.record(project, "q", "a good deal longer")
    client.post(ADD, code(project, metric))
    evaluator = Evaluator.objects.get()
    sent = code(project, metric, try_object_id=evaluator.pk, eval_code_snippet="def evaluate():\n    return True")
    del sent["project"]
    (trial,) = trials(tried(client, sent))
    assert trial.said == "true" and trial.arguments == {}
    assert evaluator.versions.count() == 1


def test_records_of_other_projects_are_never_tried_on(client, project, metric):
    factories.record(factories.project(), "q", "theirs")
    assert "No record" in tried(client, code(project, metric)).context["problems"][0]


def test_without_javascript_it_is_a_page(client, project, metric):
    factories.record(project, "q", "a")
    answer = client.post(TRY, code(project, metric) | {"try-records": "5", "try-q": ""})
    assert b"<html" in answer.content and b"Arguments it received" in answer.content
    assert client.get(TRY).status_code == 405

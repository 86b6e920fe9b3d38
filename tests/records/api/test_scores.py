"""Scores through the API: typed by their metric, never overwritten."""

import random
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evalhub.models import AuditEvent, Scope
from records.api.schemas import ScoreOut
from records.models import Rank, Record, Score, ScoreSource, ScoreStatus, ValueType
from records.scores import NewScore, Task, add_scores, plan_scores
from records.values import read_value
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(project):
    return factories.record(project, inputs="q", outputs="a", external_id="mine")


@pytest.fixture
def metrics(project):
    return {
        "accuracy": factories.metric(project, "accuracy"),
        "safe": factories.metric(project, "safe", ValueType.BOOLEAN),
        "tone": factories.metric(
            project, "tone", ValueType.CATEGORICAL, several=True, passing_choices=["kind"],
            categorical_choices=[{"value": v, "number": None, "archived": False} for v in ("kind", "rude")],
        ),
        "note": factories.metric(project, "note", ValueType.COMMENT),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "field", "value", "passed"),
    [
        ("accuracy", "numerical_value", 0.75, True),
        ("safe", "boolean_value", False, False),
        ("tone", "categorical_value", ["kind"], True),
        ("note", "string_value", "Good.", None),
    ],
)
def test_each_type_of_metric_takes_its_own_field(project, record, metrics, metric, field, value, passed):
    sent = {"metric": metric, field: value, "reasoning": "Because."}
    answer = call(key(project), "POST", f"/records/{record.id}/scores", sent)
    assert answer.status == 201, answer.body
    assert ScoreOut.model_validate(answer.body).record == record.id
    said = {name: answer.body[name] for name in (field, "passed", "source", "scorer", "reasoning", "is_current")}
    assert said == {
        field: value, "passed": passed, "source": "api", "scorer": "ci", "reasoning": "Because.", "is_current": True,
    }  # fmt: skip
    assert Record.objects.get(project=project, id=record.id).status == 2


@pytest.mark.parametrize(
    ("sent", "path", "words"),
    [
        ({"metric": "accuracy", "boolean_value": True}, "boolean_value", "use numerical_value"),
        ({"metric": "accuracy"}, "numerical_value", "needs numerical_value"),
        ({"metric": "accuracy", "numerical_value": 2}, "numerical_value", "between 0 and 1"),
        ({"metric": "accuracy", "numerical_value": "1"}, "numerical_value", "number"),
        ({"metric": "tone", "categorical_value": ["blue"]}, "categorical_value", "not a choice"),
        ({"metric": "accurcy", "numerical_value": 1}, "metric", "accurcy"),
        ({"metric": "accuracy", "numerical_value": 1, "passed": True}, "passed", ""),
        ({"numerical_value": 1}, "metric", ""),
        ({"metric": "accuracy", "numerical_value": 1, "id": "\U0001f600" * 401}, "id", "1,600 bytes"),
        ({"metric": "accuracy", "numerical_value": 1, "scorer": 5}, "scorer", "string"),
        ({"metric": "accuracy", "numerical_value": 1, "reasoning": "r" * 10_001}, "reasoning", "10000"),
        ({"metric": "note", "string_value": "a\0"}, "string_value", "NUL"),
        ("good", "", ""),
    ],
)
def test_a_wrong_score_is_refused_and_the_right_field_named(project, record, metrics, sent, path, words):
    answer = call(key(project), "POST", f"/records/{record.id}/scores", sent)
    assert answer.status == 400
    assert words.lower() in answer.fields[path].lower()
    assert not Score.objects.exists()


def test_the_longest_id_of_a_score_is_stored(project, record, metrics):
    rng = random.Random(1)
    id = "".join(chr(rng.randint(0x10000, 0x1FFFF)) for _ in range(400))
    sent = {"metric": "safe", "boolean_value": True, "id": id, "scorer": id}
    assert call(key(project), "POST", f"/records/{record.id}/scores", sent).status == 201


def test_a_list_is_stored_wholly_or_not_at_all(project, record, metrics):
    k, path = key(project), f"/records/{record.id}/scores"
    good, bad = {"metric": "safe", "boolean_value": True}, {"metric": "safe", "string_value": "yes"}
    answer = call(k, "POST", path, [good, bad])
    assert (answer.status, list(answer.fields)) == (400, ["1.string_value"])
    assert not Score.objects.exists()
    answer = call(k, "POST", path, [good, {"metric": "accuracy", "numerical_value": 0.1}])
    assert [item["metric"] for item in answer.body["items"]] == ["safe", "accuracy"]


def test_the_same_id_again_is_a_harmless_repeat(project, record, metrics):
    k, path = key(project), f"/records/{record.id}/scores"
    sent = {"metric": "safe", "boolean_value": True, "id": "s-1"}
    first, again = call(k, "POST", path, sent), call(k, "POST", path, sent)
    assert first.body["id"] == again.body["id"]
    assert Score.objects.count() == 1


def test_a_records_scores_can_be_posted_by_the_senders_own_record_id(project, record, metrics):
    answer = call(key(project), "POST", "/records/mine/scores", {"metric": "safe", "boolean_value": True})
    assert answer.body["record"] == str(record.id)


def test_the_history_is_listed_newest_first_in_pages_that_stand_still(project, record, metrics):
    k, path = key(project), f"/records/{record.id}/scores"
    posted = [call(k, "POST", path, {"metric": "safe", "boolean_value": True}).body["id"] for _ in range(5)]
    first = call(k, "GET", f"{path}?limit=2").body
    newer = call(k, "POST", path, {"metric": "safe", "boolean_value": False}).body["id"]
    second = call(k, "GET", f"{path}?limit=2&cursor={first['next_cursor']}").body
    third = call(k, "GET", f"{path}?limit=2&cursor={second['next_cursor']}").body
    seen = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert seen == posted[::-1]
    assert third["next_cursor"] is None
    for made_up in ("x", "WzVd", "W1tdXQ"):  # the last two: [5] and [[]]
        assert call(k, "GET", f"{path}?cursor={made_up}").error["code"] == "invalid_cursor"
    assert [i["id"] for i in call(k, "GET", path).body["items"] if i["is_current"]] == [newer]


def test_a_correction_is_a_new_score_that_counts_and_the_old_one_stays(project, record, metrics):
    k = key(project)
    (old,) = add_scores(project.id, [
        NewScore(record.id, metrics["accuracy"], read_value(metrics["accuracy"], {"numerical_value": 0.1}),
                 ScoreSource.HUMAN, sender="ann", reasoning="Wrong."),
    ])  # fmt: skip
    assert Score.objects.get(id=old).rank == Rank.HUMAN
    answer = call(k, "PATCH", f"/scores/{old}", {"numerical_value": 0.9})
    assert answer.status == 201
    assert (answer.body["numerical_value"], answer.body["passed"], answer.body["reasoning"]) == (0.9, True, "Wrong.")
    assert answer.body["is_current"]
    kept = call(k, "GET", f"/scores/{old}").body
    assert (kept["numerical_value"], kept["is_current"]) == (0.1, False)
    comment = call(k, "PATCH", f"/scores/{answer.body['id']}", {"reasoning": "On second thought."}).body
    assert (comment["numerical_value"], comment["reasoning"]) == (0.9, "On second thought.")
    wrong = call(k, "PATCH", f"/scores/{old}", {"boolean_value": True})
    assert "use numerical_value" in wrong.fields["boolean_value"]


def test_a_pending_score_cannot_be_corrected(project, record, metrics):
    plan_scores(project.id, [record.id], [Task(metrics["safe"].id, "run:1:1:1", ScoreSource.LLM)])
    pending = Score.objects.get(status=ScoreStatus.PENDING)
    assert call(key(project), "PATCH", f"/scores/{pending.id}", {"boolean_value": True}).status == 409


def test_an_archived_metric_takes_no_scores_and_no_corrections(project, record, metrics):
    k, sent = key(project), {"metric": "safe", "boolean_value": True}
    score = call(k, "POST", "/records/mine/scores", sent).body["id"]
    call(k, "DELETE", "/metrics/safe")
    for answer in (call(k, "POST", "/records/mine/scores", sent), call(k, "PATCH", f"/scores/{score}", {})):
        assert (answer.status, list(answer.fields)) == (400, ["metric"])
        assert "archived" in answer.fields["metric"]
    posted = call(k, "POST", "/records", {"scores": [sent]})
    assert list(posted.fields) == ["scores.0.metric"]


def test_deleting_a_score_brings_the_one_before_back(project, record, metrics):
    k, path = key(project), f"/records/{record.id}/scores"
    first, second = (call(k, "POST", path, {"metric": "safe", "boolean_value": v}).body["id"] for v in (True, False))
    assert call(k, "DELETE", f"/scores/{second}").status == 204
    assert call(k, "GET", f"/scores/{second}").status == 404
    assert call(k, "GET", f"/scores/{first}").body["is_current"]
    assert AuditEvent.objects.filter(action="score.delete", target=second).count() == 1


def test_another_projects_scores_do_not_exist(project, record, metrics):
    answer = call(key(project), "POST", "/records/mine/scores", {"metric": "safe", "boolean_value": True})
    outsider = factories.project()
    factories.metric(outsider, "safe", ValueType.BOOLEAN)
    k = key(outsider)
    score = answer.body["id"]
    for method, path in (
        ("GET", f"/records/{record.id}/scores"), ("GET", "/records/mine/scores"),
        ("POST", f"/records/{record.id}/scores"), ("GET", f"/scores/{score}"), ("PATCH", f"/scores/{score}"),
        ("DELETE", f"/scores/{score}"), ("GET", f"/scores/{uuid4()}"),
    ):  # fmt: skip
        body = {"metric": "safe", "boolean_value": True} if method == "POST" else {} if method == "PATCH" else None
        assert call(k, method, path, body).status == 404, (method, path)
    assert Score.objects.filter(id=UUID(score), boolean_value=True).count() == Score.objects.count() == 1


def test_each_call_needs_its_scope(project, record, metrics):
    score = call(key(project), "POST", "/records/mine/scores", {"metric": "safe", "boolean_value": True}).body["id"]
    calls = {
        ("GET", "/records/mine/scores"): {Scope.READ},
        ("GET", f"/scores/{score}"): {Scope.READ},
        ("POST", "/records/mine/scores"): {Scope.WRITE, Scope.INGEST},
        ("PATCH", f"/scores/{score}"): {Scope.WRITE},
        ("DELETE", f"/scores/{score}"): {Scope.ADMIN},
    }
    keys = {scope: key(project, scope, name=scope) for scope in Scope}
    bodies = {"POST": {"metric": "safe", "boolean_value": True}, "PATCH": {"boolean_value": True}}
    for (method, path), scopes in calls.items():
        for scope in Scope:
            answer = call(keys[scope], method, path, bodies.get(method))
            assert (answer.status != 403) == (scope in scopes), (method, path, scope)


def test_a_list_of_scores_asks_for_their_metrics_once(project, record, metrics):
    plain = key(project)
    sent = [{"metric": name, "numerical_value": 0.5} for name in ["accuracy"] * 50]
    asked = []
    for body in (sent[:1], sent[:1], sent):  # the first one also notes that the key is used
        with CaptureQueriesContext(connection) as queries:
            assert call(plain, "POST", f"/records/{record.id}/scores", body).status == 201
        asked.append(len(queries))
    assert asked[1] == asked[2]

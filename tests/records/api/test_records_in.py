"""POST /records: one, many, nested, again, and what is refused."""

import io
import json
import random
from uuid import UUID

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from evalhub.models import Scope
from records.api.schemas import Posted, RecordIn
from records.json_drafts import NAMES
from records.models import Metric, ModelPrice, Payload, Record, RecordRollup, Score, ValueType
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db


def test_one_record_is_stored_with_what_it_said(project):
    answer = call(key(project), "POST", "/records", {
        "name": "answer", "input": {"question": "Why?"}, "output": "Because.", "expected_output": "So.",
        "latency": 1.25, "cost": 0.002, "tags": ["ci"], "model": "m-1", "tokens_in": 3, "tokens_out": 4,
        "metadata": {"tier": "gold"}, "release": "r-7",
    })  # fmt: skip
    assert answer.status == 200, answer.body
    posted = Posted.model_validate(answer.body)
    assert (posted.created, posted.updated, posted.refused) == (1, 0, [])
    record = Record.objects.get(project=project, id=posted.accepted[0].id)
    assert (record.name, record.latency_ms, float(record.cost), record.tags) == ("answer", 1250, 0.002, ["ci"])
    assert (record.metadata, record.created_by, record.tokens) == ({"tier": "gold", "release": "r-7"}, "ci", 7)
    payload = Payload.objects.get(project=project, record_id=record.id)
    assert (payload.inputs, payload.outputs, payload.expected) == ({"question": "Why?"}, "Because.", "So.")


@pytest.mark.parametrize("shape", [list, lambda items: {"records": list(items)}])
def test_a_list_goes_in_item_by_item_and_each_refusal_has_its_reasons(project, shape):
    items = [{"name": "a"}, {"name": "b", "latency": "x", "cost": -1}, "c", {"name": "d\0"}, {"id": "e"}]
    answer = call(key(project), "POST", "/records", shape(items))
    assert answer.status == 200
    assert [(a["index"], bool(UUID(a["id"]))) for a in answer.body["accepted"]] == [(0, True), (4, True)]
    assert answer.body["accepted"][1]["external_id"] == "e"
    refused = {r["index"]: {f["path"]: f["message"] for f in r["fields"]} for r in answer.body["refused"]}
    assert set(refused) == {1, 2, 3}
    assert set(refused[1]) == {"latency", "cost"}
    assert "NUL" in refused[3]["name"]
    assert set(Record.objects.values_list("name", flat=True)) == {"a", ""}


def test_when_nothing_is_accepted_the_answer_is_400_and_says_why(project):
    k = key(project)
    one = call(k, "POST", "/records", {"latency": "x"})
    assert (one.status, one.error["code"], list(one.fields)) == (400, "invalid", ["latency"])
    assert list(call(k, "POST", "/records", [{"latency": "x"}, 5]).fields) == ["0.latency", "1"]
    assert list(call(k, "POST", "/records", {"records": [{"latency": "x"}]}).fields) == ["records.0.latency"]
    assert call(k, "POST", "/records", "text").status == 400
    assert not Record.objects.exists()


def test_an_empty_list_is_stored_as_nothing(project):
    answer = call(key(project), "POST", "/records", [])
    assert (answer.status, answer.body["accepted"], answer.body["created"]) == (200, [], 0)


def test_the_senders_id_makes_a_repeat_harmless_and_a_later_piece_a_merge(project):
    k = key(project)
    item = {"id": "run-1", "input": "q", "metadata": {"a": 1}, "scores": [{"metric": "ok", "boolean_value": True}]}
    first, again = call(k, "POST", "/records", item), call(k, "POST", "/records", item)
    assert (again.body["created"], again.body["updated"]) == (0, 1)
    assert first.body["accepted"] == again.body["accepted"]
    call(k, "POST", "/records", {"id": "run-1", "output": "a", "metadata": {"b": 2}})
    record = Record.objects.get(project=project)
    assert record.metadata == {"a": 1, "b": 2}
    payload = Payload.objects.get(project=project)
    assert (payload.inputs, payload.outputs) == ("q", "a")
    assert Score.objects.count() == 1
    assert sum(RecordRollup.objects.filter(project=project).values_list("n", flat=True)) == 1


def test_the_same_id_in_two_projects_is_two_records(project):
    other = factories.project()
    for tenant in (project, other):
        assert call(key(tenant), "POST", "/records", {"id": "same"}).body["created"] == 1


def test_nested_spans_are_records_of_one_trace(project):
    answer = call(key(project), "POST", "/records", {
        "name": "agent", "spans": [{"name": "search", "spans": [{"name": "fetch"}]}, {"name": "answer"}],
    })  # fmt: skip
    (accepted,) = answer.body["accepted"]
    assert len(accepted["spans"]) == 3
    records = {r.name: r for r in Record.objects.filter(project=project)}
    assert {r.trace_id for r in records.values()} == {records["agent"].trace_id}
    assert [name for name, r in records.items() if r.is_root] == ["agent"]
    assert records["fetch"].parent_id == records["search"].span_id
    assert records["agent"].trace_spans == 4


def test_records_without_times_are_listed_in_the_order_they_were_sent(project):
    k = key(project)
    answer = call(k, "POST", "/records", [{"name": str(n)} for n in range(30)])
    assert answer.body["created"] == 30
    assert [i["name"] for i in call(k, "GET", "/records").body["items"]] == [str(n) for n in reversed(range(30))]


def test_more_than_a_thousand_records_and_spans_are_413(project):
    k = key(project)
    for body in ([{"name": "a"}] * 1001, [{"name": "a", "spans": [{"name": "b"}] * 500}] * 2):
        answer = call(k, "POST", "/records", body)
        assert (answer.status, answer.error["code"]) == (413, "too_large")
        assert "1,000" in answer.error["message"]
    assert not Record.objects.exists()


def test_scores_come_with_their_record_typed_by_their_metric(project):
    factories.metric(project, "accuracy")
    factories.metric(project, "tone", ValueType.CATEGORICAL, categorical_choices=[
        {"value": "kind", "number": None, "archived": False}])  # fmt: skip
    answer = call(key(project), "POST", "/records", {"output": "a", "spans": [{"name": "s", "scores": [
        {"metric": "accuracy", "numerical_value": 0.9, "reasoning": "Close."}]}],
        "scores": [{"metric": "tone", "categorical_value": ["kind"]}]})  # fmt: skip
    root, span = answer.body["accepted"][0]["id"], answer.body["accepted"][0]["spans"][0]
    found = {s.metric.slug: s for s in Score.objects.filter(project=project).select_related("metric")}
    assert (str(found["tone"].record_id), str(found["accuracy"].record_id)) == (root, span)
    assert (found["accuracy"].passed, found["accuracy"].reasoning, found["accuracy"].scorer) == (True, "Close.", "ci")


def test_a_wrong_score_refuses_its_record_and_names_the_right_field(project):
    factories.metric(project, "accuracy")
    answer = call(key(project), "POST", "/records", [
        {"name": "good"},
        {"name": "bad", "spans": [{"name": "s"}, {"scores": [{"metric": "accuracy", "boolean_value": True}]}]},
    ])  # fmt: skip
    (refused,) = answer.body["refused"]
    assert refused["index"] == 1
    assert refused["fields"][0]["path"] == "spans.1.scores.0.boolean_value"
    assert "use numerical_value" in refused["fields"][0]["message"]
    assert list(Record.objects.values_list("name", flat=True)) == ["good"]


def test_a_score_of_an_unknown_metric_makes_it_automatic(project):
    call(key(project), "POST", "/records", {"scores": [{"metric": "Answer Relevance", "numerical_value": 0.4}]})
    metric = Metric.objects.get(project=project)
    assert (metric.slug, metric.automatic, metric.value_type) == ("answer_relevance", True, "numerical")
    assert Score.objects.get(project=project).numerical_value == 0.4


def test_what_is_refused_leaves_no_metric_and_no_choice_behind(project):
    factories.metric(project, "accuracy")
    topic = {"metric": "topic", "categorical_value": ["billing"]}
    call(key(project), "POST", "/records", {"scores": [topic]})
    answer = call(key(project), "POST", "/records", [
        {"scores": [{"metric": "brand new", "numerical_value": 1}, {"metric": "accuracy", "numerical_value": 7}]},
        {"scores": [{"metric": "out of range", "numerical_value": 1e307}]},
        {"scores": [topic | {"categorical_value": ["refunds"]}], "latency": "soon"},
        {"scores": [topic | {"categorical_value": ["refunds", "refunds"]}]},
        {"scores": [{"metric": "brand new", "boolean_value": True}]},  # its type is free: the first was refused
    ])  # fmt: skip
    assert [refused["index"] for refused in answer.body["refused"]] == [0, 1, 2, 3]
    made = {metric.slug: metric for metric in Metric.objects.filter(project=project)}
    assert made.keys() == {"accuracy", "topic", "brand_new"}
    assert (made["brand_new"].value_type, made["brand_new"].name) == ("boolean", "brand new")
    assert [choice["value"] for choice in made["topic"].categorical_choices] == ["billing"]


def test_items_of_one_call_agree_on_the_metric_that_they_make(project):
    answer = call(key(project), "POST", "/records", [
        {"scores": [{"metric": "Is it on topic?", "boolean_value": True}]},
        {"scores": [{"metric": "is_it_on_topic", "numerical_value": 1}]},
    ])  # fmt: skip
    assert [refused["index"] for refused in answer.body["refused"]] == [1]
    assert "use boolean_value" in answer.body["refused"][0]["fields"][0]["message"]


def test_only_ingest_may_send_records(project):
    for scope in Scope:
        answer = call(key(project, scope, name=scope), "POST", "/records", {"name": "a"})
        assert (answer.status == 200) == (scope == Scope.INGEST)


@pytest.mark.parametrize("field", ["name", "id", "trace_id", "span_id", "experiment", "model", "environment", "thread"])
def test_one_line_texts_are_stored_at_their_longest_in_any_script(project, field):
    rng, k = random.Random(1), key(project)
    for low, high, most in ((0x21, 0x7E, 1000), (0x10000, 0x1FFFF, 400)):
        said = "".join(chr(rng.randint(low, high)) for _ in range(most))
        answer = call(k, "POST", "/records", {field: said, "span_id": said})
        assert answer.status == 200, answer.body
        refused = call(k, "POST", "/records", {field: said + said})
        assert list(refused.fields) == [field]


def test_a_cost_that_was_not_told_is_computed_and_marked(project):
    ModelPrice.objects.create(model="house-model", input=2, output=4)
    call(key(project), "POST", "/records", [
        {"name": "told", "model": "house-model", "tokens_in": 10, "tokens_out": 10, "cost": 1},
        {"name": "computed", "model": "house-model", "tokens_in": 500_000, "tokens_out": 250_000},
        {"name": "unknown", "model": "nobody-knows-it", "tokens_in": 1, "tokens_out": 1},
    ])  # fmt: skip
    costs = {r.name: (r.cost, r.cost_estimated) for r in Record.objects.filter(project=project)}
    assert costs == {"told": (1, False), "computed": (2, True), "unknown": (None, False)}


def test_a_body_in_chunks_is_read_whole(project):
    body = json.dumps([{"name": "a"}, {"name": "b"}]).encode()
    request = RequestFactory().post(
        "/api/v1/records", b"", content_type="application/json",
        headers={"authorization": f"Bearer {key(project)}", "transfer-encoding": "chunked"},
    )  # fmt: skip
    request.environ["wsgi.input"] = io.BytesIO(body)
    match = resolve("/api/v1/records")
    assert match.func(request, *match.args, **match.kwargs).status_code == 200
    assert Record.objects.count() == 2


def test_every_documented_field_is_read(project):
    assert set(RecordIn.model_fields) <= set(NAMES)


def test_the_number_of_queries_does_not_grow_with_the_scores(project):
    k = key(project)
    scores = [{"metric": "auto", "numerical_value": 1}, {"metric": "kind", "categorical_value": ["a"]}]
    call(k, "POST", "/records", {"scores": scores})
    with CaptureQueriesContext(connection) as few:
        call(k, "POST", "/records", [{"name": "a", "scores": scores}] * 2)
    with CaptureQueriesContext(connection) as many:
        call(k, "POST", "/records", [{"name": "a", "scores": scores}] * 50)
    assert len(many) <= len(few) + 4  # a record in a hundred is sampled, which takes statements of its own

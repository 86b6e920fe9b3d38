"""What evaluators are given of records."""

import json
from datetime import timedelta

import orjson
from django.utils import timezone

from records.models import Payload
from scoring.inputs import EXPIRED, inputs_of, texts_of
from tests import factories


def test_an_evaluator_is_given_the_unified_inputs_and_the_messages_in_them(project):
    chat = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]}
    record = factories.record(project, chat, "Good day", latency_ms=1500, environment="test")
    given = inputs_of(project.id, [record.id])[record.id]
    assert given["input"] == chat and given["output"] == "Good day" and given["expected"] is None
    assert given["metrics"]["latency"] == 1.5 and given["metadata"]["environment"] == "test"
    assert given["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Good day"},
    ]
    assert "trace" not in given


def test_tool_calls_and_parts_are_read_into_the_messages(project):
    call = {"type": "function", "function": {"name": "find", "arguments": '{"id": 7}'}}
    output = [{"role": "assistant", "content": [{"type": "text", "text": "One moment."}], "tool_calls": [call]}]
    record = factories.record(project, {"question": "no conversation"}, output)
    (message,) = inputs_of(project.id, [record.id])[record.id]["messages"]
    assert message["role"] == "assistant"
    assert message["content"].startswith("One moment.\n[calls find]") and '"id": 7' in message["content"]


def test_the_trace_is_given_where_it_is_asked_for(project):
    now = timezone.now()
    root = factories.record(project, "q", "a", trace_id="t1", span_id="1", name="agent", kind="agent", created_at=now)
    later = now + timedelta(seconds=1)
    factories.record(
        project, {"query": "x"}, ["doc"], trace_id="t1", span_id="2", parent_id="1", name="search", kind="retriever",
        is_root=False, created_at=later,
    )  # fmt: skip
    alone = factories.record(project, "q2", "a2", name="alone")
    given = inputs_of(project.id, [root.id, alone.id], trace=True)
    spans = given[root.id]["trace"]["spans"]
    assert [(span["name"], span["kind"], span["output"]) for span in spans] == [
        ("agent", "agent", "a"),
        ("search", "retriever", ["doc"]),
    ]
    assert [span["name"] for span in given[alone.id]["trace"]["spans"]] == ["alone"]


def test_records_of_another_project_are_left_out_and_their_spans_too(project):
    other = factories.project()
    theirs = factories.record(other, "secret", trace_id="t1", name="theirs")
    mine = factories.record(project, "q", trace_id="t1", name="mine")
    given = inputs_of(project.id, [theirs.id, mine.id], trace=True)
    assert list(given) == [mine.id]
    assert [span["name"] for span in given[mine.id]["trace"]["spans"]] == ["mine"]


def test_many_records_take_as_many_queries_as_one(project, django_assert_num_queries):
    records = [factories.record(project, "q", "a", trace_id=f"t{n}") for n in range(20)]
    with django_assert_num_queries(4):
        assert len(inputs_of(project.id, [record.id for record in records], trace=True)) == 20


def test_texts_that_are_only_passed_on_say_the_same_as_what_is_read(project):
    given = [({"q": 'a "b" \u2028 \U0001f600'}, [1, 2.5, None, True]), ("", {}), (None, "x"), (None, None)]
    records = [factories.record(project, *each) for each in given]
    Payload.objects.filter(record_id=records[0].id).update(expected={"n": 10**30})
    Payload.objects.filter(record_id=records[-1].id).delete()
    theirs = factories.record(factories.project(), "secret")
    ids, names = [record.id for record in (*records, theirs)], ("output", "expected", "input")
    read, passed = inputs_of(project.id, ids), texts_of(project.id, ids, names)
    assert passed.keys() == read.keys() and theirs.id not in passed
    for id, texts in passed.items():
        assert json.loads(orjson.dumps(texts)) == {
            name: read[id][name] for name in (*names, EXPIRED) if name in read[id]
        }
    assert EXPIRED in passed[records[-1].id]

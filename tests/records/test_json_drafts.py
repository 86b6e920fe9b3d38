"""What a sent object becomes, before any of it is a row. No database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from records.drafts import Sender
from records.json_drafts import BadRecord, drafts_from_json
from records.models import ScoreSource, Source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Sender("ci", NOW)
OPERATOR = Sender("import", NOW, trusted=True)


def draft(item: dict, sender: Sender = KEY):
    return drafts_from_json(item, sender)[0]


def problems(item: object, sender: Sender = KEY) -> dict[str, str]:
    with pytest.raises(BadRecord) as caught:
        drafts_from_json(item, sender)
    return dict(caught.value.problems)


def test_every_unified_name_reaches_its_column_and_the_rest_is_kept():
    made = draft(
        {
            "llm_input": {"question": "Why?"},
            "llm_output": "Because.",
            "expected_output": "So.",
            "metrics": {
                "start_time": "2026-03-01T11:00:00Z",
                "timestamp": "2026-03-01T12:00:02+01:00",
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "prompt_cache_hit_tokens": 3,
                "prompt_cache_creation_tokens": 2,
                "latency": 1.5,
                "time_to_first_token": 0.25,
                "routing_time": 0.01,
                "tokens_per_second": 3.3,
                "cost": 0.00123,
            },
            "metadata": {
                "environment": "prod",
                "customer_identifier": "c-1",
                "custom_identifier": 42,
                "thread_identifier": "t-1",
                "prompt_id": "greet",
                "prompt_version_number": 3,
                "span_name": "answer",
                "provider_id": "acme",
                "model": "m-1",
                "evaluation_identifier": "e-1",
                "temperature": 0.2,
                "status": "success",
                "unique_id": "u-1",
            },
            "deployment_name": "blue",
        }
    )
    assert (made.inputs, made.outputs, made.expected) == ({"question": "Why?"}, "Because.", "So.")
    assert made.started_at == made.created_at == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert made.ended_at == datetime(2026, 3, 1, 11, 0, 2, tzinfo=UTC)
    assert (made.tokens_in, made.tokens_out, made.tokens_cached, made.tokens_cache_write) == (10, 5, 3, 2)
    assert (made.tokens, made.latency_ms, made.ttft_ms, made.cost) == (15, 1500, 250, Decimal("0.00123"))
    assert made.metrics == {"routing_time": 0.01, "tokens_per_second": 3.3}
    assert (made.environment, made.customer, made.custom_id, made.thread) == ("prod", "c-1", "42", "t-1")
    assert (made.prompt, made.prompt_version, made.name, made.provider, made.model) == (
        "greet", 3, "answer", "acme", "m-1",
    )  # fmt: skip
    assert made.metadata == {
        "evaluation_identifier": "e-1", "temperature": 0.2, "status": "success", "unique_id": "u-1",
        "deployment_name": "blue",
    }  # fmt: skip
    assert (made.source, made.created_by) == (Source.API, "ci")


def test_our_own_name_counts_before_an_alias_and_nothing_is_dropped():
    for item in ({"input": 1, "inputs": 2}, {"inputs": 2, "input": 1}):
        made = draft(item)
        assert (made.inputs, made.metadata) == (2, {"input": 1})
    made = draft({"model": "a", "metadata": {"model": "b", "span_name": {"odd": True}}})
    assert (made.model, made.name, made.metadata) == ("a", "", {"model": "b", "span_name": {"odd": True}})


@pytest.mark.parametrize(
    ("item", "where", "what"),
    [
        ({"latency": -1}, "latency", "negative"),
        ({"latency": True}, "latency", "seconds"),
        ({"latency": 3e9}, "latency", "2,147,483"),
        ({"metrics": {"latency": "fast"}}, "metrics.latency", "seconds"),
        ({"prompt_tokens": 1.5}, "prompt_tokens", "whole"),
        ({"tokens_in": 2**31}, "tokens_in", "2,147,483,647"),
        ({"epoch": 40_000}, "epoch", "32,767"),
        ({"cost": "1e9"}, "cost", "USD"),
        ({"cost": "NaN"}, "cost", "USD"),
        ({"start_time": "yesterday"}, "start_time", "time"),
        ({"created_at": "0001-01-01T00:00:00Z"}, "created_at", "1970"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at", "time"),
        ({"created_at": 5}, "created_at", "time"),
        ({"name": "n" * 1001}, "name", "1,000"),
        ({"name": ["n"]}, "name", "text"),
        ({"error": "e" * 10_001}, "error", "10,000"),
        ({"tags": "a"}, "tags", "array"),
        ({"tags": ["a"] * 3 + [str(n) for n in range(50)]}, "tags", "50"),
        ({"tags": ["t" * 101]}, "tags", "100"),
        ({"metadata": []}, "metadata", "object"),
        ({"metrics": 1}, "metrics", "object"),
        ({"scores": {}}, "scores", "array"),
        ({"scores": [{"numerical_value": 1}]}, "scores.0.metric", "slug"),
        ({"scores": [{"metric": "m", "score": 1}]}, "scores.0.score", "no such field"),
        ({"inputs": "i" * 10 * 1024 * 1024}, "inputs", "10,485,760"),
        ({"metadata": {"m": "m" * 256 * 1024}}, "metadata", "262,144"),
        ({"notes": "m" * 256 * 1024}, "metadata", "262,144"),
        ({"spans": {}}, "spans", "array"),
        ({"spans": [{"name": "a"}, {"spans": [{"latency": "x"}]}]}, "spans.1.spans.0.latency", "seconds"),
        ({"spans": ["a"]}, "spans.0", "object"),
        ({}, "", "object"),
        ([], "", "object"),
        ("x", "", "object"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(item, where, what):
    assert what in problems(item)[where]


def test_all_problems_of_a_record_are_named_at_once():
    assert set(problems({"latency": "x", "metrics": {"cost": -1}, "spans": [{"tags": 1}]})) == {
        "latency", "metrics.cost", "spans.0.tags",
    }  # fmt: skip


def test_nested_spans_become_a_trace_and_a_repeat_has_the_same_ids():
    item = {
        "id": "run-7",
        "name": "agent",
        "start_time": "2026-03-01T11:00:00Z",
        "spans": [{"name": "search", "spans": [{"name": "fetch"}]}, {"name": "answer", "id": "mine", "kind": "LLM"}],
    }
    root, search, fetch, answer = drafts_from_json(item, KEY)
    assert [d.name for d in (root, search, fetch, answer)] == ["agent", "search", "fetch", "answer"]
    assert root.external_id == "run-7"
    assert root.parent_id == ""
    assert {d.trace_id for d in (root, search, fetch, answer)} == {root.trace_id} != {""}
    assert (search.parent_id, fetch.parent_id, answer.parent_id) == (root.span_id, search.span_id, root.span_id)
    assert (answer.external_id, answer.kind) == ("mine", "llm")
    assert fetch.created_at == root.created_at
    again = drafts_from_json(item, KEY)
    assert [(d.external_id, d.trace_id, d.span_id) for d in again] == [
        (d.external_id, d.trace_id, d.span_id) for d in (root, search, fetch, answer)
    ]
    assert len({d.external_id for d in again}) == 4
    other = drafts_from_json({k: v for k, v in item.items() if k != "id"}, KEY)
    assert other[0].trace_id not in ("", root.trace_id)


def test_a_span_is_known_by_its_trace_and_span_id():
    made = draft({"trace_id": "t", "span_id": "s", "parent_id": "p"})
    assert (made.external_id, made.parent_id) == ("t:s", "p")
    grouped = draft({"metadata": {"span_unique_id": "s", "span_parent_id": "p", "trace_group_identifier": "g"}})
    assert (grouped.trace_id, grouped.span_id, grouped.parent_id, grouped.external_id) == ("g", "s", "p", "g:s")
    assert grouped.metadata == {}


def test_times_follow_from_each_other_and_the_future_is_now():
    made = draft({"started_at": "2026-03-01T10:00:00", "latency": 2})
    assert made.ended_at == datetime(2026, 3, 1, 10, 0, 2, tzinfo=UTC)
    made = draft({"started_at": "2026-03-01T10:00:00Z", "ended_at": "2026-03-01T10:00:03.5Z"})
    assert made.latency_ms == 3500
    assert draft({"created_at": "2026-03-01T12:04:00Z", "name": "a"}).created_at == NOW + timedelta(minutes=4)
    assert draft({"created_at": "2026-03-01T12:06:00Z", "name": "a"}).created_at == NOW
    assert draft({"name": "a"}).created_at == NOW


def test_an_unknown_kind_is_other_and_keeps_its_name():
    made = draft({"kind": "Planner"})
    assert (made.kind, made.metadata) == ("other", {"kind": "planner"})


def test_scores_keep_their_typed_field_and_the_senders_id():
    item = {"scores": [{"metric": "tone", "categorical_value": ["rude"], "reasoning": "Hm.", "scorer": "ann"}]}
    (score,) = draft(item).scores
    assert (score.metric, score.value, score.reasoning, score.scorer) == (
        "tone", {"categorical_value": ["rude"]}, "Hm.", "ann",
    )  # fmt: skip
    assert score.source == ScoreSource.API
    assert score.key == ""
    assert draft({"scores": [{"metric": "a", "boolean_value": False, "id": "s-1"}]}).scores[0].key == "s-1"


def test_only_an_operators_import_of_our_own_rows_says_who_made_a_record():
    row = {
        "is_root": True, "id": "old", "external_id": "x", "status": "completed", "source": "trace",
        "created_by": "ann", "scores": [{"metric": "m", "numerical_value": 1, "source": "human", "passed": True}],
    }  # fmt: skip
    trusted = draft(row, OPERATOR)
    assert (trusted.source, trusted.created_by, trusted.external_id) == (Source.TRACE, "ann", "x")
    assert trusted.scores[0].source == ScoreSource.HUMAN
    assert trusted.metadata == {}
    del row["scores"]
    sent = draft(row)
    assert (sent.source, sent.created_by, sent.metadata) == (Source.API, "ci", {})
    for sender in (KEY, OPERATOR):
        own = draft({"source": "web", "status": "ok", "created_by": "bot"}, sender)
        assert own.source == Source.API
        assert own.metadata == {"source": "web", "status": "ok", "created_by": "bot"}

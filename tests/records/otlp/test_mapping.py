from datetime import UTC, datetime
from decimal import Decimal

import pytest

from records.drafts import ScoreDraft
from records.limits import MAX_ERROR_CHARS
from records.otlp import drafts_from_otlp, spans_from_protobuf
from tests.records.otlp import build
from tests.records.otlp.mapped import ARRIVED, mapped

STARTED = datetime.fromtimestamp(build.START / 1e9, UTC)


def test_a_span_says_when_it_was_and_where_in_its_trace():
    draft = mapped(parent_span_id=b"\xab" * 8)
    assert (draft.started_at, draft.created_at) == (STARTED, STARTED)
    assert (draft.ended_at - draft.started_at).total_seconds() == 1
    assert (draft.trace_id, draft.span_id, draft.parent_id) == (build.TRACE_ID.hex(), build.SPAN_ID.hex(), "ab" * 8)
    assert draft.external_id == f"{draft.trace_id}:{draft.span_id}"


def test_a_span_without_times_happened_when_it_arrived():
    draft = mapped(start_time_unix_nano=0, end_time_unix_nano=0)
    assert (draft.created_at, draft.started_at, draft.ended_at) == (ARRIVED, None, None)


@pytest.mark.parametrize("parent", [b"", bytes(8), build.SPAN_ID])
def test_a_span_is_not_below_nothing_or_itself(parent: bytes):
    assert mapped(parent_span_id=parent).parent_id == ""


def test_the_first_attribute_wins_and_the_others_are_kept():
    draft = mapped({"gen_ai.request.model": "asked", "gen_ai.response.model": "given", "llm.model_name": "third"})
    assert draft.model == "given"
    assert draft.metadata == {"gen_ai.request.model": "asked", "llm.model_name": "third"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.input_tokens": "many"},
        {"gen_ai.usage.input_tokens": -1},
        {"gen_ai.usage.input_tokens": 2**40},
        {"gen_ai.usage.input_tokens": 1.5},
        {"gen_ai.usage.input_tokens": True},
        {"llm.cost.total": "free"},
        {"llm.cost.total": -1.0},
        {"gen_ai.request.model": ["m"]},
        {"session.id": ""},
        {"evalhub.epoch": 40_000},
        {"evalhub.tags": [1, 2]},
        {"gen_ai.response.time_to_first_chunk": "soon"},
        {"llm.input_messages.first.message.role": "user"},
        {"gen_ai.input.messages": '[{"no": "message"}]'},
        {"metadata": "no object"},
    ],
)
def test_what_does_not_fit_its_field_stays_in_metadata(attributes: dict):
    assert mapped(attributes).metadata == attributes


def test_numbers_in_text_and_whole_floats_are_counts():
    draft = mapped({"gen_ai.usage.input_tokens": "12", "gen_ai.usage.output_tokens": 3.0, "llm.cost.total": "0.5"})
    assert (draft.tokens_in, draft.tokens_out, draft.cost) == (12, 3, Decimal("0.5"))


def test_the_resource_and_scope_are_kept_and_the_environment_is_a_field():
    resource = {"service.name": "shop", "deployment.environment.name": "production", "evalhub.experiment": "e1"}
    sent = build.request([build.span()], resource, scope="my.instrumentation").SerializeToString()
    (draft,), _ = drafts_from_otlp(spans_from_protobuf(sent), ARRIVED)
    assert (draft.environment, draft.experiment) == ("production", "e1")
    assert draft.metadata == {"resource.service.name": "shop", "otel.scope.name": "my.instrumentation"}


def test_a_span_s_own_environment_stands_before_the_resource_s():
    draft = mapped({"deployment.environment.name": "canary"}, {"deployment.environment.name": "production"})
    assert draft.environment == "canary"
    assert draft.metadata == {"resource.deployment.environment.name": "production"}


def test_the_spans_of_one_resource_do_not_share_their_metadata():
    sent = build.request([build.span({"n": n}, n) for n in range(2)], {"a": 1}).SerializeToString()
    drafts, _ = drafts_from_otlp(spans_from_protobuf(sent), ARRIVED)
    assert [draft.metadata for draft in drafts] == [{"n": 0, "resource.a": 1}, {"n": 1, "resource.a": 1}]


def test_whatever_else_a_span_tells_is_kept():
    link = {"trace_id": b"\x01" * 16, "span_id": b"\x02" * 8, "attributes": build.pairs({"why": "retry"})}
    draft = mapped(
        kind=3, trace_state="vendor=1", links=[link], events=[build.event("cache miss", {"key": "k"})],
        dropped_attributes_count=2, status={"code": 1, "message": "fine"},
    )  # fmt: skip
    assert draft.metadata == {
        "otel.kind": "client",
        "otel.trace_state": "vendor=1",
        "otel.status_message": "fine",
        "otel.links": [{"trace_id": "01" * 16, "span_id": "02" * 8, "attributes": {"why": "retry"}}],
        "otel.events": [{"name": "cache miss", "time": STARTED.isoformat(), "attributes": {"key": "k"}}],
        "otel.dropped_attributes": 2,
    }


EXCEPTION = build.event("exception", {"exception.type": "ValueError", "exception.message": "bad city"})


@pytest.mark.parametrize(
    ("status", "events", "attributes", "error"),
    [
        ({"code": 2, "message": "boom"}, [], {}, "boom"),
        ({"code": 2}, [], {"error.type": "timeout"}, "timeout"),
        ({"code": 2}, [], {}, "error"),
        ({"code": 2, "message": "ValueError: bad city"}, [EXCEPTION], {}, "ValueError: bad city"),
        ({}, [EXCEPTION], {}, "ValueError: bad city"),
        ({"code": 1}, [EXCEPTION], {}, ""),
        ({}, [], {}, ""),
        ({"code": 2, "message": "x" * 20_000}, [], {}, None),
    ],
)
def test_the_error_of_a_span(status: dict, events: list, attributes: dict, error: str | None):
    draft = mapped(attributes, status=status, events=events)
    if error is None:
        assert (len(draft.error), draft.truncated) == (MAX_ERROR_CHARS, True)
    else:
        assert draft.error == error
    if events:
        assert draft.metadata["otel.events"][0]["name"] == "exception"


def test_evaluations_become_scores():
    events = [
        build.evaluation("Relevance", 4.5, "good", "On topic."),
        build.evaluation("tone", label="warm"),
        build.event("gen_ai.evaluation.result", {"gen_ai.evaluation.name": "nothing said"}),
    ]
    draft = mapped(events=events)
    keys = [score.key for score in draft.scores]
    assert draft.scores == [
        ScoreDraft("Relevance", {"numerical_value": 4.5, "categorical_value": ["good"]}, "On topic.", key=keys[0]),
        ScoreDraft("tone", {"categorical_value": ["warm"]}, key=keys[1]),
    ]
    assert [event["attributes"] for event in draft.metadata["otel.events"]] == [
        {"gen_ai.evaluation.name": "nothing said"}
    ]


def test_an_evaluation_is_known_by_all_that_it_says_and_when():
    """Not by its place in the span, which another piece of the span has too."""

    def keys(*events) -> list[str]:
        return [score.key for score in mapped(events=events).scores]

    one, other = build.evaluation("tone", 1.0), build.evaluation("tone", 0.0)
    later = build.evaluation("tone", 1.0)
    later.time_unix_nano = one.time_unix_nano + 1
    assert keys(one, other) == keys(one) + keys(other) == keys(one, other)
    assert len({*keys(one, other, later, one)}) == 4  # also one that is said twice in the same moment
    assert keys(one, one) == keys(one, one)


def test_the_first_token_may_be_an_event():
    event = build.event("First Token Stream Event", time=build.START + 300_000_000)
    assert mapped(events=[event]).ttft_ms == 300


def test_an_agent_s_sums_are_not_counted_again():
    usage = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 9, "gen_ai.usage.cost": 0.5}
    within, remote = mapped(usage), mapped(usage, kind=3)
    assert (within.tokens_in, within.cost, within.metrics) == (None, None, {"sum_tokens_in": 9, "sum_cost": 0.5})
    assert (remote.tokens_in, remote.cost, remote.metrics) == (9, Decimal("0.5"), {})


@pytest.mark.parametrize(
    ("sent", "mime_type", "kept"),
    [
        ('{"a": [1]}', "", {"a": [1]}),
        ("[1, 2]", "text/plain", [1, 2]),
        ('"text"', "application/json", "text"),
        ("7", "application/json", 7),
        ("7", "", "7"),
        ("{not json", "application/json", "{not json"),
        ("plain", "", "plain"),
        (7, "", 7),
    ],
)
def test_json_in_text_is_read(sent: object, mime_type: str, kept: object):
    draft = mapped({"input.value": sent, "input.mime_type": mime_type, "openinference.span.kind": "CHAIN"})
    assert (draft.inputs, draft.metadata) == (kept, {})


@pytest.mark.parametrize(
    "names",
    [
        ["llm.input_messages.0.message.content", "llm.input_messages.0.message.content.text"],
        ["llm.input_messages.0.message.content.text", "llm.input_messages.0.message.content"],
        ["llm.input_messages.0", "llm.input_messages.0.message.role"],
        ["gen_ai.prompt." + "9" * 30 + ".role"],
        ["llm.input_messages.999999999.message.role"],
        ["llm.input_messages.0." + "a." * 10_000],
        ["llm.input_messages.0.message.tool_calls.x.tool_call.id"],
    ],
)
def test_names_that_contradict_each_other_break_nothing_and_lose_nothing(names: list[str]):
    draft = mapped({name: f"said {n}" for n, name in enumerate(names)})
    told = str(draft.inputs) + str(draft.metadata)
    assert all(f"said {n}" in told for n in range(len(names)))


def test_an_evaluation_that_says_more_than_its_score_is_also_kept():
    said = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 1, "gen_ai.response.id": "r-1"}
    draft = mapped(events=[build.event("gen_ai.evaluation.result", said)])
    assert [score.metric for score in draft.scores] == ["tone"]
    assert draft.metadata["otel.events"][0]["attributes"] == said

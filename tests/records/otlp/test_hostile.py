"""Whatever is sent, a span becomes a draft that can be stored, or is refused with a reason."""

import json

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from records.drafts import RecordDraft
from records.otlp import Undecodable, drafts_from_otlp, spans_from_json, spans_from_protobuf
from records.otlp.indexed import PREFIXES
from records.otlp.mapping import FIELD_OF, KIND_NAMES
from records.sanitize import clean
from tests.records.otlp import build
from tests.records.otlp.mapped import ARRIVED

KINDS = [kind for kinds in KIND_NAMES.values() for kind in kinds]
TREES = [f"{prefix}.{rest}" for prefix in sorted(PREFIXES) for rest in (
    "0", "0.role", "0.message.role", "0.message.content", "0.message.contents.0.message_content.image", "1.content",
    "0.message.tool_calls.0.tool_call", "0.tool_calls.0.name", "0.document.content", "0.document", "0.embedding.vector",
)]  # fmt: skip
VALUES = [f"{side}.{what}" for side in ("input", "output") for what in ("value", "mime_type")]
MESSAGES = ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "metadata"]
NAMES = st.sampled_from([*FIELD_OF, *KIND_NAMES, *TREES, *VALUES, *MESSAGES]) | st.text(max_size=8)

LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.sampled_from([*KINDS, "json"])
    | st.text(st.characters(codec="utf-8"), max_size=8)
)  # fmt: skip
KEYS = st.sampled_from(
    ["role", "parts", "content", "type", "messages", "choices", "message", "id", "name", "tool_calls"]
)
TREE = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
AS_JSON = TREE.map(lambda value: json.dumps(value))
ATTRIBUTES = st.dictionaries(NAMES, TREE | AS_JSON | st.binary(max_size=4), max_size=6)
EVENT_NAMES = st.sampled_from(["exception", "gen_ai.choice", "gen_ai.user.message", "gen_ai.content.prompt",
                               "gen_ai.client.inference.operation.details", "gen_ai.evaluation.result"])  # fmt: skip


def check(draft: RecordDraft) -> None:
    for value in (draft.inputs, draft.outputs, draft.expected, draft.metadata, draft.metrics, draft.name, draft.error):
        clean(value)
        orjson.dumps(value)
    texts = (draft.model, draft.provider, draft.thread, draft.customer, draft.environment, draft.experiment)
    assert all(isinstance(text, str) for text in texts)
    assert draft.tags is None or all(isinstance(tag, str) for tag in draft.tags)


@settings(max_examples=150, deadline=None)
@given(ATTRIBUTES, st.lists(st.tuples(EVENT_NAMES, ATTRIBUTES), max_size=2))
def test_any_attributes_become_a_draft_that_can_be_stored(attributes, events):
    span = build.span(attributes, events=[build.event(name, said) for name, said in events])
    (draft,), bad = drafts_from_otlp(spans_from_protobuf(build.request([span]).SerializeToString()), ARRIVED)
    assert not bad
    check(draft)


JSON_NAMES = st.sampled_from(["resourceSpans", "scopeSpans", "spans", "resource", "scope", "attributes", "key", "value",
                              "stringValue", "intValue", "arrayValue", "values", "traceId", "spanId", "events", "links",
                              "status", "kind", "startTimeUnixNano", "name"])  # fmt: skip
FRAME = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=4) | st.just("a" * 32) | st.just("b" * 16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_NAMES, inner, max_size=4),
    max_leaves=20,
)
SPAN = st.dictionaries(JSON_NAMES, FRAME, max_size=6).map(lambda span: {"traceId": "a" * 32, "spanId": "b" * 16} | span)


@settings(max_examples=150, deadline=None)
@given(FRAME | SPAN.map(lambda span: {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
def test_any_json_is_stored_or_refused_with_a_reason(sent):
    try:
        drafts, bad = drafts_from_otlp(spans_from_json(json.dumps(sent).encode()), ARRIVED)
    except Undecodable as refused:
        assert str(refused)
        return
    assert all(span.reason for span in bad)
    for draft in drafts:
        check(draft)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(body):
    for decode in (spans_from_protobuf, spans_from_json):
        try:
            decode(body)
        except Undecodable as refused:
            assert str(refused)

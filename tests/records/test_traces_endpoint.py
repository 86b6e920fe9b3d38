import gzip
import json
import zlib

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from evalhub import apikeys
from evalhub.body import MAX_BODY_BYTES
from evalhub.models import Scope
from records import ingest as ingest_module
from records.automatic import automatic_metric
from records.drafts import RecordDraft, ScoreDraft
from records.models import Metric, Payload, Record, Score, Source
from records.views import traces as view
from tests import factories
from tests.records.otlp import build

PROTOBUF, JSON = "application/x-protobuf", "application/json"


@pytest.fixture
def key(project):
    return apikeys.create(project, "exporter", [Scope.INGEST])[1]


@pytest.fixture
def send(client, key):
    def post(body: bytes | str, content_type: str = PROTOBUF, plain_key: str | None = None, **headers: str):
        authorization = f"Bearer {key if plain_key is None else plain_key}"
        headers = {"authorization": authorization, "content-type": content_type} | headers
        return client.post("/v1/traces", body, content_type=content_type, headers=headers)

    return post


def protobuf(*spans, **fields) -> bytes:
    return build.request(spans or [build.span()], **fields).SerializeToString()


def as_json(*spans, **fields) -> str:
    """OTLP/JSON: protobuf's JSON, with ids in hex."""
    sent = MessageToDict(build.request(spans or [build.span()], **fields), use_integers_for_enums=True)
    for group in sent["resourceSpans"]:
        for scoped in group["scopeSpans"]:
            for span in scoped["spans"]:
                for name in {"traceId", "spanId", "parentSpanId"} & set(span):
                    span[name] = build.hex_of(span[name])
    return json.dumps(sent)


def answered(response) -> ExportTraceServiceResponse:
    assert (response.status_code, response["Content-Type"]) == (200, PROTOBUF), response.content
    return ExportTraceServiceResponse.FromString(response.content)


def failed(response, status: int, code: int) -> str:
    assert (response.status_code, response["Content-Type"]) == (status, PROTOBUF), response.content
    told = Status.FromString(response.content)
    assert told.code == code
    return told.message


def test_a_span_becomes_a_record(send, project):
    child = build.span({"gen_ai.request.model": "gpt-4o-mini"}, 1, parent_span_id=build.SPAN_ID)
    assert not answered(send(protobuf(build.span(name="root"), child))).HasField("partial_success")
    root = Record.objects.get(project=project, name="root")
    assert (root.source, root.is_root, root.trace_spans, root.latency_ms) == (Source.TRACE, True, 2, 1000)
    assert (root.trace_id, root.span_id) == (build.TRACE_ID.hex(), build.SPAN_ID.hex())
    assert root.created_by == "exporter"
    assert Record.objects.get(project=project, name="chat").parent_id == root.span_id


def test_both_encodings_store_the_same(send, project, client):
    attributes = {
        "gen_ai.request.model": "m",
        "a": [1, "x", 2.5, True, b"\x00\xff"],
        "b": {"c": {"d": None}},
        "n": 2**53 + 1,
    }
    span = build.span(attributes, events=[build.event("e", {"k": 1})], kind=3)
    answered(send(protobuf(span)))
    first = Record.objects.values().get(project=project)
    Record.objects.all().delete()
    response = send(as_json(span), JSON)
    assert (response.status_code, response["Content-Type"], response.json()) == (200, JSON, {})
    second = Record.objects.values().get(project=project)
    assert first.pop("id") != second.pop("id")
    assert first == second
    assert first["metadata"]["a"] == [1, "x", 2.5, True, "AP8="]
    assert first["metadata"]["n"] == 2**53 + 1


def test_sent_again_it_is_stored_once(send, project):
    for _ in range(2):
        answered(send(protobuf(build.span(events=[build.evaluation("tone", 0.5)]))))
    assert Record.objects.filter(project=project).count() == 1
    assert Score.objects.filter(project=project).count() == 1


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_compressed_bodies_are_inflated(send, project, compress):
    encoding = "gzip" if compress is gzip.compress else "deflate"
    answered(send(compress(protobuf()), **{"content-encoding": encoding}))
    assert Record.objects.filter(project=project).exists()


def test_a_cost_is_estimated_from_the_price_table(send, project):
    attributes = {"gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 1_000_000}
    answered(send(protobuf(build.span(attributes))))
    record = Record.objects.get(project=project)
    assert (float(record.cost), record.cost_estimated) == (0.15, True)


def test_spans_without_ids_are_refused_alone_and_named(send, project):
    bad = [build.span(number=1, name="lost", trace_id=b""), build.span(number=2, span_id=bytes(8))]
    partial = answered(send(protobuf(build.span(name="good"), *bad))).partial_success
    assert partial.rejected_spans == 2
    assert "span 1 (lost): it has no valid trace id" in partial.error_message
    assert "span 2 (chat): it has no valid span id" in partial.error_message
    assert Record.objects.get(project=project).name == "good"


def test_in_json_too(send, project):
    sent = json.loads(as_json(build.span(name="good"), build.span(number=1)))
    sent["resourceSpans"][0]["scopeSpans"][0]["spans"][1]["traceId"] = "W47/95gDgQPSabYzgT/GDA=="  # protobuf's own JSON
    answer = send(json.dumps(sent), JSON).json()
    assert answer["partialSuccess"]["rejectedSpans"] == "1"
    assert "32 hex digits" in answer["partialSuccess"]["errorMessage"]
    assert Record.objects.get(project=project).name == "good"


def test_an_evaluation_becomes_a_score_of_an_automatic_metric(send, project):
    event = build.evaluation("Answer Relevance", 0.8, explanation="On topic.")
    answered(send(protobuf(build.span(events=[event]))))
    score = Score.objects.get(project=project)
    assert (score.numerical_value, score.scorer) == (0.8, "exporter")
    assert Metric.objects.get(project=project, slug="answer_relevance").automatic


@pytest.mark.parametrize(
    ("value_type", "field", "expected"),
    [
        ("boolean", "boolean_value", True),
        ("categorical", "categorical_value", ["pass"]),
        ("numerical", "numerical_value", 1),
    ],
)
def test_an_evaluation_fits_the_metric_that_is_there(send, project, value_type, field, expected):
    choices = {"categorical_choices": [{"value": "pass", "number": 1, "archived": False}]}
    factories.metric(project, "tone", value_type, **(choices if value_type == "categorical" else {}))
    answered(send(protobuf(build.span(events=[build.evaluation("Tone", 1.0, "pass")]))))
    assert getattr(Score.objects.get(project=project), field) == expected


def test_a_score_that_its_metric_refuses_is_a_warning(send, project):
    factories.metric(project, "tone")
    partial = answered(send(protobuf(build.span(events=[build.evaluation("tone", 7)])))).partial_success
    assert partial.rejected_spans == 0
    assert "tone" in partial.error_message and "between 0 and 1" in partial.error_message
    assert Record.objects.filter(project=project).exists()


def test_an_evaluation_that_is_refused_makes_no_metric(send, project):
    partial = answered(send(protobuf(build.span(events=[build.evaluation("huge", 1e307)])))).partial_success
    assert "huge" in partial.error_message
    assert not Metric.objects.filter(project=project).exists()


def test_more_spans_than_a_transaction_takes_are_stored_in_several(send, project):
    answered(send(protobuf(*[build.span(number=n) for n in range(1_001)])))
    assert Record.objects.filter(project=project).count() == 1_001


def test_an_export_that_fails_halfway_is_not_acknowledged_and_is_whole_when_sent_again(send, project, monkeypatch):
    calls = []

    def away_at_the_second(project, drafts, sender):
        calls.append(len(drafts))
        if len(calls) == 2:
            raise OperationalError("connection refused")
        return ingest_module.ingest(project, drafts, sender)

    monkeypatch.setattr(view, "ingest", away_at_the_second)
    body = protobuf(*[build.span(number=n) for n in range(1_001)])
    failed(send(body), 503, 14)
    assert Record.objects.filter(project=project).count() == 1_000
    answered(send(body))
    assert Record.objects.filter(project=project).count() == 1_001
    assert calls == [1_000, 1, 1_000, 1]


def test_an_empty_export_is_fine(send):
    assert answered(send(b"")) == ExportTraceServiceResponse()
    assert send("{}", JSON).json() == {}


def test_without_a_valid_key_nothing_is_read(send):
    assert "Authorization" in failed(send(b"not even protobuf", plain_key="ehk_wrong"), 401, 16)


def test_a_key_needs_the_scope_ingest(send, project):
    other = apikeys.create(project, "reader", [Scope.READ])[1]
    assert "ingest" in failed(send(protobuf(), plain_key=other), 403, 7)


def test_other_content_types_are_refused(send):
    response = send("a=b", "text/plain")
    assert (response.status_code, response.json()["code"]) == (415, 3)


def test_a_get_is_refused(client):
    response = client.get("/v1/traces")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"{}"])
def test_a_body_that_is_no_protobuf_is_refused(send, body):
    assert "protobuf" in failed(send(body), 400, 3)


@pytest.mark.parametrize("body", ["{", "[]", '{"resourceSpans": 1}', '{"resourceSpans": [{"scopeSpans": [1]}]}'])
def test_a_body_that_is_no_export_in_json_is_refused(send, body):
    response = send(body, JSON)
    assert (response.status_code, response.json()["code"]) == (400, 3)


def test_a_body_that_is_not_gzip_is_refused(send):
    assert "gzip" in failed(send(b"plain", **{"content-encoding": "gzip"}), 400, 3)


def test_a_bomb_is_refused_by_its_inflated_size(send):
    bomb = gzip.compress(bytes(MAX_BODY_BYTES + 1))
    assert len(bomb) < 100_000
    assert f"{MAX_BODY_BYTES:,}" in failed(send(bomb, **{"content-encoding": "gzip"}), 413, 8)


def test_a_database_that_is_away_asks_for_a_later_retry(send, monkeypatch):
    def away(*args: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(view, "ingest", away)
    response = send(protobuf())
    failed(response, 503, 14)
    assert int(response["Retry-After"]) > 0


def test_a_fault_of_ours_is_not_told_to_the_client(send, client, monkeypatch, caplog):
    client.raise_request_exception = False

    def broken(*args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(view, "ingest", broken)
    assert "secret" not in failed(send(protobuf()), 500, 13)
    assert "secret detail" in caplog.text


def test_one_span_that_cannot_be_stored_does_not_cost_the_others(send, project, monkeypatch):
    def picky(project, drafts, sender):
        if any(draft.name == "poison" for draft in drafts):
            raise DataError("no")
        return ingest_module.ingest(project, drafts, sender)

    monkeypatch.setattr(view, "ingest", picky)
    spans = [build.span(number=n, name="poison" if n == 4 else "fine") for n in range(9)]
    partial = answered(send(protobuf(*spans))).partial_success
    assert partial.rejected_spans == 1
    assert spans[4].span_id.hex() in partial.error_message
    assert Record.objects.filter(project=project).count() == 8


def test_a_span_that_cannot_be_stored_leaves_no_metric_that_it_alone_has_named(send, project, monkeypatch):
    def picky(project, drafts, sender):
        if any(draft.name == "poison" for draft in drafts):
            for draft in drafts:  # as ingest does, before its transaction
                for score in draft.scores:
                    automatic_metric(project, score.metric, score.value)
            raise DataError("no")
        return ingest_module.ingest(project, drafts, sender)

    monkeypatch.setattr(view, "ingest", picky)
    before = set(Metric.objects.filter(project=project).values_list("slug", flat=True))
    poison = build.span(name="poison", events=[build.evaluation("Only here", 1), build.evaluation("Both", 1)])
    fine = build.span(number=1, name="fine", events=[build.evaluation("Both", 1)])
    assert answered(send(protobuf(fine, poison))).partial_success.rejected_spans == 1
    assert set(Metric.objects.filter(project=project).values_list("slug", flat=True)) - before == {"both"}
    assert Score.objects.get(project=project).metric.slug == "both"


def test_scores_of_a_metric_that_was_just_taken_back_make_it_anew(project, monkeypatch):
    draft = RecordDraft("a", Source.API, timezone.now(), scores=[ScoreDraft("tone", {"numerical_value": 1.0})])
    store, taken = ingest_module._Batch.store, []

    def late(batch, cursor, scores):
        if not taken:
            taken.append(Metric.objects.filter(project=project, slug="tone").delete())
        return store(batch, cursor, scores)

    monkeypatch.setattr(ingest_module._Batch, "store", late)
    ingest_module.ingest(project, [draft], "ci")
    assert Score.objects.get(project=project).metric.slug == "tone"


def test_hostile_text_is_stored_with_replacements(send, project):
    attributes = {
        "user\0id": "a\0b",
        "input.value": '{"a": "x\\u0000y", "b": ["\\u0000"]}',
        "deep": "[" * 500 + "]" * 500,
    }
    answered(send(protobuf(build.span(attributes, name="na\0me", trace_state="\0"))))
    record = Record.objects.get(project=project)
    assert record.name == "na\ufffdme"
    assert record.metadata["user\ufffdid"] == "a\ufffdb"
    assert Payload.objects.get(project=project).inputs == {"a": "x\ufffdy", "b": ["\ufffd"]}


def test_json_with_half_a_surrogate_and_nan_is_stored_with_replacements(send, project):
    text = as_json(build.span({"a": "PUT", "b": 1.5})).replace('"PUT"', '"\\ud800"').replace("1.5", "NaN")
    assert send(text, JSON).json() == {}
    assert Record.objects.get(project=project).metadata == {"a": "\ufffd", "b": None}


def test_what_is_over_a_limit_is_cut_and_marked(send, project):
    attributes = {"gen_ai.request.model": "m" * 5_000, "big": "x" * 1_000_000, "small": 1}
    answered(send(protobuf(build.span(attributes, name="\U0001f600" * 1_000))))
    record = Record.objects.get(project=project)
    assert record.truncated
    assert len(record.model) == 1_000
    assert 100 < len(record.name) < 1_000
    assert record.metadata["small"] == 1 and len(record.metadata["big"]) <= 256 * 1024


def test_a_chat_of_many_megabytes_is_cut_and_marked(send, project):
    attributes = {"openinference.span.kind": "CHAIN", "input.value": json.dumps({"text": "y" * 12_000_000})}
    answered(send(protobuf(build.span(attributes))))
    assert Record.objects.get(project=project).truncated
    assert len(Payload.objects.get(project=project).inputs["text"]) == 1_000_000

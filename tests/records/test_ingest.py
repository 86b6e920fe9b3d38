from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalhub.models import Project
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Blob, Metric, Outbox, Payload, Record, Score, Source
from records.signals import records_ingested
from tests import factories
from tests.records.recount import recount

T0 = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def draft(key: str = "", **fields: object) -> RecordDraft:
    fields = {"external_id": key or f"sent-{id(fields)}", "source": Source.API, "created_at": T0} | fields
    return RecordDraft(**fields)


def span(name: str, parent: str = "", at: float = 0, **fields: object) -> RecordDraft:
    start = T0 + timedelta(seconds=at)
    fields = {"created_at": start, "started_at": start, "ended_at": start + timedelta(seconds=1)} | fields
    return draft(
        f"trace:{name}", trace_id="trace", span_id=name, parent_id=parent, source=Source.TRACE, name=name, **fields
    )


def test_a_draft_becomes_a_record_with_its_payload(project):
    result = ingest(project, [draft("a", inputs={"question": "Why?"}, outputs="So.", metadata={"tier": "gold"})], "ci")
    record = Record.objects.get(project=project, id=result.ids[0])
    assert (record.external_id, record.created_by, record.metadata) == ("a", "ci", {"tier": "gold"})
    payload = Payload.objects.get(project=project, record_id=record.id)
    assert (payload.inputs, payload.outputs, payload.search_text) == ({"question": "Why?"}, "So.", "Why?\nSo.")


def test_the_same_record_again_is_the_same_row(project):
    first = ingest(project, [draft("a", inputs=1)], "ci")
    again = ingest(project, [draft("a", inputs=1)], "ci")
    assert first.ids == again.ids
    assert (first.created, first.updated, again.created, again.updated) == (1, 0, 0, 1)
    assert not any(recount(project.id).values())


def test_two_pieces_in_one_batch_are_one_record(project):
    result = ingest(project, [draft("a", inputs=1, metadata={"x": 1}), draft("a", outputs=2, metadata={"y": 2})], "ci")
    assert result.ids[0] == result.ids[1]
    payload = Payload.objects.get(project=project)
    assert (payload.inputs, payload.outputs) == (1, 2)
    assert Record.objects.get(project=project).metadata == {"x": 1, "y": 2}


def test_what_was_judged_has_the_same_hash_whole_or_in_pieces(project):
    ingest(project, [draft("whole", inputs={"b": 1, "a": [2]}, outputs="x")], "ci")
    ingest(project, [draft("pieces", inputs={"a": [2], "b": 1})], "ci")
    ingest(project, [draft("pieces", outputs="x")], "ci")
    hashes = Record.objects.filter(project=project).values_list("inputs_hash", "input_hash")
    assert len({(bytes(a), bytes(b)) for a, b in hashes}) == 1


def test_text_that_came_in_pieces_is_searched_whole(project):
    ingest(project, [draft("a", inputs="the question")], "ci")
    ingest(project, [draft("a", outputs="the answer")], "ci")
    assert Payload.objects.get(project=project).search_text == "the question\nthe answer"


def test_a_time_far_ahead_becomes_now(project):
    ingest(project, [draft("a", created_at=timezone.now() + timedelta(hours=1))], "ci")
    assert Record.objects.get(project=project).created_at <= timezone.now()


def test_a_time_a_little_ahead_is_kept(project):
    soon = timezone.now() + timedelta(minutes=4)
    ingest(project, [draft("a", created_at=soon)], "ci")
    assert Record.objects.get(project=project).created_at == soon


def test_latency_follows_from_start_and_end_even_in_pieces(project):
    ingest(project, [draft("a", started_at=T0)], "ci")
    ingest(project, [draft("a", ended_at=T0 + timedelta(seconds=2))], "ci")
    assert Record.objects.get(project=project).latency_ms == 2000
    assert not any(recount(project.id).values())


def test_a_sent_cost_stands_before_an_estimated_one(project):
    ingest(project, [draft("a", cost=Decimal("0.5"))], "ci")
    ingest(project, [draft("a", cost=Decimal("0.7"), cost_estimated=True)], "ci")
    record = Record.objects.get(project=project)
    assert (record.cost, record.cost_estimated) == (Decimal("0.5"), False)


def test_a_late_root_takes_over_the_roll_up(project):
    ingest(project, [span("child", "root", 1, tokens=5, cost=Decimal("0.1"))], "ci")
    assert Record.objects.get(project=project).is_root
    ingest(project, [span("root", tokens=2)], "ci")
    rows = dict(Record.objects.filter(project=project).values_list("name", "trace_tokens"))
    assert rows == {"root": 7, "child": None}
    assert not any(recount(project.id).values())


def test_scores_of_a_record_that_stops_being_a_root_move_in_the_roll_up(project):
    factories.metric(project, "quality")
    child = span("child", "root", 1, scores=[ScoreDraft("quality", {"numerical_value": 0.9})])
    ingest(project, [child], "ci")
    ingest(project, [span("root")], "ci")
    assert not any(recount(project.id).values())


def test_scores_come_in_with_their_record(project):
    factories.metric(project, "quality")
    result = ingest(project, [draft("a", scores=[ScoreDraft("quality", {"numerical_value": 0.9})])], "ci")
    score = Score.objects.get(project=project)
    assert (score.record_id, score.passed, score.scorer, score.is_current) == (result.ids[0], True, "ci", True)
    assert Record.objects.get(project=project).get_status_display() == "completed"
    assert not any(recount(project.id).values())


def test_a_score_of_an_unknown_metric_makes_it(project):
    ingest(project, [draft("a", scores=[ScoreDraft("helpful", {"boolean_value": True})])], "ci")
    metric = Metric.objects.get(project=project, slug="helpful")
    assert (metric.automatic, metric.value_type) == (True, "boolean")


def test_a_score_its_metric_does_not_allow_is_named_and_the_record_kept(project):
    factories.metric(project, "quality")
    result = ingest(project, [draft("a", scores=[ScoreDraft("quality", {"boolean_value": True})])], "ci")
    assert result.refused_scores[0][0] == 0 and "numerical_value" in result.refused_scores[0][1]
    assert Record.objects.filter(project=project).exists() and not Score.objects.filter(project=project).exists()


def test_the_outbox_names_the_batch_and_the_bell_rings_after_the_commit(project, django_capture_on_commit_callbacks):
    rung = []
    records_ingested.connect(ring := lambda project_id, **_: rung.append(project_id))
    with django_capture_on_commit_callbacks(execute=True):
        result = ingest(project, [draft("b", outputs=1), draft("a", outputs=1)], "ci")
        assert not rung
    records_ingested.disconnect(ring)
    assert Outbox.objects.get(project=project).ids == sorted(result.ids)
    assert rung == [project.id]


def test_a_large_data_url_is_kept_once_as_a_file(project):
    url = "data:image/png;base64," + "QUJD" * 30_000
    result = ingest(project, [draft("a", inputs=[{"image": url}]), draft("b", inputs=url)], "ci")
    blob = Blob.objects.get(project=project)
    assert (blob.content_type, blob.size, bytes(blob.data[:3])) == ("image/png", 90_000, b"ABC")
    payload = Payload.objects.get(project=project, record_id=result.ids[0])
    assert payload.inputs[0]["image"]["$blob"] == blob.sha256


def test_a_failure_in_the_middle_leaves_nothing(project, monkeypatch):
    monkeypatch.setitem(__import__("records.ingest").ingest.SQL, "announce", "SELECT 1/0")
    try:
        ingest(project, [draft("a", inputs=1)], "ci")
    except Exception as error:
        assert "division" in str(error)
    assert not Record.objects.filter(project=project).exists()
    assert not any(recount(project.id).values())


def pieces() -> list[RecordDraft]:
    """A trace of seven spans in two pieces each, an orphan, and a second root that is older than the first."""
    parents = {"s0": "never-comes", "s1": "s0", "s2": "s0", "s3": "s1", "s4": "s1", "s5": "s2", "s6": "s2"}
    found = []
    for number, (name, parent) in enumerate(parents.items()):
        start = {"created_at": T0 + timedelta(seconds=number), "started_at": T0 + timedelta(seconds=number)}
        where = {"trace_id": "t", "span_id": name, "source": Source.TRACE, **start}
        found.append(draft(f"t:{name}", **where, parent_id=parent, name=name, inputs={"n": number}, metadata={"a": 1}))
        end = {"ended_at": start["started_at"] + timedelta(seconds=2), "tokens_in": number, "cost": Decimal("0.01")}
        found.append(draft(f"t:{name}", **where, **end, outputs=number, error="boom" if number == 3 else ""))
    older = {"trace_id": "t", "span_id": "zz", "source": Source.TRACE, "created_at": T0 - timedelta(seconds=9)}
    return [*found, draft("t:zz", **older, tokens_in=100, tokens_out=5)]


SHOWN = (
    "external_id", "is_root", "parent_id", "name", "tokens", "cost", "latency_ms", "error", "trace_spans",
    "trace_tokens", "trace_cost", "trace_errors", "metadata", "input_hash",
)  # fmt: skip


def rows_of(project: Project) -> list[tuple]:
    rows = Record.objects.filter(project=project).order_by("external_id").values_list(*SHOWN)
    return [(*row[:-1], bytes(row[-1] or b"")) for row in rows]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_spans_in_any_order_twice_and_in_pieces_end_in_the_same_rows(db, data):
    order = data.draw(st.permutations(pieces()))
    order += data.draw(st.lists(st.sampled_from(order), max_size=4))
    expected, got = factories.project(), factories.project()
    ingest(expected, pieces(), "ci")
    while order:
        cut = data.draw(st.integers(1, 6))
        batch, order = order[:cut], order[cut:]
        ingest(got, batch, "ci")
    assert rows_of(got) == rows_of(expected)
    assert not any(recount(got.id).values())

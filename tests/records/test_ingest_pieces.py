"""Records that come in pieces: what these say together is stored, whatever their order and however they are cut."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.drafts import RecordDraft, ScoreDraft
from records.ids import uuid7
from records.ingest import ingest
from records.models import ModelPrice, Payload, Record, Score, Source
from records.prices import forget_own_prices
from tests import factories
from tests.records.recount import recount

T0 = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def piece(key: str = "a", **fields: object) -> RecordDraft:
    return RecordDraft(**{"external_id": key, "source": Source.API, "created_at": T0} | fields)


def span(name: str, parent: str = "", trace: str = "t", **fields: object) -> RecordDraft:
    return piece(f"{trace}:{name}", trace_id=trace, span_id=name, parent_id=parent, source=Source.TRACE, **fields)


def stored_in_every_order(pieces: list[dict], name: str) -> set:
    """What `name` is at the end, for every order, piece by piece and all in one batch."""
    found = set()
    for order in permutations(pieces):
        for cut in (1, len(pieces)):
            project = factories.project()
            drafts = [piece(**fields) for fields in order]
            for start in range(0, len(drafts), cut):
                ingest(project, drafts[start : start + cut], "ci")
            found.add(getattr(Record.objects.get(project=project), name))
            assert not any(recount(project.id).values())
    return found


@pytest.mark.parametrize(
    ("pieces", "name", "value"),
    [
        ([{"started_at": T0, "ended_at": T0}, {"ended_at": T0 + timedelta(seconds=3)}], "latency_ms", 3000),
        ([{"started_at": T0}, {"ended_at": T0 + timedelta(seconds=1)}, {"latency_ms": 700}], "latency_ms", 700),
        ([{"started_at": T0 + timedelta(days=99)}, {"ended_at": T0}], "latency_ms", 0),
        ([{"tokens_in": 3}, {"tokens_out": 4}], "tokens", 7),
        ([{"tokens_in": 3}, {"tokens_out": 4}, {"tokens": 11}], "tokens", 11),
        ([{"tokens_in": 2**31 - 1}, {"tokens_out": 2**31 - 1}], "tokens", 2**31 - 1),
        ([{"kind": "llm"}, {"kind": "other"}, {}], "kind", "llm"),
        ([{"error": "boom"}, {"error": ""}], "error", "boom"),
        ([{"truncated": True}, {}], "truncated", True),
        ([{"cost": Decimal("0.5")}, {"cost": Decimal("0.7"), "cost_estimated": True}], "cost", Decimal("0.5")),
    ],
)  # fmt: skip
def test_no_order_of_pieces_matters(db, pieces, name, value):
    assert stored_in_every_order(pieces, name) == {value}


def test_an_estimated_cost_is_that_of_all_pieces_together(db):
    ModelPrice.objects.create(model="house-1", input=1, output=10)
    forget_own_prices()
    pieces = [{"model": "house-1", "tokens_in": 1_000_000}, {"tokens_out": 1_000_000}]
    assert stored_in_every_order(pieces, "cost") == {Decimal(11)}
    assert stored_in_every_order(pieces, "cost_estimated") == {True}
    forget_own_prices()


def test_objects_are_joined_and_arrays_replaced(project):
    ingest(project, [piece(metadata={"a": 1, "b": 1}, metrics={"x": 1}, tags=["one", "two"], inputs={"q": 1})], "ci")
    ingest(project, [piece(metadata={"b": 2}, metrics={"y": 2}, tags=["three"], inputs={"r": 2})], "ci")
    record = Record.objects.get(project=project)
    assert record.metadata == {"a": 1, "b": 2} and record.metrics == {"x": 1, "y": 2}
    assert record.tags == ["three"]
    assert Payload.objects.get(project=project).inputs == {"r": 2}


def test_an_empty_list_of_tags_takes_them_away_and_none_leaves_them(project):
    ingest(project, [piece(tags=["one"])], "ci")
    ingest(project, [piece()], "ci")
    assert Record.objects.get(project=project).tags == ["one"]
    ingest(project, [piece(tags=[])], "ci")
    assert Record.objects.get(project=project).tags == []


def test_the_first_piece_fixes_what_the_record_is(project):
    first = ingest(project, [piece(trace_id="t", span_id="s")], "ci")
    later = piece(trace_id="other", span_id="s", source=Source.TRACE, created_at=T0 + timedelta(days=1))
    again = ingest(project, [later], "somebody else")
    record = Record.objects.get(project=project)
    assert again.ids == first.ids == [record.id]
    assert (record.trace_id, record.source, record.created_at, record.created_by) == ("t", Source.API, T0, "ci")
    assert not any(recount(project.id).values())


def test_a_later_piece_may_put_a_record_into_its_trace(project):
    factories.metric(project, "quality")
    ingest(project, [span("root", tokens=1)], "ci")
    ingest(project, [piece("mine", tokens=5, scores=[ScoreDraft("quality", {"numerical_value": 1}, key="1")])], "ci")
    ingest(project, [piece("mine", trace_id="t", span_id="child", parent_id="root")], "ci")
    assert Record.objects.get(project=project, span_id="root").trace_tokens == 6
    assert not any(recount(project.id).values())


def test_a_later_piece_that_does_not_name_the_trace_still_counts_in_it(project):
    ingest(project, [span("root"), piece("mine", trace_id="t", span_id="child", parent_id="root")], "ci")
    ingest(project, [piece("mine", tokens=5, cost=Decimal(1), error="boom")], "ci")
    root = Record.objects.get(project=project, span_id="root")
    assert (root.trace_tokens, root.trace_cost, root.trace_errors) == (5, 1, 1)
    assert not any(recount(project.id).values())


def test_a_span_sent_again_by_its_key_alone_counts_in_its_trace(project):
    ingest(project, [span("root")], "ci")
    ingest(project, [piece("t:root", tokens=5)], "ci")
    assert Record.objects.get(project=project).trace_tokens == 5
    assert not any(recount(project.id).values())


def test_a_piece_that_names_the_parent_makes_a_root_a_child(project):
    factories.metric(project, "quality")
    child = span("child", scores=[ScoreDraft("quality", {"numerical_value": 1}, key="1")])
    ingest(project, [span("root"), child], "ci")
    ingest(project, [span("child", "root")], "ci")
    assert not Record.objects.get(project=project, span_id="child").is_root
    assert not any(recount(project.id).values())


def test_a_repeated_batch_with_scores_changes_nothing(project):
    factories.metric(project, "quality")
    batch = [
        span(str(n), "0" if n else "", scores=[ScoreDraft("quality", {"numerical_value": 1}, key="k")])
        for n in range(9)
    ]
    for _ in range(3):
        result = ingest(project, batch, "ci")
    assert (result.created, result.updated) == (0, 9)
    assert Record.objects.filter(project=project).count() == Score.objects.filter(project=project).count() == 9
    assert not any(recount(project.id).values())


def test_a_span_that_names_itself_as_parent_is_a_root(project):
    ingest(project, [span("a", "a")], "ci")
    assert Record.objects.get(project=project).is_root
    assert not any(recount(project.id).values())


def test_spans_that_are_each_others_parents_still_have_a_root(project):
    """A malformed trace must be seen: one span of it leads, and carries the sums of all."""
    ingest(project, [span("a", "b", tokens=1)], "ci")
    ingest(project, [span("b", "a", tokens=2)], "ci")
    ingest(project, [span("a", "b", tokens=1), span("c", "a", tokens=4)], "ci")
    (root,) = Record.objects.filter(project=project, is_root=True)
    assert (root.trace_spans, root.trace_tokens) == (3, 7)
    assert Record.objects.filter(project=project, trace_spans=None).count() == 2
    found = recount(project.id)
    del found["is_root"]  # by its definition, such a trace has none
    assert not any(found.values())


def test_the_dearest_spans_fit_in_the_cost_of_their_trace(project):
    ingest(project, [span(str(n), "0" if n else "", cost=Decimal("99999999.99")) for n in range(20)], "ci")
    assert Record.objects.get(project=project, is_root=True).trace_cost == 20 * Decimal("99999999.99")
    assert not any(recount(project.id).values())


ROW = (
    "external_id",
    "is_root",
    "parent_id",
    "tokens",
    "cost",
    "latency_ms",
    "trace_spans",
    "trace_tokens",
    "trace_cost",
)


@st.composite
def forests(draw: st.DrawFn) -> list[RecordDraft]:
    """Spans of two traces, each under an earlier span, nothing, or a parent that never comes; whole or in halves."""
    drafts = []
    for n in range(draw(st.integers(2, 9))):
        trace = draw(st.sampled_from("xy"))
        earlier = [d.span_id for d in drafts if d.trace_id == trace]
        parent = draw(st.sampled_from(["", "never", *earlier]))
        at = {"created_at": T0 + timedelta(minutes=draw(st.integers(0, 200))), "id": uuid7(n, random.Random(n))}
        whole = {"started_at": T0, "ended_at": T0 + timedelta(seconds=n), "tokens_in": n, "cost": Decimal(n) / 100}
        if draw(st.booleans()):
            drafts.append(span(f"s{n}", parent, trace, **at, **whole))
        else:
            drafts.append(span(f"s{n}", parent, trace, **at, started_at=T0, tokens_in=n))
            drafts.append(span(f"s{n}", "", trace, **at, ended_at=T0 + timedelta(seconds=n), cost=Decimal(n) / 100))
    return drafts


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(forests(), st.data())
def test_any_forest_in_any_order_and_cut_ends_the_same(db, drafts, data):
    expected, got = factories.project(), factories.project()
    ingest(expected, drafts, "ci")
    order = data.draw(st.permutations(drafts)) + data.draw(st.lists(st.sampled_from(drafts), max_size=3))
    while order:
        cut = data.draw(st.integers(1, len(order)))
        ingest(got, order[:cut], "ci")
        order = order[cut:]
        assert not any(recount(got.id).values())

    def rows(project):
        return list(Record.objects.filter(project=project).order_by("external_id").values_list(*ROW))

    assert rows(got) == rows(expected)

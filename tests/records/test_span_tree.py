from datetime import UTC, datetime, timedelta

from records.ids import uuid7
from records.span_tree import Span, in_order, waterfall

START = datetime(2026, 1, 1, tzinfo=UTC)


def span(name: str, parent: str = "", at: float = 0, took: int | None = 100) -> Span:
    return Span(uuid7(), name, parent, name, "llm", START + timedelta(seconds=at), took)


def names(spans: list[Span]) -> list[tuple[str, int]]:
    return [(span.name, depth) for span, depth in in_order(spans)]


def test_children_follow_their_parent_in_the_order_of_their_start():
    spans = [span("c", "a", 2), span("b", "a", 1), span("d", "b", 1.5), span("a")]
    assert names(spans) == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]


def test_a_span_whose_parent_never_came_stands_at_the_top():
    assert names([span("a"), span("b", "gone", 1)]) == [("a", 0), ("b", 0)]


def test_spans_that_are_each_others_parents_are_all_shown_once():
    spans = [span("a", "b"), span("b", "a", 1), span("c", "c", 2)]
    assert sorted(name for name, _ in names(spans)) == ["a", "b", "c"]


def test_a_chain_of_five_thousand_spans_needs_no_recursion():
    spans = [span("0")] + [span(str(i), str(i - 1), i / 1000) for i in range(1, 5000)]
    assert names(spans)[-1] == ("4999", 4999)


def test_bars_lie_on_the_traces_own_scale():
    bars, seconds = waterfall([span("a", took=2000), span("b", "a", 1, 500)])
    assert seconds == 2.0
    assert [(bar.left, bar.width) for bar in bars] == [(0, 100), (50, 25)]


def test_a_span_that_has_not_ended_has_no_length():
    bars, _ = waterfall([span("a", took=None)])
    assert (bars[0].width, bars[0].seconds) == (0, None)

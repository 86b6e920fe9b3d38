from datetime import UTC, datetime, timedelta

from records.ids import uuid7
from records.span_tree import FIRST_ROWS, OPEN_LEVELS, Span, in_order, opened, tree_of

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


def test_two_records_that_call_themselves_the_same_span_are_both_there():
    assert names([span("a"), span("a", at=1), span("b", "a", 2)]) == [("a", 0), ("b", 1), ("a", 0)]


def test_the_tree_knows_children_and_parents():
    a, b, c = span("a"), span("b", "a", 1), span("c", "b", 2)
    children, parents = tree_of([c, b, a])
    assert (children[None], children[a.id], children[b.id]) == ([a], [b], [c])
    assert parents == {a.id: None, b.id: a.id, c.id: b.id}


def wide(groups: int, each: int) -> list[Span]:
    """A root with `groups` children, each with `each` of its own."""
    spans = [span("root")]
    for g in range(groups):
        spans.append(span(f"g{g}", "root", g))
        spans += [span(f"g{g}.{n}", f"g{g}", g + n / 1000) for n in range(each)]
    return spans


def test_a_long_trace_is_opened_breadth_first_until_it_fills_the_page():
    children, _ = tree_of(wide(100, 100))
    found = opened(children, None)
    assert children[None][0].id in found
    assert len(found) == 1 + (FIRST_ROWS - 101) // 100


def test_the_way_to_the_shown_span_is_open_however_long_the_trace():
    children, _ = tree_of(wide(100, 100))
    last = children[children[None][0].id][-1].id
    assert last not in opened(children, None) and last in opened(children, None, [last])


def test_a_deep_trace_is_opened_only_as_deep_as_browsers_nest():
    chain = [span("0")] + [span(str(i), str(i - 1), i / 1000) for i in range(1, 1000)]
    assert len(opened(tree_of(chain)[0], None, whole=True)) == OPEN_LEVELS - 1

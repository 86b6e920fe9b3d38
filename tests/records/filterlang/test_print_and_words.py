"""A filter is printed so that it reads back the same, said in words, and shown clause by clause."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.filterlang import (
    And,
    Compare,
    FilterError,
    Node,
    Not,
    Or,
    Text,
    Value,
    chips,
    in_words,
    joined,
    parse,
    quoted,
    to_text,
    unknown_names,
)
from tests.records.filterlang.names import VOCABULARY, compiled

BERLIN = ZoneInfo("Europe/Berlin")
WORDS = [
    ("", ""),
    ("status != completed metric.factuality:<0.5", "status is not completed and metric factuality is below 0.5"),
    ("created:>-7d", "created in the last 7 days"),
    ("created:<-1h", "created before the last hour"),
    ("created:2026-01-31", "created since 2026-01-31 (Europe/Berlin)"),
    ("created BETWEEN 2026-01-01 AND 2026-01-31", "created between 2026-01-01 and 2026-01-31 (Europe/Berlin)"),
    ("started < '2026-02-01T10:00+02:00'", "started before 1 Feb 2026 09:00 (Europe/Berlin)"),
    ("created >= '2026-06-01T05:00Z'", "created since 1 Jun 2026 07:00 (Europe/Berlin)"),
    (
        "created between '2026-06-01T05:00Z' and '2026-06-01T06:00:30Z'",
        "created between 1 Jun 2026 07:00 and 1 Jun 2026 08:00:30 (Europe/Berlin)",
    ),
    (
        "created:>-7d OR (tag:ci -model:gpt*)",
        "created in the last 7 days or (tag is ci and model does not start with gpt)",
    ),
    ("model:*4o model:*gpt*", "model ends with 4o and model contains gpt"),
    ("model:* error IS NULL", "model is given and error is missing"),
    ("customer IN (a, b, 'c d')", "customer is a, b or “c d”"),
    ("latency BETWEEN 1 AND 2 cost:>1", "latency is between 1 s and 2 s and cost is above $1"),
    ("metric.status:fail", "a metric fails"),
    ("metric.status != fail", "no metric fails"),
    ("metric.tone.status:errored -metric.safe.status:pass", "metric tone errored and metric safe does not pass"),
    ("metric.tone:(rude OR angry)", "metric tone is rude or angry"),
    ("refund -'free text'", "text contains “refund” and text does not contain “free text”"),
    ("inputs:refund", "inputs contains refund"),
    ("NOT (refund OR NOT tag:ci)", "not (text contains “refund” or tag is not ci)"),
    ("metadata.customer.tier = 'gold'", "metadata.customer.tier is “gold”"),
]


@pytest.mark.parametrize(("text", "words"), WORDS, ids=[case[0] for case in WORDS])
def test_a_filter_says_itself_in_words(text: str, words: str) -> None:
    assert in_words(parse(text, VOCABULARY), BERLIN) == words


def test_every_clause_is_a_chip_with_the_filter_without_it() -> None:
    text = "status:errored (tag:ci OR tag:gold) -model:gpt*"
    found = chips(parse(text, VOCABULARY))
    assert [chip.words for chip in found] == [
        "status is errored",
        "tag is ci or tag is gold",
        "model does not start with gpt",
    ]
    assert [chip.rest for chip in found] == [
        "(tag:ci OR tag:gold) NOT model:gpt*",
        "status:errored NOT model:gpt*",
        "status:errored (tag:ci OR tag:gold)",
    ]
    assert [text[chip.pos : chip.end] for chip in found] == ["status:errored", "tag:ci OR tag:gold", "-model:gpt*"]


def test_one_clause_leaves_the_empty_filter_and_the_empty_filter_has_no_chips() -> None:
    assert [chip.rest for chip in chips(parse("tag:ci", VOCABULARY))] == [""]
    assert [chip.rest for chip in chips(parse("tag:ci OR tag:gold", VOCABULARY))] == [""]
    assert chips(parse("", VOCABULARY)) == []


def test_two_equal_clauses_are_two_chips() -> None:
    assert [chip.rest for chip in chips(parse("tag:ci tag:ci", VOCABULARY))] == ["tag:ci", "tag:ci"]


def test_filters_are_joined_without_changing_what_either_means() -> None:
    node = joined(
        parse("tag:ci OR tag:gold", VOCABULARY), parse("", VOCABULARY), parse("error:x root:true", VOCABULARY)
    )
    assert to_text(node) == "(tag:ci OR tag:gold) error:x root:true"


def test_an_unknown_evaluator_is_no_error_but_pointed_out() -> None:
    text = "evaluator:(judge OR jugde) -rule:nightly"
    assert compiled(text).sql
    remarks = unknown_names(parse(text, VOCABULARY), VOCABULARY)
    assert [remark.message for remark in remarks] == ["no evaluator here is called 'jugde'; did you mean 'judge'?"]
    assert text[remarks[0].pos : remarks[0].end] == "jugde"


# ---- parse -> print -> parse
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8)
PLAIN_FIELDS = [
    "model",
    "name",
    "tag",
    "status",
    "latency",
    "created",
    "error",
    "inputs",
    "metric.tone",
    "metric.status",
]
RAW_WORDS = ["a", "gpt*", "*", "-7d", "-", "0.5", "2026-01-31", "é", "a.b", "{0}", "%s", "$1", "#x", "fail", "me"]


def fields() -> st.SearchStrategy[object]:
    known = {name: parse(f"{name}:x", VOCABULARY).field for name in PLAIN_FIELDS}
    paths = st.lists(KEYS, min_size=1, max_size=4).filter(lambda keys: sum(map(len, keys)) < 60)
    heads = st.sampled_from(["metadata", "metrics", "inputs", "outputs", "expected"])

    def at(head: str, keys: list[str]) -> object:
        return parse(f"{head}." + ".".join(quoted(key) for key in keys) + ":x", VOCABULARY).field

    return st.sampled_from(list(known.values())) | st.builds(at, heads, paths)


VALUES = (
    st.sampled_from(RAW_WORDS).map(lambda raw: Value(raw, "word"))
    | st.sampled_from(["true", "false"]).map(lambda raw: Value(raw, "bool"))
    | KEYS.map(lambda raw: Value(raw, "string"))
)
LEAVES = st.one_of(
    st.builds(
        lambda field, op, value: Compare(field, op, (value,)),
        fields(), st.sampled_from([":", "=", "<", "<=", ">", ">=", "like", "ilike", "contains"]), VALUES,
    ),
    st.builds(lambda field: Compare(field, "null"), fields()),
    st.builds(lambda field, a, b: Compare(field, "between", (a, b)), fields(), VALUES, VALUES),
    st.builds(
        lambda field, op, values: Compare(field, op, tuple(values)),
        fields(), st.sampled_from(["in", ":in"]), st.lists(VALUES, min_size=1, max_size=4),
    ),
    st.sampled_from(RAW_WORDS[:6]).map(lambda raw: Text(Value(raw, "word"))),
    KEYS.map(lambda raw: Text(Value(raw, "string"))),
)  # fmt: skip


def several(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    pair = st.lists(nodes, min_size=2, max_size=3).map(tuple)
    return st.one_of(pair.map(And), pair.map(Or), nodes.map(Not))


@given(st.recursive(LEAVES, several, max_leaves=12))
def test_what_is_printed_reads_back_the_same(node: Node) -> None:
    assert parse(to_text(node), VOCABULARY) == node


@given(st.recursive(LEAVES, several, max_leaves=6))
def test_taking_a_chip_away_leaves_a_filter_that_reads(node: Node) -> None:
    for chip in chips(node):
        assert parse(chip.text, VOCABULARY) is not None
        parse(chip.rest, VOCABULARY)
        assert chip.words


@given(st.text(max_size=200))
def test_any_text_is_a_filter_or_a_refusal_with_a_place(text: str) -> None:
    try:
        node = parse(text, VOCABULARY)
    except FilterError as error:
        assert 0 <= error.pos <= len(text)
        assert error.end > error.pos
        assert error.pretty()
        return
    assert parse(to_text(node), VOCABULARY) == node

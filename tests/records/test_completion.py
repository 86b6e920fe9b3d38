"""What completion offers for a text and a caret (written |), and what it puts where."""

import pytest

from records.completion import Key, asked, suggestions
from records.filterlang import Compare, MetricInfo, Vocabulary, parse
from records.models import ValueType

VOCABULARY = Vocabulary(
    {
        "quality": MetricInfo(1, "quality", "Quality", ValueType.NUMERICAL),
        "tone": MetricInfo(2, "tone", "Tone", ValueType.CATEGORICAL, ("kind", "very rude")),
        "safe": MetricInfo(3, "safe", "Safe", ValueType.BOOLEAN),
    },
    {"ann": 1},
    1,
)


def offered(marked: str, seen=(), keys=()):
    at = marked.index("|")
    text = marked.replace("|", "")
    return text, suggestions(asked(text, at, VOCABULARY), VOCABULARY, seen, keys)


def results(marked: str, seen=(), keys=()) -> list[str]:
    """The whole text after each choice."""
    text, found = offered(marked, seen, keys)
    return [text[: one.start] + one.insert + text[one.end :] for one in found]


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        ("mod|", "model:"),
        ("MOD|", "model:"),
        ("status:completed mod|", "status:completed model:"),
        ("mo| status:completed", "model: status:completed"),
        ("m|od", "model:"),
        ("(mod|", "(model:"),
        ("-mod|", "-model:"),
        ("NOT mod|", "NOT model:"),
        ("a OR mod|", "a OR model:"),
        ("lat|", "latency"),
        ("inp|", "inputs:"),
        ("in|", "inputs:"),
        ("metric.qu|", "metric.quality"),
        ("metric.tone.st|", "metric.tone.status:"),
        ("latency|", "latency:>"),
        ("latency |", "latency:>"),
        ("latency be|", "latency BETWEEN "),
        ("model i|", "model IN ("),
        ("created|", "created:>"),
        ("status:|", "status:unscored "),
        ("status:comp|", "status:completed "),
        ("status = e|", "status = errored "),
        ("status != e|", "status != errored "),
        ("status:(completed OR e|", "status:(completed OR errored"),
        ("status IN (completed, e|", "status IN (completed, errored"),
        ("status NOT IN (e|", "status NOT IN (errored"),
        ("status IS NOT e|", "status IS NOT errored "),
        ("root:t|", "root:true "),
        ("metric.safe:f|", "metric.safe:false "),
        ("metric.tone:v|", 'metric.tone:"very rude" '),
        ("metric.status:f|", "metric.status:fail "),
        ("metric.quality:|", "metric.quality.status:fail "),
        ("model:x metric.quality:fa|", "model:x metric.quality.status:fail "),
        ("metric.tone:pa|", "metric.tone.status:pass "),
        ("assigned:a|", "assigned:ann "),
        ("created:>|", "created:>-1h "),
        ("created:>-7|", "created:>-7d "),
        ("created BETWEEN -30d AND -1|", "created BETWEEN -30d AND -1h "),
        ("status:e|rr foo", "status:errored  foo"),
    ],
)
def test_the_first_choice(marked, first):
    assert results(marked)[0] == first


@pytest.mark.parametrize(
    "marked",
    [
        '"free te|',
        '"closed"|',
        "nothing_like_it|",
        "modle:x|",
        "model:-f|",
        "latency:>|",
        'model:"gpt"|',
        "id:|",
        "metric.quality:>|",
        "metric.quality.version:|",
    ],
)
def test_nothing_is_offered_where_nothing_fits(marked):
    assert results(marked) == []


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("gpt-4o", "gpt-4o"),
        ("a b", '"a b"'),
        ("gpt*", '"gpt*"'),
        ("or", '"or"'),
        ("-x", '"-x"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a'b", '"a\'b"'),
        ("a:b", '"a:b"'),
        ("back\\slash", r'"back\\slash"'),
        ("<script>", '"<script>"'),
        ("\u202eevil", "\u202eevil"),
        ("--", '"--"'),
        ("/*", '"/*"'),
        ("null", '"null"'),
        ("#1", '"#1"'),
    ],
)
def test_a_value_seen_is_written_so_that_it_means_itself(value, written):
    (made,) = results("model:|", [value])
    assert made == f"model:{written} "
    node = parse(made, VOCABULARY)
    assert isinstance(node, Compare) and node.values[0].raw == value


@pytest.mark.parametrize(
    "key", ["plan", "two words", "a.b", 'say "hi"', "a'b", "or", "<b>", "$.x", "back\\slash", "{0}", "%s", "ключ", "*"]
)
def test_any_key_is_written_so_that_it_means_itself(key):
    (made,) = results("metadata.|", keys=[Key(key)])
    node = parse(f"{made}1", VOCABULARY)
    assert isinstance(node, Compare) and node.field.path == (key,)


def test_keys_go_on_below_keys_and_into_open_quotes():
    assert results("metadata.customer.ti|", keys=[Key("tier")]) == ["metadata.customer.tier:"]
    assert results("metadata.cus|", keys=[Key("customer", nested=True)]) == ["metadata.customer."]
    assert results('metadata."two w|', keys=[Key("two words")]) == ['metadata."two words":']
    assert asked('metadata."a b".c', 16, VOCABULARY).path == ("a b",)
    assert results("metadata.|", keys=[Key("x" * 65), Key("")]) == []
    assert "metrics.latency:" in results("metrics.lat|")


def test_values_are_offered_inside_an_open_quote():
    assert results('model:"gp|', ["gpt 4"]) == ['model:"gpt 4" ']


def test_a_value_that_begins_so_comes_before_one_that_holds_it():
    _, found = offered("model:gpt|", ["my-gpt", "gpt-4o"])
    assert [one.label for one in found] == ["gpt-4o", "my-gpt"]


@pytest.mark.parametrize(
    "text", ["'", '"', ";;", ")", "((", ":", "a.b.c:", "NOT NOT", "= =", "x BETWEEN", "-", "..", "😀 mod"]
)
def test_no_text_breaks_it_wherever_the_caret_is(text):
    for at in range(-1, len(text) + 2):
        suggestions(asked(text, at, VOCABULARY), VOCABULARY)

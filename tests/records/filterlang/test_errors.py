"""Every refusal says what, where, and what was probably meant."""

import pytest

from records.filterlang import FilterError, Vocabulary
from tests.records.filterlang.names import VOCABULARY, compiled

# text with the place between « and », and a part of the message
CASES = [
    ("«modle»:gpt", "unknown field 'modle'; did you mean 'model'?"),
    ("status:fail OR «metrik.x»:1", "unknown field"),
    ("«metric.factualty»:<1", "did you mean 'metric.factuality'?"),
    ("«metric.tone.statis»:fail", "did you mean 'status'?"),
    ("status:«complete»", "did you mean 'completed'?"),
    ("metric.tone:«ruude»", "did you mean 'Rude'?"),
    ("metric.status:«failed»", "did you mean 'fail'?"),
    ("kind:«lm»", "did you mean 'llm'?"),
    ("source IN (api, «trce»)", "did you mean 'trace'?"),
    ("«status» > completed", "> cannot be used with status"),
    ("«status» LIKE 'c%'", "LIKE cannot be used with status"),
    ("«id» > 5", "ids can only be compared"),
    ("id:«12»", "expected a record's id"),
    ("trace:«ab*»", "compared as a whole"),
    ("latency:«fast»", "expected one such as 0.5"),
    ("latency:«'1'»", "expected one such as 0.5"),
    ("«latency» CONTAINS 1", "it is a number"),
    ("latency = «1e999»", "expected one such as 0.5"),
    ("cost > «NaN»", "expected one such as 0.5"),
    ("cost > «0x10»", "expected one such as 0.5"),
    ("tokens > «1234567890123456»", "expected one such as 0.5"),
    ("tokens > «１２»", "expected one such as 0.5"),
    ("created:«soon»", "expected a date"),
    ("created:«2026-02-30»", "expected a date"),
    ("created:«'9999-12-31T23:59:59-23:59'»", "expected a date"),
    ("created:«0001-01-01»", "expected a date"),
    ("created:>«-99999999d»", "expected a date"),
    ("«created» LIKE '2026%'", "it is a time"),
    ("root:«maybe»", "expected true or false"),
    ("metric.safe:«yep»", "expected true or false"),
    ("«metric.tone» < rude", "it is one of Rude, angry, kind"),
    ("«metric.note» > a", "it is text"),
    ("«tag» > a", "tags can be compared with"),
    ("«evaluator» > a", "names can be compared with"),
    ("«assigned» LIKE a", "people can only be compared"),
    ("assigned:«bob»", "nobody here is called 'bob'"),
    ("model LIKE «'a\\\\'»", "must not end with a backslash"),
    ("metadata.x LIKE «'a\\\\'»", "must not end with a backslash"),
    ("«''»", "nothing to search for"),
    ('inputs:«""»', "nothing to search for"),
    ("model >«»", "a value is missing here"),
    ("model = «)»", "a value is missing here"),
    ("model = «=» 1", "a value is missing here"),
    ("model > «NULL»", "NULL can only be compared with"),
    ("model IN («NULL»)", "NULL can only be compared with"),
    ("model IN («)»", "a value is missing here"),
    ("model IN «a»", "expected '(' after IN"),
    ("model IN (a «b»)", "expected ',' or ')'"),
    ("latency BETWEEN 1 «OR» 2", "expected AND"),
    ("model:a «)»", "no matching '('"),
    ("«(»model:a", "never closed"),
    ('model:«"»abc', "this quote is never closed"),
    ("«'»it", "this quote is never closed"),
    ("«AND» model:a", "a condition is missing here"),
    ("model:a OR«»", "a condition is missing here"),
    ("NOT«»", "a condition is missing here"),
    ("(«)»", "a condition is missing here"),
    ("«=» 5", "a condition is missing here"),
    ("«lower»(model) = 'a'", "functions such as lower() are not supported"),
    ("model = «lower»('a')", "functions such as lower() are not supported"),
    ("model:a«;» DROP TABLE record", "cannot be joined with ';'"),
    ("model = a «--» x", "not part of the filter language"),
    ("model = a «/*» x */", "not part of the filter language"),
    ("model = a «UNION» SELECT 1", "not part of the filter language"),
    ("«EXISTS» (SELECT 1)", "not part of the filter language"),
    ("error «NOT» IS NULL", "write IS NOT"),
    ("«metadata»:x", "write metadata.<name>"),
    ("«metadata.»:x", "write metadata.<name>"),
    ("«metadata..x»:1", "write metadata.<name>"),
    ("«metadata.a.b.c.d.e.f.g.h.i»:1", "at most 8 levels"),
    (f"«metadata.{'k' * 65}»:1", "64 characters"),
    ("model:«\x00»", "not allowed"),
    ("a«\ud800»b", "not allowed"),
    ("«*»:*", "unknown field '*'"),
]


@pytest.mark.parametrize(("marked", "message"), CASES, ids=[repr(case[0][:50]) for case in CASES])
def test_a_refusal_points_at_its_place(marked: str, message: str) -> None:
    pos, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(FilterError) as caught:
        compiled(text)
    error = caught.value
    assert message in error.message
    if end > pos:
        assert (error.pos, error.end) == (pos, end)
    else:  # something is missing at the end: the caret stands under or behind the last character
        assert error.pos in (pos - 1, pos)


def test_a_terminal_sees_a_caret_under_the_place() -> None:
    with pytest.raises(FilterError) as caught:
        compiled("modle:gpt")
    assert caught.value.pretty() == (
        "unknown field 'modle'; did you mean 'model'? (at character 1)\n  modle:gpt\n  ^^^^^"
    )


def test_nobody_is_me_where_nobody_is_signed_in() -> None:
    with pytest.raises(FilterError, match="nobody is signed in"):
        compiled("assigned:me", Vocabulary())


LIMITS = [
    ("x" * 4_001, "4,001 characters long; the limit is 4,000"),
    ("x " * 101, "more than 100 conditions"),
    ("(" * 31 + "x" + ")" * 31, "more than 30 nested parentheses"),
    (f"model IN ({','.join(['a'] * 201)})", "more than 200 values"),
    ("x" * 1_000_000, "the limit is 4,000"),
]


@pytest.mark.parametrize(("text", "message"), LIMITS, ids=["characters", "conditions", "depth", "list", "a megabyte"])
def test_a_limit_is_named(text: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        compiled(text)
    assert message in caught.value.message
    assert len(caught.value.pretty()) < 500


@pytest.mark.parametrize(
    "text", ["x " * 100, "(" * 30 + "x" + ")" * 30, f"model IN ({','.join(['a'] * 200)})", "NOT " * 900 + "x"]
)
def test_what_is_just_within_the_limits_is_taken(text: str) -> None:
    assert compiled(text, VOCABULARY).sql

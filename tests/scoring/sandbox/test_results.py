"""What an evaluator may ask for and return, and what its author is told when something is wrong."""

import pytest

from scoring.sandbox import Problem

ROW = {
    "input": "question",
    "output": {"answer": 42},
    "expected": None,
    "metadata": {"model": "m"},
    "metrics": {"latency": 1.5},
    "messages": [],
}


@pytest.mark.parametrize(
    ("snippet", "value"),
    [
        ("def evaluate(): return 1", 1),
        ("def evaluate(): return 0.25", 0.25),
        ("def evaluate(): return True", True),
        ("def evaluate(): return 'good'", "good"),
        ("def evaluate(): return ['good', 'short']", ["good", "short"]),
        ("def evaluate(): return ('good',)", ["good"]),
        ("from decimal import Decimal\ndef evaluate(): return Decimal('0.5')", 0.5),
        ("from fractions import Fraction\ndef evaluate(): return Fraction(1, 4)", 0.25),
        ("def evaluate(): return 10**30", 1e30),
        ("def evaluate(): return {'score': 3}", 3),
        ("def evaluate(input, output): return f'{input} {output[\"answer\"]}'", "question 42"),
        ("def evaluate(inputs, outputs): return f'{inputs} {outputs[\"answer\"]}'", "question 42"),
        ("def evaluate(expected, metadata, metrics): return str([expected, metadata, metrics])",
         "[None, {'model': 'm'}, {'latency': 1.5}]"),
        ("def evaluate(trace): return trace is None", True),
        ("def evaluate(output, *, metrics, threshold=2): return metrics['latency'] < threshold", True),
        ("def evaluate(output, **rest): return sorted(rest)", ["expected", "input", "messages", "metadata", "metrics"]),
        ("def main(eval_inputs): return sorted(eval_inputs)", sorted(ROW)),
        ("evaluate = lambda output: output['answer']", 42),
        ("import re, json, math, statistics, difflib, datetime\ndef evaluate():\n"
         "    return math.sqrt(json.loads('16')) + len(re.findall('a', 'banana'))", 7.0),
        ("from datetime import datetime\ndef evaluate(): return datetime.strptime('2026-01-02', '%Y-%m-%d').day", 2),
    ],
)  # fmt: skip
def test_an_evaluator_gets_what_it_asks_for_by_name_and_its_value_comes_back(run, snippet, value):
    (outcome,) = run(snippet, ROW)
    assert (outcome.error, outcome.skipped) == (None, None)
    assert outcome.value == value and type(outcome.value) is type(value)


def test_a_dict_carries_score_and_reasoning(run):
    (outcome,) = run("def evaluate(): return {'score': 0.5, 'reasoning': 'half of it'}")
    assert (outcome.value, outcome.reasoning) == (0.5, "half of it")


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("None", "it returned None"),
        ("{'score': None}", "the score was None"),
        ("{'score': None, 'reasoning': 'nothing to compare with'}", "nothing to compare with"),
    ],
)
def test_none_is_skipped_with_its_reason(run, returned, reason):
    (outcome,) = run(f"def evaluate(): return {returned}")
    assert (outcome.value, outcome.skipped, outcome.error) == (None, reason, None)


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        ("float('nan')", "returned nan, which is no number"),
        ("-float('inf')", "returned -inf"),
        ("10**400", "a number that is too large"),
        ("1j", "returned a complex; it may return a number, a bool"),
        ("[1, 2]", "a list with an int in it"),
        ("[None]", "a list with a NoneType in it"),
        ("{'a'}", "returned a set"),
        ("b'bytes'", "returned a bytes"),
        ("(n for n in 'abc')", "returned a generator"),
        ("evaluate", "returned a function"),
        ("object()", "returned an object"),
        ("{}", "a dict without score"),
        ("{'score': 1, 'resoning': 'x'}", "a dict with resoning"),
        ("{'score': {'score': 1}}", "returned a dict"),
        ("{'score': 1, 'reasoning': 5}", "a reasoning that is no string but an int"),
        ("'x' * 100_000", "returned 100,000 characters; a result may have 65,536"),
        ("[''] * 100_000", "returned 100,000 characters"),
        ("{'score': 1, 'reasoning': 'x' * 100_000}", "a reasoning of 100,000 characters"),
    ],
)
def test_what_no_score_can_be_is_an_error_that_says_so(run, returned, says):
    (outcome,) = run(f"def evaluate():\n    return {returned}")
    assert outcome.value is None and says in outcome.error


def test_an_error_names_the_line_of_the_snippet(run):
    snippet = (
        "import json\n\ndef parse(text):\n    return json.loads(text)\n\ndef evaluate(output): return parse(output)"
    )
    (outcome,) = run(snippet, {"output": "{"})
    assert outcome.line == 4
    assert outcome.error.startswith("JSONDecodeError: Expecting property name") and outcome.error.endswith("(line 4)")


def test_one_rows_error_is_its_own(run):
    first, second, third = run("def evaluate(output): return 6 / output", *({"output": n} for n in (3, 0, 2)))
    assert (first.value, third.value) == (2.0, 3.0)
    assert second.error == "ZeroDivisionError: division by zero (line 1)"
    assert [first.index, second.index, third.index] == [0, 1, 2]


@pytest.mark.parametrize(
    ("snippet", "message", "line"),
    [
        ("def evaluate(:\n", "SyntaxError: invalid syntax", 1),
        ("x = 1\n  y = 2", "IndentationError: unexpected indent", 2),
        ("def evaluat(output): return 1", "the snippet must define a function evaluate(input, output, ...)", None),
        ("evaluate = 5", "the snippet must define a function", None),
        ("", "the snippet must define a function", None),
        ("\ndef evaluate(answer): return 1", "evaluate() asks for 'answer'; it may ask for input, inputs", 2),
        ("def evaluate(output, /): return 1", "gets its arguments by name", 1),
        ("async def evaluate(output): return 1", "must be a plain function, not async", 1),
        ("import numpy", "ModuleNotFoundError: there is no module 'numpy' here", 1),
        ("import math\n1 / 0", "ZeroDivisionError", 2),
        ("a\0b", "SyntaxError: source code string cannot contain null bytes", None),
        ("'" + "x" * 70_000 + "'", "a snippet may have 64 KB", None),
        ("def evaluate(): return '\ud800'", "UnicodeEncodeError", None),
    ],
)
def test_a_snippet_that_is_no_evaluator_is_found_by_the_check_and_errs_on_every_row(
    sandbox, run, snippet, message, line
):
    if "\ud800" in snippet:
        assert sandbox.check(snippet) == []  # half a surrogate pair becomes a question mark
        return
    (problem,) = sandbox.check(snippet)
    assert message in problem.message and problem.line == line
    outcomes = run(snippet, {}, {})
    assert [outcome.error for outcome in outcomes] == [str(problem)] * 2


def test_the_check_finds_nothing_wrong_with_an_evaluator_and_does_not_call_it(sandbox):
    assert sandbox.check("def evaluate(output): raise ValueError") == []


def test_a_problem_says_its_line():
    assert str(Problem("invalid syntax", 3)) == "invalid syntax (line 3)"
    assert str(Problem("no evaluate")) == "no evaluate"


def test_what_is_printed_is_kept_a_row_at_a_time(run):
    snippet = "import sys\ndef evaluate(output):\n    print(output)\n    print('err', file=sys.stderr)\n    return 1"
    first, second = run(snippet, {"output": "a"}, {"output": "b"})
    assert (first.output, second.output) == ("a\nerr\n", "b\nerr\n")


def test_a_row_of_any_shape_is_given_or_refused_with_the_reason(run):
    deep: list = []
    for _ in range(2000):
        deep = [deep]
    first, second, third = run(
        "def evaluate(output): return str(output)", {"output": 1}, {"output": deep}, {"output": 2}
    )
    assert (first.value, third.value) == ("1", "2")
    assert "cannot be given to an evaluator" in second.error


def test_text_that_the_database_cannot_keep_is_repaired(run):
    (outcome,) = run(r"def evaluate(): return {'score': 'a\0b', 'reasoning': '\ud800'}")
    assert (outcome.value, outcome.reasoning) == ("a\ufffdb", "\ufffd")


def test_no_rows_are_no_work(sandbox):
    assert list(sandbox.run("nonsense(", [])) == []

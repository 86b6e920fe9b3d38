"""The built-in evaluators, as tables: settings and a record in, a value (or why there is none) out."""

import pytest
from pydantic import ValidationError

from records.models import ScoreStatus
from scoring.builtins import BUILTINS, NoVerdict, needs_provider, run, settings_of
from scoring.verdicts import Verdict

ERROR, SKIP = object(), object()


def judged(key: str, settings: dict, output=None, expected=None, **inputs) -> Verdict:
    return run(key, settings_of(key, settings), {"output": output, "expected": expected, **inputs})


CASES = [
    # key, settings, output, expected, value
    ("exact_match", {}, "Yes", "Yes", True),
    ("exact_match", {}, "Yes", "yes", False),
    ("exact_match", {"ignore_case": True}, "Yes", "yes", True),
    ("exact_match", {}, " Yes\n", "Yes", True),
    ("exact_match", {"ignore_space": False}, " Yes\n", "Yes", False),
    ("exact_match", {}, {"a": 1, "b": [2, 3]}, {"b": [2, 3], "a": 1.0}, True),
    ("exact_match", {}, {"a": 1, "b": [2, 3]}, {"b": [3, 2], "a": 1}, False),
    ("exact_match", {}, '{"a": 1, "b": 2}', {"b": 2, "a": 1}, True),
    ("exact_match", {}, '{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
    ("exact_match", {}, "42", 42, True),
    ("exact_match", {}, True, 1, False),
    ("exact_match", {}, [1], [1, 2], False),
    ("exact_match", {"value": "output.answer"}, {"answer": "x"}, "x", True),
    ("exact_match", {"value": "outputs.0.a"}, [{"a": "x"}], "x", True),
    ("exact_match", {"value": "output.answer"}, '{"answer": "x"}', "x", True),
    ("exact_match", {"value": "output.nope"}, {"answer": "x"}, "x", ERROR),
    ("exact_match", {"value": "output.answer"}, "no json", "x", ERROR),
    ("exact_match", {}, "x", None, SKIP),
    ("exact_match", {}, None, "x", SKIP),
    ("contains", {"texts": ["refund", "days"]}, "A Refund in 5 days", None, True),
    ("contains", {"texts": ["refund", "weeks"]}, "A refund in 5 days", None, False),
    ("contains", {"texts": ["refund", "weeks"], "wanted": "any"}, "A refund", None, True),
    ("contains", {"texts": ["sorry"], "wanted": "none"}, "A refund", None, True),
    ("contains", {"texts": ["Sorry"], "wanted": "none"}, "sorry!", None, False),
    ("contains", {"texts": ["Sorry"], "ignore_case": False}, "sorry!", None, False),
    ("contains", {}, "The answer is 42.", "42", True),
    ("contains", {}, "Red and blue", ["red", "blue"], True),
    ("contains", {}, "Red", [], ERROR),
    ("contains", {}, {"k": "refund"}, "refund", True),
    ("regex", {"pattern": r"#\d+"}, "order #17", None, True),
    ("regex", {"pattern": r"#\d+", "whole": True}, "order #17", None, False),
    ("regex", {"pattern": "ORDER", "ignore_case": True}, "order #17", None, True),
    ("regex", {"pattern": "(?i)sorry", "absent": True}, "Sorry", None, False),
    ("regex", {"pattern": "^ü+$"}, "üü", None, True),
    ("regex", {"pattern": "x"}, None, None, SKIP),
    ("json_schema", {}, '{"a": 1}', None, True),
    ("json_schema", {}, "{'a': 1}", None, False),
    ("json_schema", {}, '{"a": NaN}', None, False),
    ("json_schema", {}, {"a": 1}, None, True),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"a": 1}', None, True),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, '{"b": 1}', None, False),
    ("json_schema", {"schema": {"type": "object", "required": ["a"]}}, "[]", None, False),
    ("json_schema", {"schema": {"pattern": "^a+$"}}, '"aaa"', None, True),
    ("json_schema", {"schema": {"pattern": "^a+$"}}, '"b"', None, False),
    ("json_schema", {"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}}, "3", None, True),
    ("json_schema", {"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}}, "3.5", None, False),
    ("json_schema", {"schema": {"$ref": "#/$defs/none"}}, "3", None, ERROR),
    ("json_schema", {"value": "output.x"}, {"x": "[1]"}, None, True),
    ("json_diff", {}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, 1.0),
    ("json_diff", {}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3, "d": 4}, 0.5),
    ("json_diff", {}, '{"a": "kitten"}', {"a": "sitting"}, 1 - 3 / 7),
    ("json_diff", {"partial": False}, '{"a": "kitten"}', {"a": "sitting"}, 0.0),
    ("json_diff", {}, [1, 2], [1, 2, 3, 4], 0.5),
    ("json_diff", {}, {"n": 9}, {"n": 11}, 0.9),
    ("json_diff", {}, {"n": True}, {"n": 1}, 0.0),
    ("json_diff", {}, {}, {}, 1.0),
    ("json_diff", {}, {"a": {"b": [1, None]}}, {"a": {"b": [1, None]}}, 1.0),
    ("json_diff", {}, "{broken", {"a": 1}, ERROR),
    ("json_diff", {}, "plain", {"a": 1}, 0.0),
    ("levenshtein", {}, "kitten", "sitting", 1 - 3 / 7),
    ("levenshtein", {}, "same", "same", 1.0),
    ("levenshtein", {}, "", "", 1.0),
    ("levenshtein", {}, "abc", "xyz", 0.0),
    ("levenshtein", {"ignore_case": True}, "ABC", "abc", 1.0),
    ("levenshtein", {}, "x" * 100_001, "x", ERROR),
    ("numeric_tolerance", {}, 3, 3.0, True),
    ("numeric_tolerance", {}, "3", 3, True),
    ("numeric_tolerance", {}, " 3.10 ", "3.1", True),
    ("numeric_tolerance", {}, "three", 3, ERROR),
    ("numeric_tolerance", {}, "nan", 3, ERROR),
    ("numeric_tolerance", {}, "1_000", 1000, ERROR),
    ("numeric_tolerance", {}, True, 1, ERROR),
    ("numeric_tolerance", {}, 3, {"n": 3}, ERROR),
    ("numeric_tolerance", {"absolute": 0.5}, 3.4, 3, True),
    ("numeric_tolerance", {"absolute": 0.25}, 3.5, 3, False),
    ("numeric_tolerance", {"relative": 0.01}, 101, 100, True),
    ("numeric_tolerance", {"relative": 0.01}, 102, 100, False),
    ("numeric_tolerance", {"take": "last"}, "2 apples and 1,200 pears", 1200, True),
    ("numeric_tolerance", {"take": "first"}, "-2.5e3 apples and 3", -2500, True),
    ("numeric_tolerance", {"take": "first"}, "none", 3, ERROR),
    ("numeric_closeness", {}, 9, 11, 0.9),
    ("numeric_closeness", {}, 0, 0, 1.0),
    ("numeric_closeness", {}, 5, -5, 0.0),
    ("numeric_closeness", {}, 0, 7, 0.0),
    ("list_overlap", {}, ["a", "b"], ["b", "a"], 1.0),
    ("list_overlap", {}, ["a", "b"], ["b", "c"], 0.5),
    ("list_overlap", {"measure": "precision"}, ["a", "b", "c", "d"], ["a"], 0.25),
    ("list_overlap", {"measure": "recall"}, ["a", "b", "c", "d"], ["a"], 1.0),
    ("list_overlap", {"measure": "jaccard"}, ["a", "b"], ["b", "c"], 1 / 3),
    ("list_overlap", {"match": "ignore case"}, ["A"], ["a"], 1.0),
    ("list_overlap", {"match": "similar"}, ["colour"], ["color"], 1.0),
    ("list_overlap", {"match": "similar", "similar_from": 0.9}, ["colour"], ["color"], 0.0),
    ("list_overlap", {"match": "similar"}, ["colour", "color"], ["color"], 2 / 3),
    ("list_overlap", {}, '["a"]', ["a"], 1.0),
    ("list_overlap", {"separator": ","}, "a, b,", ["a", "b"], 1.0),
    ("list_overlap", {}, [{"x": 1, "y": 2}], [{"y": 2, "x": 1}], 1.0),
    ("list_overlap", {}, [], [], 1.0),
    ("list_overlap", {}, [], ["a"], 0.0),
    ("list_overlap", {"measure": "recall"}, ["a"], [], 1.0),
    ("list_overlap", {}, "a, b", ["a"], ERROR),
    ("list_overlap", {}, {"a": 1}, ["a"], ERROR),
    ("length", {}, "four", None, 4),
    ("length", {"unit": "words"}, "two  words", None, 2),
    ("length", {"unit": "lines"}, "one\ntwo", None, 2),
    ("length", {"unit": "items"}, [1, 2, 3], None, 3),
    ("length", {"unit": "items"}, "text", None, ERROR),
    ("length", {"at_most": 3}, "four", None, False),
    ("length", {"at_least": 3, "at_most": 4}, "four", None, True),
]


@pytest.mark.parametrize(("key", "settings", "output", "expected", "value"), CASES)
def test_a_built_in_evaluator_gives_the_value_of_the_table(key, settings, output, expected, value):
    verdict = judged(key, settings, output, expected)
    if value is ERROR:
        assert verdict.status == ScoreStatus.ERRORED and verdict.error and verdict.raw is None
    elif value is SKIP:
        assert verdict.status == ScoreStatus.SKIPPED and verdict.reasoning and verdict.raw is None
    else:
        assert verdict.status == ScoreStatus.COMPLETED, verdict.error
        assert verdict.raw == pytest.approx(value) and isinstance(verdict.raw, bool) == isinstance(value, bool)


def test_latency_and_cost_are_read_from_the_metrics():
    metrics = {"latency": 2.5, "time_to_first_token": 0.5, "cost": 0.01}
    assert judged("latency", {}, metrics=metrics).raw == 2.5
    assert judged("latency", {"measure": "time_to_first_token", "at_most": 1}, metrics=metrics).raw is True
    assert judged("latency", {"at_most": 1}, metrics=metrics).raw is False
    assert judged("cost", {}, metrics=metrics).raw == 0.01
    assert judged("cost", {"at_most": 0.001}, metrics=metrics).raw is False
    assert judged("cost", {}, metrics={}).status == ScoreStatus.SKIPPED


@pytest.mark.parametrize(
    ("key", "settings", "field"),
    [
        ("regex", {}, "pattern"),
        ("regex", {"pattern": "("}, "pattern"),
        ("regex", {"pattern": r"(a)\1"}, "pattern"),
        ("regex", {"pattern": "(?=a)"}, "pattern"),
        ("regex", {"pattern": "a{1000}{1000}"}, "pattern"),
        ("json_schema", {"schema": {"type": "wrong"}}, "schema"),
        ("json_schema", {"schema": []}, "schema"),
        ("json_schema", {"schema": {"pattern": "(?=a)"}}, "schema"),
        ("json_schema", {"schema": {"$ref": "https://example.com/schema.json"}}, "schema"),
        ("json_schema", {"schema": {"$schema": "https://example.com/own"}}, "schema"),
        ("json_schema", {"schema": {"patternProperties": {"a": {}}}}, "schema"),
        ("exact_match", {"value": "answer"}, "value"),
        ("exact_match", {"value": "output..a"}, "value"),
        ("exact_match", {"nope": 1}, "nope"),
        ("numeric_tolerance", {"absolute": -1}, "absolute"),
        ("length", {"unit": "pages"}, "unit"),
    ],
)
def test_wrong_settings_are_refused_by_name(key, settings, field):
    with pytest.raises(ValidationError) as caught:
        settings_of(key, settings)
    assert caught.value.errors()[0]["loc"][0] == field


def test_limits_the_wrong_way_round_are_refused():
    with pytest.raises(ValidationError, match="nothing could pass"):
        settings_of("length", {"at_least": 5, "at_most": 4})


def test_a_pattern_that_is_slow_elsewhere_is_not_slow_here():
    assert judged("regex", {"pattern": "(a+)+$"}, "a" * 50_000 + "b").raw is False
    assert judged("json_schema", {"schema": {"pattern": "^(a+)+$"}}, '"' + "a" * 50_000 + 'b"').raw is False


def test_embeddings_are_compared_by_their_angle():
    assert [key for key in BUILTINS if needs_provider(key)] == ["embedding_similarity"]
    kind = BUILTINS["embedding_similarity"]
    settings = settings_of(kind.key, {"provider_id": 1, "model": "m", "floor": 0.5})
    assert kind.texts({"output": "a", "expected": {"b": 1}}, settings) == ["a", '{"b": 1}']
    with pytest.raises(NoVerdict):
        kind.texts({"output": "a", "expected": None}, settings)
    for vectors, value in [([[1, 0], [2, 0]], 1), ([[1, 0], [0, 1]], 0), ([[1, 0], [0.75, 0.6614378]], 0.5)]:
        assert kind.compare(vectors, settings).raw == pytest.approx(value)
    for vectors in ([[1, 0], [1]], [[0, 0], [1, 1]], [[], []]):
        assert kind.compare(vectors, settings).status == ScoreStatus.ERRORED


def test_every_kind_says_what_it_is():
    for kind in BUILTINS.values():
        assert kind.name and kind.description
        for field in kind.settings.model_fields.values():
            assert field.title

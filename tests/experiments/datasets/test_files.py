"""Files of items: rows of columns, which part of an item each column is, and what becomes of bad rows."""

import io

import pytest

from experiments.datasets.columns import draft_of, guessed, mapping_problem
from experiments.datasets.drafts import BadItem, read_draft
from experiments.datasets.files import BadFile, format_of, lines


def rows(text: str | bytes, format: str) -> list:
    data = text if isinstance(text, bytes) else text.encode()
    return [
        (number, str(row) if isinstance(row, BadItem) else row)
        for number, row in lines(io.BufferedReader(io.BytesIO(data)), format)
    ]


@pytest.mark.parametrize(
    ("name", "begins", "format"),
    [
        ("a.csv", b"a,b", "csv"),
        ("a.jsonl", b"{}", "jsonl"),
        ("a.ndjson", b"{}", "jsonl"),
        ("a.json", b"  [\n{}]", "json"),
        ("a.json", b'{"items": [', "json"),
        ("a.json", b'{"a": 1}\n{"a": 2}', "jsonl"),
        ("a.txt", b"x;y", "csv"),
        ("data", b"[", "json"),
        ("data", b'\xef\xbb\xbf{"a": 1}', "jsonl"),
        ("data", b"q,a", "csv"),
    ],
)
def test_the_format_is_told_by_name_or_beginning(name, begins, format):
    assert format_of(name, begins) == format


@pytest.mark.parametrize(
    ("text", "format", "found"),
    [
        ("a,b\n1,2\n\n,\n3,4\n", "csv", [(1, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "4"})]),
        ("\ufeffa;b\n1,5;2\n", "csv", [(1, {"a": "1,5", "b": "2"})]),
        ("a\tb\n1\t2", "csv", [(1, {"a": "1", "b": "2"})]),
        ('a,b\n"x\ny","z"""\n', "csv", [(1, {"a": "x\ny", "b": 'z"'})]),
        ('a\n"x', "csv", [(1, "Not valid CSV: unexpected end of data.")]),
        ("a,b\n1\n2,3", "csv", [(1, "The row has 1 cells; the heading has 2."), (2, {"a": "2", "b": "3"})]),
        ('{"a": 1}\n\n[]\n{"a": NaN}', "jsonl", [(1, {"a": 1}), (3, "A row is an object."), (4, "Not valid JSON")]),
        ('[{"a\\u0000": 1}]', "json", [(1, "A column's name holds a NUL")]),
        ('[{"a": 1}, 2]', "json", [(1, {"a": 1}), (2, "A row is an object.")]),
        ('{"items": [{"a": 1}]}', "json", [(1, {"a": 1})]),
        ("id,split,tags,inputs.n\n7,test,\"[\"\"x\"\"]\",'=1+1\n", "csv",
         [(1, {"id": "7", "split": "test", "tags": ["x"], "inputs.n": "=1+1"})]),
    ],
)  # fmt: skip
def test_rows_are_read(text, format, found):
    read = rows(text, format)
    assert len(read) == len(found)
    for (number, row), (expected_number, expected) in zip(read, found, strict=True):
        assert number == expected_number
        assert row.startswith(expected) if isinstance(expected, str) else row == expected


@pytest.mark.parametrize(
    ("text", "format", "says"),
    [
        ("", "csv", "no heading"),
        ("a,a\n1,2", "csv", "'a' twice"),
        (b"\xff\xfe", "csv", "UTF-8"),
        ("a\0,b\n1,2", "csv", "NUL"),
        ("[1,", "json", "Not valid JSON"),
        ('{"a": 1}', "json", "array of objects"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(text, format, says):
    with pytest.raises(BadFile, match=says):
        rows(text, format)


@pytest.mark.parametrize(
    ("columns", "places"),
    [
        (["id", "question", "answer"], ["id", "inputs.question", "expected"]),
        (["Case ID", "Expected Output", "Split"], ["id", "expected", "split"]),
        (["inputs.a", "expected.b", "metadata.c", "tags"], ["inputs.a", "expected.b", "metadata.c", "tags"]),
        (["inputs", "lang"], ["inputs", "metadata.lang"]),
        (["input", "expected", "metadata", "lang"], ["inputs", "expected", "metadata", ""]),
        (["answer", "expected"], ["expected", "inputs.expected"]),
        (["a.b"], ["inputs.a_b"]),
    ],
)
def test_places_are_guessed_by_name(columns, places):
    assert list(guessed(columns).values()) == places
    assert not mapping_problem(guessed(columns))


@pytest.mark.parametrize(
    ("places", "says"),
    [
        (["inputs", "inputs"], "Two columns"),
        (["inputs", "inputs.a"], "all of inputs"),
        (["expected"], "No column is mapped to inputs"),
        (["output"], "no part"),
        (["inputs."], "no part"),
        (["split.x", "id"], "no part"),
    ],
)
def test_a_mapping_that_makes_no_items_is_refused(places, says):
    assert says in mapping_problem(dict(zip("abc", places, strict=False)))


@pytest.mark.parametrize(
    ("row", "mapping", "case_id", "fields"),
    [
        ({"q": "42", "a": "yes"}, {"q": "inputs.question", "a": "expected"}, "",
         {"inputs": {"question": "42"}, "expected": "yes"}),
        ({"q": "Hi"}, {"q": "inputs"}, "", {"inputs": {"input": "Hi"}}),
        ({"q": '{"a": [1]}', "t": "x, y"}, {"q": "inputs", "t": "tags"}, "",
         {"inputs": {"a": [1]}, "tags": ["x", "y"]}),
        ({"q": '[{"role": "user", "content": "Hi"}]'}, {"q": "inputs"}, "",
         {"inputs": [{"role": "user", "content": "Hi"}]}),
        ({"i": 7, "q": 1, "x": 2}, {"i": "id", "q": "inputs.a.b", "x": ""}, "7", {"inputs": {"a": {"b": 1}}}),
        ({"i": "7", "s": "test"}, {"i": "id", "s": "split"}, "7", {"split": "test"}),
    ],
)  # fmt: skip
def test_a_row_becomes_a_draft(row, mapping, case_id, fields):
    draft = draft_of(row, mapping)
    assert (draft.case_id, draft.fields) == (case_id, fields)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"inputs": []}, "inputs: must be an object"),
        ({"inputs": "text"}, "inputs: must be an object"),
        ({"inputs": {"a": 1}, "surprise": 1}, "surprise: There is no such field."),
        ({"inputs": {"a": 1}, "input": {}}, "input: Says inputs a second time."),
        ({"inputs": {"a": "\0"}}, "inputs.a: Holds a NUL"),
        ({"inputs": {"a": "x" * 1_100_000}}, "limit is 1,048,576"),
        ({"inputs": {"a": 2**70}}, "no JSON that can be stored"),
        ({"inputs": {}, "metadata": []}, "metadata: must be an object."),
        ({"inputs": {}, "tags": [1]}, "tags: must be an array of texts."),
        ({"inputs": {}, "split": "s" * 41}, "split: must have at most 40"),
        ({"id": "a\tb", "inputs": {}}, "id: must hold no control characters."),
        ([], "An item is an object."),
    ],
)
def test_a_bad_item_is_refused_with_the_field_and_the_reason(sent, says):
    with pytest.raises(BadItem) as caught:
        read_draft(sent)
    assert says in str(caught.value)

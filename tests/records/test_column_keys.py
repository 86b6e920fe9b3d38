import pytest

from records.column_keys import key_of, parts_of, split_keys


@pytest.mark.parametrize(
    "key, parts",
    [
        ("inputs", ("inputs",)),
        ("inputs.question.text", ("inputs", "question", "text")),
        ('metadata."two words".x', ("metadata", "two words", "x")),
        (r'metadata."a.b,\"c\\".d', ("metadata", 'a.b,"c\\', "d")),
        ("metadata.ключ", ("metadata", "ключ")),
    ],
)
def test_a_key_says_its_path_and_a_path_its_key(key, parts):
    assert parts_of(key) == parts
    assert parts_of(key_of(parts)) == parts


@pytest.mark.parametrize(
    "key", ["", ".", "inputs.", ".inputs", "inputs..x", '"', 'inputs."x"y', 'inputs."', "inputs.\0", 'inputs.""',
            "inputs" + ".x" * 9, "inputs." + "x" * 201, "inputs.\ud800"],
)  # fmt: skip
def test_what_is_no_key_has_no_parts(key):
    assert parts_of(key) == ()


def test_a_comma_in_quotes_does_not_end_a_key():
    assert split_keys('created, metadata."a,b",,inputs') == ["created", 'metadata."a,b"', "inputs"]


def test_a_quote_that_is_never_closed_takes_no_time():
    assert split_keys('"a' * 20_000) is not None and parts_of('"\\' * 20_000) == ()

import pytest

from records.conversation import messages_of


def plain(value):
    found = messages_of(value)
    return found and [(m.role, [(p.kind, p.title, p.text) for p in m.parts]) for m in found]


def test_a_list_of_messages_is_a_conversation():
    value = [{"role": "system", "content": "Be brief."}, {"role": "human", "content": "Hi"}]
    assert plain(value) == [("system", [("text", "", "Be brief.")]), ("user", [("text", "", "Hi")])]


def test_a_tool_call_shows_its_arguments_as_json():
    call = {"function": {"name": "look_up", "arguments": '{"order": 7}'}}
    assert plain([{"role": "assistant", "content": None, "tool_calls": [call]}]) == [
        ("assistant", [("data", "calls look_up", '{\n  "order": 7\n}')])
    ]


def test_arguments_that_are_no_json_are_shown_as_they_came():
    call = {"function": {"name": "look_up", "arguments": "{broken"}}
    assert plain([{"role": "assistant", "tool_calls": [call]}])[0][1] == [("data", "calls look_up", "{broken")]


def test_parts_of_the_genai_conventions_are_read():
    parts = [{"type": "text", "content": "Hello"}, {"type": "tool_call", "name": "f", "arguments": {"a": 1}}]
    assert plain([{"role": "assistant", "parts": parts}])[0][1][0] == ("text", "", "Hello")


@pytest.mark.parametrize(
    "value",
    [None, "text", 5, [], [1, 2], {"question": "x"}, [{"role": "pirate", "content": "x"}], [{"content": "x"}], {}],
)
def test_anything_else_is_no_conversation(value):
    assert messages_of(value) is None


@pytest.mark.parametrize("content", [5, {"a": 1}, [None, 5, {"type": "image_url"}], [[]], True])
def test_strange_content_is_shown_not_lost(content):
    assert messages_of([{"role": "user", "content": content}])[0].parts


@pytest.mark.parametrize("calls", [["x"], [None], [{"function": "f"}], [{"function": {"name": None}}]])
def test_strange_tool_calls_break_nothing(calls):
    assert messages_of([{"role": "assistant", "tool_calls": calls}])


def test_a_number_beyond_64_bits_is_shown():
    shown = messages_of([{"role": "user", "content": {"n": 10**20}}])[0].parts[0].text
    assert "100000000000000000000" in shown

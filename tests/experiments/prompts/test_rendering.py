"""A prompt's messages and the variables that fill them."""

import pytest

from experiments.prompts.rendering import RenderProblem, declared, found_variables, render
from scoring.templating import TemplateProblem


def said(*contents: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content} for content in contents]


def filled(content: str, values: dict, variables: list | None = None) -> str:
    messages = said(content)
    return render(messages, declared(messages, variables or []), values).messages[0]["content"]


@pytest.mark.parametrize(
    ("contents", "names"),
    [
        (["Hello"], []),
        (["{{ name }} of {{ place }}", "{{ name }}, {{ issue.title }}"], ["name", "place", "issue"]),
        (["{% for one in items %}{{ one }}{% endfor %}"], ["items"]),
        (["{% if tone %}Be {{ tone }}.{% endif %}"], ["tone"]),
        (["{{ printer }}"], ["printer"]),
    ],
)
def test_variables_are_found_in_the_order_of_the_text(contents, names):
    assert found_variables(said(*contents)) == names


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a\n{{ b", "Message 1 (user): Line 2"),
        ("{% set x = 1 %}", "set"),
        ("{{ x | map('y') }}", "filter"),
        ("{{ x() }}", "called"),
    ],
)
def test_a_wrong_template_is_refused_with_message_and_line(content, says):
    with pytest.raises(TemplateProblem) as caught:
        found_variables(said(content))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "values", "text"),
    [
        ("{{ name }}?", {"name": "Ada"}, "Ada?"),
        ("{{ name }}", {"name": "{{ other }}"}, "{{ other }}"),  # a value is no template
        ("{{ name }}", {"name": "<b>&"}, "<b>&"),
        ("{{ order.id }}", {"order": {"id": 7}}, "7"),
        ("{{ order }}", {"order": {"id": 7}}, '{\n  "id": 7\n}'),
        ("{% for m in list %}{{ m }},{% endfor %}", {"list": ["a", "b"]}, "a,b,"),
        ("{{ printer }}", {"printer": "laser"}, "laser"),
        ("{{ name }}", {"name": ""}, ""),
    ],
)
def test_a_template_is_filled(content, values, text):
    assert filled(content, values) == text


def test_every_missing_variable_is_named():
    messages = said("{{ name }} {{ issue }} {{ order_id }}")
    with pytest.raises(RenderProblem, match="The variables name and order_id are missing") as caught:
        render(messages, declared(messages), {"issue": "late", "order_id": None})
    assert caught.value.missing == ("name", "order_id")


def test_an_optional_variable_may_be_asked_after_but_not_shown():
    tone = [{"name": "tone", "type": "any", "required": False, "default": None}]
    assert filled("{% if tone %}{{ tone }}{% else %}plain{% endif %}", {}, tone) == "plain"
    with pytest.raises(RenderProblem, match="tone is missing"):
        filled("{{ tone }}", {}, tone)
    assert filled("{{ tone }}", {}, [tone[0] | {"default": "kind"}]) == "kind"


def test_a_value_of_another_type_is_refused_by_name():
    with pytest.raises(RenderProblem, match="The variable n is to be a number"):
        filled("{{ n }}", {"n": True}, [{"name": "n", "type": "number", "required": True, "default": None}])


def test_an_unknown_variable_is_told_and_does_no_harm():
    messages = said("{{ a }}")
    assert render(messages, declared(messages), {"a": 1, "b": 2}).unknown == ("b",)


def test_what_no_template_uses_is_no_variable():
    kept = declared(said("{{ a }}"), [{"name": "gone", "type": "text", "required": True, "default": None}])
    assert [variable["name"] for variable in kept] == ["a"]


@pytest.mark.parametrize("content", ["{{ a.__class__ }}", "{{ 'x' * 100000000 }}", "{{ a.nope }}"])
def test_what_cannot_be_had_is_an_error_and_never_a_way_out(content):
    with pytest.raises((RenderProblem, TemplateProblem), match="Message 1"):
        filled(content, {"a": {"b": 1}})

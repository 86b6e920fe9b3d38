"""A prompt's messages filled with the variables of one case. Pure.

A value stands in the message as it is: the model under test is to get what the application would send it. It is never
read as a template itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.templating import MAX_PROMPT_CHARS, NotThere, Printer, TemplateProblem, filled, variables

TYPES = ("any", "text", "number", "boolean", "object", "list")
KINDS: dict[str, type | tuple[type, ...]] = {
    "text": str, "number": (int, float), "boolean": bool, "object": dict, "list": list,
}  # fmt: skip


class RenderProblem(ValueError):
    """These variables do not make a prompt. `missing` are the variables that are needed and not there."""

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Rendered:
    """`messages` [{"role", "content"}] for the model; `unknown` are given variables that no template uses."""

    messages: list[dict[str, str]]
    unknown: tuple[str, ...]


def found_variables(messages: Iterable[Mapping[str, str]]) -> list[str]:
    """The names of all variables, in the order in which a reader meets them. Raises TemplateProblem, which names the
    message and the line."""
    found: dict[str, None] = {}
    for place, message in enumerate(messages, 1):
        try:
            found.update(dict.fromkeys(variables(message["content"])))
        except TemplateProblem as problem:
            raise TemplateProblem(f"Message {place} ({message['role']}): {problem}") from None
    return list(found)


def declared(messages: Sequence[Mapping[str, str]], said: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """The variables as a version keeps them: what `said` tells of those that the templates use, and the usual of the
    others. What no template uses is dropped. Raises TemplateProblem."""
    told = {variable["name"]: variable for variable in said}
    usual = {"type": "any", "required": True, "default": None}
    return [
        {"name": name} | {key: told.get(name, usual).get(key, value) for key, value in usual.items()}
        for name in found_variables(messages)
    ]


def render(
    messages: Sequence[Mapping[str, str]], variables: Sequence[Mapping[str, Any]], values: Mapping[str, Any]
) -> Rendered:
    """The messages of a version (with the version's variables) filled with `values`. Raises RenderProblem."""
    known = {variable["name"] for variable in variables}
    given = {variable["name"]: _value_of(variable, values) for variable in variables}
    missing = [v["name"] for v in variables if v.get("required", True) and given[v["name"]] is None]
    if missing:
        raise RenderProblem(f"{_listed('variable', missing)} missing.", missing)
    if wrong := [v for v in variables if not fits(v.get("type", "any"), given[v["name"]])]:
        raise RenderProblem(" ".join(f"The variable {v['name']} is to be {_a(v['type'])}." for v in wrong))
    unknown = tuple(name for name in values if name not in known)
    printer, done = Printer(), []
    for place, message in enumerate(messages, 1):
        try:
            content = filled(message["content"], given, printer)
        except NotThere as problem:
            if problem.name:
                raise RenderProblem(f"{_listed('variable', [problem.name])} missing.", [problem.name]) from None
            raise RenderProblem(f"Message {place} shows what is not there: {problem.message}.") from None
        except TemplateProblem as problem:
            raise RenderProblem(f"Message {place}: {problem}") from None
        done.append({"role": message["role"], "content": content})
        if sum(len(one["content"]) for one in done) > MAX_PROMPT_CHARS:
            raise RenderProblem(f"The prompt has more than {MAX_PROMPT_CHARS:,} characters.")
    return Rendered(done, unknown)


def missing_variables(variables: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """The names of what `render` would miss of these values, without rendering; an empty list is no promise that it
    renders."""
    return [v["name"] for v in variables if v.get("required", True) and _value_of(v, values) is None]


def fits(type: str, value: Any) -> bool:
    """Whether a variable of this type may have the value; one that is not given fits."""
    if value is None or type not in KINDS:
        return True
    return isinstance(value, KINDS[type]) and not (type == "number" and isinstance(value, bool))


def _value_of(variable: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    value = values.get(variable["name"])
    return variable.get("default") if value is None else value


def _listed(noun: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"The {noun} {names[0]} is"
    return f"The {noun}s {', '.join(names[:-1])} and {names[-1]} are"


def _a(type: str) -> str:
    return f"an {type}" if type == "object" else "text" if type == "text" else f"a {type}"

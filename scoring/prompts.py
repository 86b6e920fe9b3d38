"""Prompt templates of judges: Jinja, sandboxed and strict, over the unified inputs of a record. Pure.

Editors write templates, so a template gets values and nothing else: no macros, imports, assignments or calls but a few
methods, which leaves nothing that could run for hours or fill the memory. Records are hostile: whatever a template
prints of one stands between FENCE marks that no record can close, and the judge is told that they hold data.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scoring.inputs import NAMES

ALIASES = {"inputs": "input", "outputs": "output"}
FENCE = "record-data"
MAX_PROMPT_CHARS = 400_000
MAX_NESTED_LOOPS = 3

METHODS = frozenset({
    "items", "keys", "values", "get", "upper", "lower", "strip", "split", "splitlines", "startswith", "endswith",
})  # fmt: skip
FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items", "join",
    "last", "length", "list", "lower", "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "select",
    "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "macro", nodes.CallBlock: "call", nodes.Include: "include", nodes.Import: "import",
    nodes.FromImport: "import", nodes.Extends: "extends", nodes.Block: "block", nodes.Assign: "set",
    nodes.AssignBlock: "set", nodes.With: "with", nodes.FilterBlock: "filter",
    nodes.ScopedEvalContextModifier: "autoescape",
}  # fmt: skip


class TemplateProblem(ValueError):
    """The template cannot be used, or not with this record. `line` counts from 1; None where it is the whole."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(f"Line {line}: {message}" if line else message)
        self.message, self.line = message, line


class MissingInput(TemplateProblem):
    """The template prints one of NAMES that the record does not have, such as `expected`: there is nothing to judge."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The record has no {name}.")
        self.name = name


def check_template(source: str) -> set[str]:
    """Which of NAMES the template uses. Raises TemplateProblem, which names the line."""
    try:
        tree = ENVIRONMENT.parse(source)
        _check_nodes(tree)
        used = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise TemplateProblem(error.message or "This is no template.", error.lineno) from None
    except RecursionError:
        raise TemplateProblem("It is nested too deeply.") from None
    for name in sorted(used - set(NAMES) - set(ALIASES)):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), None)
        raise TemplateProblem(f"There is no variable {name}: a template has {', '.join(NAMES)}.", line)
    return {ALIASES.get(name, name) for name in used}


def render(source: str, inputs: Mapping[str, Any]) -> str:
    """The prompt for one record. Raises MissingInput where nothing is to be judged, else TemplateProblem."""
    values = {name: _value(name, inputs.get(name)) for name in NAMES}
    values |= {alias: values[name] for alias, name in ALIASES.items()}
    parts, length = [], 0
    try:
        for part in _compiled(source).generate(values):
            parts.append(part)
            length += len(part)
            if length > MAX_PROMPT_CHARS:
                raise TemplateProblem(f"The prompt has more than {MAX_PROMPT_CHARS:,} characters.")
    except UndefinedError as error:
        name = str(error).removeprefix(MISSING) if str(error).startswith(MISSING) else ""
        if name in NAMES:
            raise MissingInput(name) from None
        raise TemplateProblem(f"The record has not what the template shows: {error}.") from None
    except SecurityError as error:
        raise TemplateProblem(str(error)) from None
    except (TemplateRuntimeError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        if isinstance(error, TemplateProblem):
            raise
        raise TemplateProblem(f"The template fails on this record: {error}") from None
    return "".join(parts)


def fenced(text: str) -> str:
    """Record text between marks that it cannot close itself."""
    inner = text.replace(f"<{FENCE}", f"&lt;{FENCE}").replace(f"</{FENCE}", f"&lt;/{FENCE}")
    line = "\n" if "\n" in inner else ""
    return f"<{FENCE}>{line}{inner}{line}</{FENCE}>"


MISSING = "missing "


class Missing(StrictUndefined):
    """Strict where it is printed or looked into, but may be asked after: `{% if expected %}`."""

    def __bool__(self) -> bool:
        return False


class Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not isinstance(left, int | float) or not isinstance(right, int | float):
            raise SecurityError(f"{operator} is for numbers alone here.")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of the record stands before a method of the same name: `input.items`."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _printed(value: Any) -> Any:
    if isinstance(value, Missing | bool | int | float):
        return value
    if isinstance(value, str):
        return fenced(value) if value else value
    return fenced(as_json(value))


def as_json(value: Any) -> str:
    if not isinstance(value, dict | list | tuple | str | int | float | bool | None):
        value = list(value)  # what a filter yields; anything else is a TypeError of the template
    return json.dumps(value, indent=2, ensure_ascii=False)


def _named(spans: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [span for span in spans if span["name"] == name]


def _of_kind(spans: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [span for span in spans if span["kind"] == kind]


def _environment() -> Environment:
    made = Environment(undefined=Missing, finalize=_printed, keep_trailing_newline=True, autoescape=False)
    own: dict[str, Callable[..., Any]] = {"tojson": as_json, "named": _named, "of_kind": _of_kind}
    made.filters = {name: made.filters[name] for name in FILTERS} | own
    made.globals = {}
    return made


ENVIRONMENT = _environment()


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    check_template(source)
    return ENVIRONMENT.from_string(source)


def _value(name: str, value: Any) -> Any:
    return Missing(hint=f"{MISSING}{name}", name=name) if value is None else value


def _check_nodes(tree: nodes.Template) -> None:
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, loops = waiting.pop()
        if type(node) in REFUSED:
            raise TemplateProblem(f"{{% {REFUSED[type(node)]} %}} has no place in a prompt.", node.lineno)
        if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS):
            raise TemplateProblem(f"Only these can be called: {', '.join(sorted(METHODS))}.", node.lineno)
        if isinstance(node, nodes.For):
            loops += 1
            if node.recursive or loops > MAX_NESTED_LOOPS:
                raise TemplateProblem(f"At most {MAX_NESTED_LOOPS} loops inside one another.", node.lineno)
        waiting += ((child, loops) for child in node.iter_child_nodes())

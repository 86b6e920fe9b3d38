"""Prompt templates of judges: Jinja, sandboxed and strict, over the unified inputs of a record. Pure.

Editors write templates, so a template gets values and nothing else: no macros, imports, assignments or calls but a few
methods, and a bounded amount of work, which leaves nothing that could run for hours or fill the memory. Records are
hostile: whatever a template prints of one stands between fence marks that its sender could not know, and the judge is
told that they hold data. A text too long for a prompt loses its middle, and the prompt says so where it does.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, meta, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scoring.inputs import NAMES

ALIASES = {"inputs": "input", "outputs": "output"}
MAX_PROMPT_CHARS = 400_000
# Of one printed text; the next is tried where the whole prompt is too long.
MAX_TEXT_CHARS = (100_000, 25_000, 5_000)
MAX_NESTED_LOOPS = 3
MAX_WORK = 2_000_000  # items that loops and filters go through, and hundreds of characters

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


@dataclass(slots=True)
class Prompt:
    """`cuts` texts of the record have lost their middle, each with a note where; `fence` marks what is the record's."""

    text: str
    cuts: int
    fence: str


def new_fence() -> str:
    """A mark that nobody who sends records can know. The prompts of one chunk of work share one, so that the part that
    they have in common stays the same: providers keep it in their cache."""
    return f"data-{secrets.token_hex(8)}"


def render(source: str, inputs: Mapping[str, Any], fence: str = "") -> Prompt:
    """The prompt for one record. Raises MissingInput where nothing is to be judged, else TemplateProblem."""
    fence = fence or new_fence()
    values = {name: _value(name, inputs.get(name)) for name in NAMES}
    values |= {alias: values[name] for alias, name in ALIASES.items()}
    for most in MAX_TEXT_CHARS:
        printer = _Printer(fence, most)
        text = _rendered(source, values | {PRINTER: printer})
        if printer.known:
            return render(source, inputs, new_fence())
        if len(text) <= MAX_PROMPT_CHARS:
            return Prompt(text, printer.cuts, fence)
    raise TemplateProblem(f"The prompt has more than {MAX_PROMPT_CHARS:,} characters.")


def _rendered(source: str, values: Mapping[str, Any]) -> str:
    """Up to a little more than a prompt may have."""
    parts, length = [], 0
    try:
        for part in _compiled(source).generate(values):
            parts.append(part)
            length += len(part)
            if length > MAX_PROMPT_CHARS:
                break
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


PRINTER = "printer"  # a name that no template can use: it is none of NAMES


@dataclass(slots=True)
class _Printer:
    """Of one prompt: fences what is printed, and counts the work."""

    fence: str
    most: int
    cuts: int = 0
    work: int = 0
    known: bool = False  # the record holds the very mark: some judge has quoted it

    def fenced(self, text: str) -> str:
        self.charge(1 + len(text) // 100)
        self.known = self.known or self.fence in text
        left = len(text) - self.most
        if left <= 0:
            return self._between(text)
        self.cuts += 1
        head = self.most * 2 // 3
        note = f"[{left:,} of {len(text):,} characters are left out here: the text is too long]"
        return f"{self._between(text[:head])}\n{note}\n{self._between(text[head + left :])}"

    def _between(self, text: str) -> str:
        line = "\n" if "\n" in text else ""
        return f"<{self.fence}>{line}{text}{line}</{self.fence}>"

    def charge(self, work: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise TemplateProblem("It takes too much work on this record: loops or filters over too many items.")


@pass_context
def _charged(context: Context, value: Any) -> Any:
    """The value as it is. Stands before every loop and filter."""
    cost = len(value) if isinstance(value, list | tuple | dict) else len(value) // 100 if isinstance(value, str) else 0
    context[PRINTER].charge(1 + cost)
    return value


MISSING = "missing "
CHARGED = "charged"


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


@pass_context
def _printed(context: Context, value: Any) -> Any:
    if isinstance(value, Missing | bool | int | float):
        return value
    text = value if isinstance(value, str) else as_json(value)
    return context[PRINTER].fenced(text) if text else text


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
    own: dict[str, Callable[..., Any]] = {"tojson": as_json, "named": _named, "of_kind": _of_kind, CHARGED: _charged}
    made.filters = {name: made.filters[name] for name in FILTERS} | own
    made.globals = {}
    return made


ENVIRONMENT = _environment()


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    check_template(source)
    tree = ENVIRONMENT.parse(source)
    for node in [*tree.find_all((nodes.For, nodes.Filter))]:
        field = "iter" if isinstance(node, nodes.For) else "node"
        value = getattr(node, field)
        setattr(node, field, nodes.Filter(value, CHARGED, [], [], None, None, lineno=node.lineno))
    return Template.from_code(ENVIRONMENT, ENVIRONMENT.compile(tree), ENVIRONMENT.globals)


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

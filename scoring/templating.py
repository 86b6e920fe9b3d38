"""Jinja for texts that go to models: sandboxed, strict and bounded. Pure.

Editors write templates, so a template gets values and nothing else: no macros, imports, assignments or calls but a few
methods, and a bounded amount of work, which leaves nothing that could run for hours or fill the memory.
"""

import json
from collections.abc import Callable, Mapping, MappingView
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, meta, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import sync_do_join
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_PROMPT_CHARS = 400_000
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
PRINTER = " printer"  # a name that no template can use
# Filters, no names that a template can use, which charge for a value and give it as it is.
PASSED, READ, WHOLE = " passed", " read", " whole"
# What goes through a value, reads it, or makes a larger one of it, and where in its node that value is.
COSTLY: dict[type[nodes.Node], tuple[str, tuple[str, ...]]] = {
    nodes.For: (PASSED, ("iter",)), nodes.Filter: (PASSED, ("node",)),
    nodes.Compare: (READ, ("expr",)), nodes.Operand: (READ, ("expr",)), nodes.Getattr: (READ, ("node",)),
    nodes.Concat: (WHOLE, ("nodes",)), nodes.Add: (WHOLE, ("left", "right")), nodes.List: (WHOLE, ("items",)),
    nodes.Tuple: (WHOLE, ("items",)), nodes.Pair: (WHOLE, ("value",)),
}  # fmt: skip
WRITING = frozenset({  # filters that write out all of what they are given
    "capitalize", "join", "lower", "replace", "string", "title", "tojson", "trim", "truncate", "upper", "wordcount",
})  # fmt: skip
MISSING = "missing "


class TemplateProblem(ValueError):
    """The template cannot be used, or not with these values. `line` counts from 1; None where it is the whole."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(f"Line {line}: {message}" if line else message)
        self.message, self.line = message, line


class NotThere(TemplateProblem):
    """The template shows what the values do not have. `name` is the variable that is missing; empty for a place in one,
    of which the message speaks."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


def variables(source: str) -> dict[str, int]:
    """The variables that the template uses, in the order of its text, and the line of each one's first use. Raises
    TemplateProblem, which names the line."""
    tree, used = _parsed(source)
    lines: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in used:
            lines[node.name] = min(node.lineno, lines.get(node.name, node.lineno))
    return dict(sorted(lines.items(), key=lambda found: found[1]))


def _parsed(source: str) -> tuple[nodes.Template, set[str]]:
    """The tree, and the variables in it."""
    try:
        tree = ENVIRONMENT.parse(source)
        _check_nodes(tree, source)
        _charge(tree)  # before anything of it is worked out
        return tree, meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        raise TemplateProblem(error.message or "This is no template.", error.lineno) from None
    except RecursionError:
        raise TemplateProblem("It is nested too deeply.") from None


class Printer:
    """What a template prints goes through one; it counts the work of one filling."""

    def __init__(self) -> None:
        self.work = 0

    def printed(self, text: str) -> str:
        """A text, not empty, as it is to stand."""
        self.charge(1 + len(text) // 100)
        return text

    def charge(self, work: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise TemplateProblem("It takes too much work on these values: loops or filters over too many items.")


def filled(source: str, values: Mapping[str, Any], printer: Printer) -> str:
    """The text, up to a little more than MAX_PROMPT_CHARS. A value None counts as not given. Raises TemplateProblem."""
    parts, length = [], 0
    given = {name: _value(name, value) for name, value in values.items()} | {PRINTER: printer}
    try:
        for part in _compiled(source).generate(given):
            parts.append(part)
            length += len(part)
            if length > MAX_PROMPT_CHARS:
                break
    except UndefinedError as error:
        name = str(error).removeprefix(MISSING) if str(error).startswith(MISSING) else ""
        raise NotThere(str(error), name) from None
    except SecurityError as error:
        raise TemplateProblem(str(error)) from None
    except SyntaxError:  # Python's: it takes no more than 200 parentheses inside one another
        raise TemplateProblem("It is nested too deeply.") from None
    except (TemplateRuntimeError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        if isinstance(error, TemplateProblem):
            raise
        raise TemplateProblem(f"The template fails on these values: {error}") from None
    return "".join(parts)


@pass_context
def _passed(context: Context, value: Any) -> Any:
    """Charges for the items of a value that is gone through."""
    sized = isinstance(value, list | tuple | dict | MappingView)
    context[PRINTER].charge(1 + (len(value) if sized else _written(value)))
    return value


@pass_context
def _read(context: Context, value: Any) -> Any:
    """Charges for a value of which a part is looked for: in a mapping it is found at once."""
    context[PRINTER].charge(len(value) if isinstance(value, list | tuple) else _written(value))
    return value


@pass_context
def _whole(context: Context, value: Any) -> Any:
    """Charges for all that is in a value, by about as many characters as it is written with."""
    waiting, characters = [value], 0
    while waiting:
        one = waiting.pop()
        characters += len(one) if isinstance(one, str) else 10
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
    context[PRINTER].charge(1 + characters // 100)
    return value


def _written(value: Any) -> int:
    return len(value) // 100 if isinstance(value, str) else 0


@pass_context
def _replace(context: Context, text: Any, old: Any, new: Any, count: int = -1) -> str:
    text, old, new = str(text), str(old), str(new)
    context[PRINTER].charge(text.count(old) * len(new) // 100)
    return text.replace(old, new, count)


@pass_context
def _join(context: Context, values: Any, between: Any = "", attribute: str | None = None) -> str:
    found = _whole(context, list(values))
    context[PRINTER].charge(len(found) * len(str(between)) // 100)
    return sync_do_join(context.eval_ctx, found, str(between), attribute)


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
    return context[PRINTER].printed(text) if text else text


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
    own: dict[str, Callable[..., Any]] = {
        "tojson": as_json, "named": _named, "of_kind": _of_kind, "replace": _replace, "join": _join,
        PASSED: _passed, READ: _read, WHOLE: _whole,
    }  # fmt: skip
    made.filters = {name: made.filters[name] for name in FILTERS} | own
    made.globals = {}
    return made


ENVIRONMENT = _environment()


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    tree, _ = _parsed(source)
    return Template.from_code(ENVIRONMENT, ENVIRONMENT.compile(tree), ENVIRONMENT.globals)


def _charge(tree: nodes.Template) -> None:
    """Puts a charge before all that is COSTLY."""
    for node in [*tree.find_all(tuple(COSTLY))]:
        if isinstance(node, nodes.Tuple) and node.ctx != "load":  # `for key, value in ...` names its variables
            continue
        charge, places = COSTLY[type(node)]
        if isinstance(node, nodes.Filter) and node.name in WRITING:
            charge = WHOLE
        for place in places:
            found = getattr(node, place)
            charged = [_charged(one, charge) for one in found] if isinstance(found, list) else _charged(found, charge)
            setattr(node, place, charged)


def _charged(node: nodes.Expr, charge: str) -> nodes.Expr:
    if charge == WHOLE and COSTLY.get(type(node), ("",))[0] == WHOLE:  # what it is made of is charged already
        return node
    return nodes.Filter(node, charge, [], [], None, None, lineno=node.lineno)


def _value(name: str, value: Any) -> Any:
    return Missing(hint=f"{MISSING}{name}", name=name) if value is None else value


def _check_nodes(tree: nodes.Template, source: str) -> None:
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, loops = waiting.pop()
        if type(node) in REFUSED:
            raise TemplateProblem(f"{{% {REFUSED[type(node)]} %}} has no place in a prompt.", node.lineno)
        if (inner := _name_of_python(node)) is not None:
            column = source.splitlines()[node.lineno - 1].find(inner) + 1
            raise TemplateProblem(f"{inner} (column {column}) is none of the record's: it is not shown.", node.lineno)
        if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS):
            raise TemplateProblem(f"Only these can be called: {', '.join(sorted(METHODS))}.", node.lineno)
        if isinstance(node, nodes.For):
            loops += 1
            if node.recursive or loops > MAX_NESTED_LOOPS:
                raise TemplateProblem(f"At most {MAX_NESTED_LOOPS} loops inside one another.", node.lineno)
        waiting += ((child, loops) for child in node.iter_child_nodes())


def _name_of_python(node: nodes.Node) -> str | None:
    """Such as `__class__`, which no key of a record is called; a record may well have `_id` or `__typename`."""
    name = None
    if isinstance(node, nodes.Getattr):
        name = node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        name = node.arg.value
    return name if isinstance(name, str) and name.startswith("__") and name.endswith("__") else None

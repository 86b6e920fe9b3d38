"""What can be told of a code evaluator without running it: this reads the snippet and never compiles it. Pure.

A snippet has `def evaluate(...)`, whose arguments are taken by name from the unified inputs, or
`def main(eval_inputs)`, which gets them as one dict.
"""

import ast

from scoring.inputs import NAMES

ENTRY, WHOLE = "evaluate", "main"
ARGUMENTS = {name: name for name in NAMES} | {"inputs": "input", "outputs": "output"}
MAX_SNIPPET_CHARS = 64 * 1024


def problems(snippet: str) -> list[str]:
    """What keeps the snippet from being an evaluator, in words that name the line; empty if nothing does."""
    if len(snippet) > MAX_SNIPPET_CHARS:
        return [f"A snippet has at most {MAX_SNIPPET_CHARS:,} characters."]
    try:
        tree = ast.parse(snippet)
    except SyntaxError as error:
        return [f"Line {error.lineno}: {error.msg}." if error.lineno else f"{error.msg}."]
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL character; nested too deeply
        return [f"This is no Python that can be read: {error or 'nested too deeply'}."]
    entry = _entry(tree)
    if entry is None:
        if any(isinstance(node, ast.AsyncFunctionDef) and node.name in (ENTRY, WHOLE) for node in tree.body):
            return ["It must be a plain def, not an async one."]
        return [f"It needs a function: def {ENTRY}(output, expected), or def {WHOLE}(eval_inputs)."]
    given = entry.args
    if entry.name == WHOLE:
        takes = len(given.posonlyargs) + len(given.args) - len(given.defaults)
        fits = len(given.posonlyargs) + len(given.args) >= 1 or given.vararg
        wanted = [a for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is None]
        return [] if fits and takes <= 1 and not wanted else [f"Line {entry.lineno}: {WHOLE} takes one argument."]
    if given.posonlyargs:
        return [f"Line {entry.lineno}: arguments are given by name, so none can be positional only (/)."]
    known = ", ".join(ARGUMENTS)
    required = given.args[: len(given.args) - len(given.defaults)]
    required += [a for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d is None]
    return [
        f"Line {a.lineno}: there is no {a.arg} to give; it may ask for {known}."
        for a in required
        if a.arg not in ARGUMENTS
    ]


def asks_for(snippet: str) -> set[str]:
    """Which of the unified inputs `evaluate` asks for; all but the trace for `main` and for `**kwargs`."""
    entry = _entry(ast.parse(snippet))
    if entry is None or entry.name == WHOLE:
        return set(NAMES) - {"trace"}
    named = {ARGUMENTS[a.arg] for a in [*entry.args.args, *entry.args.kwonlyargs] if a.arg in ARGUMENTS}
    return named | (set(NAMES) - {"trace"} if entry.args.kwarg else set())


def _entry(tree: ast.Module) -> ast.FunctionDef | None:
    """The last `evaluate`, else the last `main`: what stands under that name when the module has run."""
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return found.get(ENTRY) or found.get(WHOLE)

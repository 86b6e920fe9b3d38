"""Verdicts of code evaluators: the built-in ones in process, snippets in the sandbox."""

from collections.abc import Iterator, Sequence
from typing import Any

from scoring import builtins, snippets
from scoring.code_verdicts import verdict_of
from scoring.definitions import CodeDefinition, Definition
from scoring.sandbox import Sandbox, SandboxOff
from scoring.verdicts import Verdict


class EvaluatorStops(Exception):
    """It is of no use to go on with this evaluator, or on this machine; the text says why."""


def passes_on(definition: Definition) -> bool:
    """Whether the inputs go to the sandbox as they are; a built-in one reads them here."""
    return isinstance(definition, CodeDefinition) and not definition.builtin


def verdicts(
    sandbox: Sandbox, definition: CodeDefinition, rows: Sequence[dict[str, Any]]
) -> Iterator[tuple[int, Verdict]]:
    """(index of the row, verdict), in the rows' order. Raises EvaluatorStops before the first row that was not run."""
    if definition.builtin:
        settings = builtins.settings_of(definition.builtin, definition.settings)
        for n, row in enumerate(rows):
            yield n, builtins.run(definition.builtin, settings, row)
        return
    asked = snippets.asks_for(definition.eval_code_snippet)
    given = [{name: row[name] for name in asked if name in row} for row in rows]
    try:
        for outcome in sandbox.run(definition.eval_code_snippet, given, seconds_per_row=definition.timeout):
            if outcome.stopped:
                raise EvaluatorStops(outcome.error)
            yield outcome.index, verdict_of(outcome)
    except SandboxOff as off:
        raise EvaluatorStops(f"The sandbox for code evaluators is off. {off}") from None

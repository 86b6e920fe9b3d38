"""Trying an evaluator, also one that is not saved yet, on recent records or values typed in. Nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from evalhub.models import Project
from records.models import Metric, ScoreStatus
from records.search import Search, page
from records.values import TypedValue, ValueProblem
from scoring import builtins, prompts, snippets
from scoring.definitions import CodeDefinition, Definition, HumanDefinition, JudgeDefinition
from scoring.evaluators import checked_definition
from scoring.inputs import inputs_of
from scoring.raw_values import typed_value
from scoring.verdicts import Verdict, errored

MAX_ROWS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """What is tried on: a record's unified inputs, or such values typed in (`record_id` None)."""

    inputs: Mapping[str, Any]
    record_id: UUID | None = None


@dataclass(slots=True)
class Trial:
    """What came of one row. `arguments` are those of the inputs that the evaluator received, by name; `value` is there
    where the verdict is a value of the metric."""

    row: Row
    arguments: dict[str, Any]
    verdict: Verdict
    value: TypedValue | None = None


def rows_of(search: Search, limit: int) -> list[Row]:
    """The newest records that a search finds, at most MAX_ROWS. Raises FilterError, SearchTimeout."""
    found = page(search, limit=min(limit, MAX_ROWS)).rows
    ids = [row.id for row in found]
    inputs = inputs_of(search.project_id, ids, trace=True)
    return [Row(inputs[id], id) for id in ids if id in inputs]


def try_definition(
    project: Project, type: str, metric: Metric, sent: Mapping[str, Any], rows: Sequence[Row]
) -> list[Trial]:
    """One trial a row, in order. Raises ValidationError where the definition could not be saved either, or where it is
    people's: there is nothing to run."""
    definition = checked_definition(project, type, metric, sent)
    if isinstance(definition, HumanDefinition):
        raise ValidationError({"type": "People score by hand: there is nothing to run."})
    if len(rows) > MAX_ROWS:
        raise ValidationError(f"At most {MAX_ROWS} rows at a time.")
    asked = received(definition)
    verdicts = _verdicts(project, definition, metric, rows)
    return [
        _trial(row, {name: row.inputs.get(name) for name in asked}, verdict, metric)
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


def received(definition: Definition) -> list[str]:
    """Which of the unified inputs the evaluator is given, in their usual order."""
    if isinstance(definition, JudgeDefinition):
        names = prompts.check_template(definition.evaluator_definition)
    elif isinstance(definition, CodeDefinition) and not definition.builtin:
        names = snippets.asks_for(definition.eval_code_snippet)
    elif isinstance(definition, CodeDefinition):
        names = builtins.looks_at(definition.builtin, builtins.settings_of(definition.builtin, definition.settings))
    else:
        names = set()
    return [name for name in snippets.NAMES if name in names]


def _trial(row: Row, arguments: dict[str, Any], verdict: Verdict, metric: Metric) -> Trial:
    if verdict.status != ScoreStatus.COMPLETED:
        return Trial(row, arguments, verdict)
    try:
        return Trial(row, arguments, verdict, typed_value(metric, verdict.raw))
    except ValueProblem as problem:
        verdict.status, verdict.error = ScoreStatus.ERRORED, problem.message
        return Trial(row, arguments, verdict)


def _verdicts(project: Project, definition: Definition, metric: Metric, rows: Sequence[Row]) -> list[Verdict]:
    if isinstance(definition, CodeDefinition) and definition.builtin:
        settings = builtins.settings_of(definition.builtin, definition.settings)
        if not builtins.needs_provider(definition.builtin):
            return [builtins.run(definition.builtin, settings, dict(row.inputs)) for row in rows]
    return [errored("Only built-in evaluators can be tried so far.") for row in rows]

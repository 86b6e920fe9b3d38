"""Trying an evaluator, also one that is not saved yet, on recent records or values typed in. Nothing is stored."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError

from evalhub.models import Project
from records import prices
from records.conversation import pretty
from records.models import Metric, ScoreStatus
from records.search import Search, page
from records.values import FIELDS, TypedValue, ValueProblem
from scoring import builtins, prompts, snippets
from scoring.code_verdicts import verdict_of
from scoring.definitions import CodeDefinition, Definition, HumanDefinition, JudgeDefinition
from scoring.dialects import ProviderConfig
from scoring.evaluators import checked_definition
from scoring.inputs import EXPIRED, PAYLOAD_NAMES, inputs_of
from scoring.providers import config_of, usable_by
from scoring.raw_values import typed_value
from scoring.sandbox import Sandbox, SandboxOff
from scoring.secrets import UnreadableSecret
from scoring.verdicts import Verdict, cut, errored, payload_expired

MAX_ROWS = 20
SECONDS = 60  # that a page waits for models
MAX_SHOWN_CHARS = 20_000  # of one argument

Evaluate = Callable[[Mapping[str, Any]], Awaitable[Verdict]]


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

    @property
    def said(self) -> str:
        """The value for a reader, or what there is in its place."""
        if self.value is None:
            return self.verdict.status.label
        for field in FIELDS.values():
            match getattr(self.value, field):
                case None:
                    continue
                case bool(answer):
                    return "true" if answer else "false"
                case float(number):
                    return f"{number:g}"
                case list(choices):
                    return ", ".join(choices)
                case text:
                    return text
        return ""

    @property
    def shown_arguments(self) -> list[tuple[str, str]]:
        return [(name, cut(pretty(value), MAX_SHOWN_CHARS)) for name, value in self.arguments.items()]


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
    expired = {n for n, row in enumerate(rows) if EXPIRED in row.inputs and not PAYLOAD_NAMES.isdisjoint(asked)}
    tried = iter(_verdicts(project, definition, metric, [row for n, row in enumerate(rows) if n not in expired]))
    verdicts = [payload_expired() if n in expired else next(tried) for n in range(len(rows))]
    return [
        _trial(row, {name: row.inputs.get(name) for name in asked}, verdict, metric)
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a worker has tried for a page: trials without their records' contents but what is shown of them, or why
    there are none."""

    project_id: int
    trials: list[Trial]
    problems: list[str]


def try_apart(
    project: Project,
    type: str,
    metric: Metric,
    sent: Mapping[str, Any],
    record_ids: Sequence[UUID],
    typed: Mapping[str, Any] | None,
) -> Tried:
    """`try_definition` for who is not there to be asked: on these records, or on the inputs `typed`."""
    if typed is not None:
        rows = [Row(typed)]
    else:
        inputs = inputs_of(project.id, record_ids, trace=True)
        rows = [Row(inputs[id], id) for id in record_ids if id in inputs]
    try:
        trials = try_definition(project, type, metric, sent, rows)
    except ValidationError as problem:
        return Tried(project.pk, [], problem.messages)
    shown = [
        replace(trial, row=Row({}, trial.row.record_id), arguments=dict(trial.shown_arguments)) for trial in trials
    ]
    return Tried(project.pk, shown, [])


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


def needs_payload(definition: Definition) -> bool:
    """Whether the evaluator asks for anything that goes with a record's payload."""
    return not PAYLOAD_NAMES.isdisjoint(received(definition))


def _trial(row: Row, arguments: dict[str, Any], verdict: Verdict, metric: Metric) -> Trial:
    if verdict.status != ScoreStatus.COMPLETED:
        return Trial(row, arguments, verdict)
    try:
        return Trial(row, arguments, verdict, typed_value(metric, verdict.raw))
    except ValueProblem as problem:
        verdict.status, verdict.error = ScoreStatus.ERRORED, problem.message
        return Trial(row, arguments, verdict)


def _verdicts(project: Project, definition: Definition, metric: Metric, rows: Sequence[Row]) -> list[Verdict]:
    from scoring.embedding_verdicts import compared  # what speaks HTTP takes half a second to import: only where needed
    from scoring.judge import Judge, judge

    if isinstance(definition, JudgeDefinition):
        asked = Judge(definition, metric, _provider(project, definition.provider_id))
        return _asking(rows, lambda models: partial(judge, models.ask, asked))
    if not definition.builtin:
        return _in_the_sandbox(definition, rows)
    chosen = builtins.settings_of(definition.builtin, definition.settings)
    if builtins.needs_provider(definition.builtin):
        provider = _provider(project, chosen.provider_id)
        return _asking(rows, lambda models: partial(compared, models.embed, definition, provider))
    return [builtins.run(definition.builtin, chosen, dict(row.inputs)) for row in rows]


def _provider(project: Project, id: int) -> ProviderConfig:
    try:
        return config_of(usable_by(project.id).get(pk=id))
    except UnreadableSecret as problem:
        raise ValidationError({"provider_id": str(problem)}) from None


def _in_the_sandbox(definition: CodeDefinition, rows: Sequence[Row]) -> list[Verdict]:
    try:
        with Sandbox() as sandbox:
            outcomes = sandbox.run(
                definition.eval_code_snippet, [row.inputs for row in rows], seconds_per_row=definition.timeout
            )
            return [verdict_of(outcome) for outcome in outcomes]
    except SandboxOff as reason:
        raise ValidationError({"eval_code_snippet": f"Code evaluators are off on this machine: {reason}"}) from None


def _asking(rows: Sequence[Row], evaluator: Callable[..., Evaluate]) -> list[Verdict]:
    """Asks a provider about all rows at the same time, within its limits, for SECONDS at the most.

    `evaluator` makes the evaluating function of one row from what it asks through.
    """
    from scoring import llm

    prices.preload()

    async def one(evaluate: Evaluate, row: Row) -> Verdict:
        try:
            async with asyncio.timeout(SECONDS):
                return await evaluate(row.inputs)
        except TimeoutError:
            return errored(f"No answer within {SECONDS} seconds; a scoring run waits longer.")

    async def all_rows() -> list[Verdict]:
        async with llm.opened(settings.REDIS_URL) as models:
            evaluate = evaluator(models)
            return await asyncio.gather(*(one(evaluate, row) for row in rows))

    return asyncio.run(all_rows())

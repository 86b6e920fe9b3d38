"""What an output becomes as records: a trace with the case as its root, and below it the steps. Pure.

    <experiment name>      root, kind task     inputs, output, expected
    |- load_prompt         kind task           template -> rendered messages (prompt workflow)
    `- completion          kind llm            model, parameters, tokens, cost, finish reason

Evaluators' spans are drawn from the scores. The ids follow from the row and its generation, so that the same output
stored twice is one record.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from experiments.workflows.asking import Call, Generated
from records.drafts import RecordDraft
from records.models import Kind, Source
from records.sanitize import repaired

MAX_ERROR_CHARS = 10_000
AFTERWARDS = timedelta(microseconds=1)  # spans that begin at the same moment have no order


@dataclass(frozen=True, slots=True)
class Case:
    """A row as its records need it. `label` is what they carry as their experiment, `name` the root span's."""

    row_id: int
    generation: int
    name: str
    label: str
    case_id: str
    epoch: int
    inputs: Any
    expected: Any = None
    metadata: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    of: str = "experiment row"  # what `row_id` counts

    @property
    def trace_id(self) -> str:
        return _id(f"{self.of} {self.row_id} generation {self.generation}", 32)

    @property
    def root_id(self) -> str:
        return self.span_id("root")

    @property
    def root_key(self) -> str:
        """The external id of the root's record."""
        return f"{self.trace_id}:{self.root_id}"

    def span_id(self, name: str) -> str:
        return _id(f"{self.trace_id} {name}", 16)


def _id(words: str, digits: int) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:digits]


def trace_of(case: Case, call: Call, made: Generated, source: Source, by: str) -> list[RecordDraft]:
    """The root first."""
    ended = made.ended or made.began
    root = _span(case, source, by, case.name, Kind.TASK, made, case.root_id, parent="")
    root.ended_at, root.error = ended, repaired(made.error)[:MAX_ERROR_CHARS]
    root.inputs, root.outputs, root.expected = case.inputs, repaired(made.output), case.expected
    root.metadata, root.tags = case.metadata or {}, list(case.tags) or None
    root.prompt, root.prompt_version = call.prompt, call.prompt_version
    spans = [root]
    if call.template is not None:
        load = _span(case, source, by, "load_prompt", Kind.TASK, made, case.span_id("load_prompt"), case.root_id)
        load.ended_at = made.began
        load.inputs, load.outputs = {"template": list(call.template), "variables": case.inputs}, made.messages
        load.prompt, load.prompt_version = call.prompt, call.prompt_version
        load.error = "" if made.messages else root.error
        spans.append(load)
    if made.messages is not None:
        spans.append(_completion(case, call, made, source, by))
    return spans


def _completion(case: Case, call: Call, made: Generated, source: Source, by: str) -> RecordDraft:
    span = _span(case, source, by, "completion", Kind.LLM, made, case.span_id("completion"), case.root_id)
    span.ended_at, span.inputs, span.error = made.ended, repaired(made.messages), repaired(made.error)[:MAX_ERROR_CHARS]
    span.started_at = made.began + AFTERWARDS
    span.model, span.provider = call.model, call.config.price_name
    if call.options:
        span.metadata["parameters"] = dict(call.options)
    reply = made.reply
    if reply is not None:
        span.outputs = [{"role": "assistant", "content": repaired(reply.text)}]
        span.model = repaired(reply.model)[:200] or call.model
        span.tokens_in, span.tokens_out = reply.tokens_in, reply.tokens_out
        span.tokens_cached, span.tokens_cache_write = reply.tokens_cached or None, reply.tokens_cache_write or None
        span.cost, span.cost_estimated = made.cost, made.cost is not None
        span.metadata["finish_reason"] = repaired(reply.finish)
        if reply.estimated:
            span.metadata["tokens_estimated"] = True
        if call.schema is not None and reply.parsed is None:
            span.metadata["response_format_problem"] = repaired(reply.problem)
    return span


def _span(
    case: Case, source: Source, by: str, name: str, kind: Kind, made: Generated, span_id: str, parent: str
) -> RecordDraft:
    return RecordDraft(
        f"{case.trace_id}:{span_id}", source, made.began, started_at=made.began,
        trace_id=case.trace_id, span_id=span_id, parent_id=parent, name=name, kind=kind, created_by=by,
        experiment=case.label, case_id=case.case_id, epoch=case.epoch,
    )  # fmt: skip

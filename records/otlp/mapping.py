"""A span -> the draft of its record. Pure.

For each field the first attribute found wins; whatever no field takes stays in `metadata` under its own name, as do the
resource's attributes behind `resource.` and what else OTLP tells behind `otel.`.
"""

from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from records.drafts import RecordDraft
from records.models import Kind, Source
from records.otlp.cutting import cut_to_limits
from records.otlp.evaluations import take_scores
from records.otlp.payloads import take_payloads
from records.otlp.spans import CLIENT, KINDS, STATUS_ERROR, STATUS_OK, Event, Span
from records.otlp.values import (
    Attributes,
    read_json,
    take_cost,
    take_count,
    take_milliseconds,
    take_small_count,
    take_text,
    take_texts,
    take_value,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

KIND_NAMES: dict[str, dict[str, Kind]] = {
    "openinference.span.kind": {
        "llm": Kind.LLM, "tool": Kind.TOOL, "retriever": Kind.RETRIEVER, "agent": Kind.AGENT, "chain": Kind.CHAIN,
        "embedding": Kind.EMBEDDING, "reranker": Kind.RERANKER, "guardrail": Kind.GUARDRAIL,
    },
    "gen_ai.operation.name": {
        "chat": Kind.LLM, "text_completion": Kind.LLM, "generate_content": Kind.LLM, "embeddings": Kind.EMBEDDING,
        "execute_tool": Kind.TOOL, "invoke_agent": Kind.AGENT, "create_agent": Kind.AGENT, "retrieval": Kind.RETRIEVER,
        "invoke_workflow": Kind.CHAIN,
    },
    "traceloop.span.kind": {
        "workflow": Kind.CHAIN, "task": Kind.TASK, "agent": Kind.AGENT, "tool": Kind.TOOL,
    },
    "llm.request.type": {
        "chat": Kind.LLM, "completion": Kind.LLM, "embedding": Kind.EMBEDDING, "rerank": Kind.RERANKER,
    },
}  # fmt: skip
# Where nobody says the kind, these tell it.
TELLING = {
    "gen_ai.request.model": Kind.LLM, "gen_ai.response.model": Kind.LLM, "llm.model_name": Kind.LLM,
    "gen_ai.tool.name": Kind.TOOL, "tool.name": Kind.TOOL,
}  # fmt: skip
# These stand around the spans that call a model, and often repeat their sum.
AROUND = frozenset({Kind.AGENT, Kind.CHAIN, Kind.TASK})

# A field of the draft -> how it is read, and the attributes that may tell it, the first found first.
FIELDS: dict[str, tuple[Callable[[Attributes, Sequence[str]], Any], tuple[str, ...]]] = {
    "model": (take_text, (
        "gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "llm.response.model_name",
        "llm.request.model_name", "embedding.model_name", "reranker.model_name",
    )),
    "provider": (take_text, ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")),
    "tokens_in": (take_count, (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens",
    )),
    "tokens_out": (take_count, (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
        "llm.usage.completion_tokens",
    )),
    "tokens_cached": (take_count, (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input",
        "gen_ai.usage.details.cache_read_tokens",
    )),
    "tokens_cache_write": (take_count, (
        "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write", "gen_ai.usage.details.cache_write_tokens",
    )),
    "tokens": (take_count, ("llm.token_count.total", "gen_ai.usage.total_tokens", "llm.usage.total_tokens")),
    "reasoning_tokens": (take_count, (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning", "gen_ai.usage.details.reasoning_tokens",
    )),
    "cost": (take_cost, ("llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.total_cost", "operation.cost")),
    "ttft_ms": (take_milliseconds, ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token")),
    "thread": (take_text, (
        "session.id", "gen_ai.conversation.id", "traceloop.association.properties.session_id",
        "traceloop.association.properties.thread_id",
    )),
    "customer": (take_text, ("user.id", "enduser.id", "traceloop.association.properties.user_id")),
    "environment": (take_text, ("deployment.environment.name", "deployment.environment")),
    "custom_id": (take_text, ("evalhub.custom_id",)),
    "prompt": (take_text, ("evalhub.prompt", "gen_ai.prompt.name", "traceloop.prompt.key", "prompt.id")),
    "prompt_version": (take_count, (
        "evalhub.prompt_version", "traceloop.prompt.version", "llm.prompt_template.version",
    )),
    "experiment": (take_text, ("evalhub.experiment",)),
    "case_id": (take_text, ("evalhub.case_id",)),
    "epoch": (take_small_count, ("evalhub.epoch",)),
    "tags": (take_texts, ("evalhub.tags", "tag.tags")),
    "expected": (take_value, ("evalhub.expected",)),
}  # fmt: skip
FIELD_OF = {name: field for field, (_, names) in FIELDS.items() for name in names}
USAGE = ("tokens_in", "tokens_out", "tokens_cached", "tokens_cache_write", "tokens", "cost")
FIRST_TOKEN_EVENT = "First Token Stream Event"  # noqa: S105 - OpenInference's


def draft_from_span(span: Span, arrived: datetime) -> RecordDraft:
    """The span's record. Uses the span up. `arrived` is its time if it has none of its own."""
    started, ended = _time(span.start), _time(span.end)
    external_id = f"{span.trace_id}:{span.span_id}"
    kind = _take_kind(span.attributes)
    said = take_fields(span.attributes)
    unused = span.origin.mapped
    if unused:
        unused = dict(unused)
        said |= take_fields(unused, but=said)
    metrics = _take_sums(said, kind, span)
    draft = RecordDraft(
        external_id=external_id,
        source=Source.TRACE,
        created_at=started or ended or arrived,
        started_at=started,
        ended_at=ended,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        name=span.name,
        kind=kind,
        error=_error(span),
        metrics=metrics,
        **said,
    )
    if span.events:
        draft.scores = take_scores(span.events)
        if draft.ttft_ms is None:
            draft.ttft_ms = _first_token(span)
    draft.inputs, draft.outputs = take_payloads(span, kind)
    draft.metadata = _metadata(span, unused, draft.error)
    cut_to_limits(draft, span.size)
    return draft


def take_fields(attributes: Attributes, but: Container[str] = ()) -> dict[str, Any]:
    """The fields, `but` some, that the attributes tell; what tells them is removed."""
    said = {}
    for field in {FIELD_OF[name] for name in attributes if name in FIELD_OF}:
        if field not in but:
            read, names = FIELDS[field]
            value = read(attributes, names)
            if value is not None:
                said[field] = value
    return said


def _time(nanoseconds: int) -> datetime | None:
    return EPOCH + timedelta(microseconds=nanoseconds // 1000) if nanoseconds else None


def _take_kind(attributes: Attributes) -> str:
    """A kind whose word says more than ours, such as `generate_content`, keeps its attribute."""
    for name, kinds in KIND_NAMES.items():
        said = attributes.get(name)
        if not isinstance(said, str):
            continue
        kind = kinds.get(said.lower())
        if kind is not None:
            if said.lower() == kind:
                del attributes[name]
            return kind
    for name, kind in TELLING.items():
        if name in attributes:
            return kind
    return ""


def _take_sums(said: dict[str, Any], kind: str, span: Span) -> dict[str, Any]:
    """What belongs to the draft's `metrics`: reasoning tokens, and what an agent or chain within the process repeats of
    its calls' usage, or the trace would count that twice. One that is called over the network (span kind client) has no
    such spans below it."""
    metrics = {}
    if "reasoning_tokens" in said:
        metrics["reasoning_tokens"] = said.pop("reasoning_tokens")
    if kind in AROUND and span.kind != CLIENT:
        for name in USAGE:
            if name in said:
                value = said.pop(name)
                metrics[f"sum_{name}"] = float(value) if name == "cost" else value
    return metrics


def _first_token(span: Span) -> int | None:
    for event in span.events:
        if event.name == FIRST_TOKEN_EVENT and span.start and event.time >= span.start:
            return min((event.time - span.start) // 1_000_000, 2**31 - 1)
    return None


def _error(span: Span) -> str:
    """What the exception says, else the status. An exception in a span that says it went well was dealt with."""
    if span.status == STATUS_OK:
        return ""
    exception = next((event.attributes for event in reversed(span.events) if event.name == "exception"), None)
    if exception is not None:
        said = [str(exception[name]) for name in ("exception.type", "exception.message") if exception.get(name)]
        return ": ".join(said) or span.status_message or "exception"
    if span.status == STATUS_ERROR:
        return span.status_message or str(span.attributes.get("error.type") or "error")
    return ""


def _metadata(span: Span, unused: Attributes, error: str) -> dict[str, Any]:
    metadata = span.attributes
    own = read_json(metadata.get("metadata"))  # OpenInference's: what the application itself wanted to say
    if isinstance(own, dict):
        del metadata["metadata"]
        metadata |= {name: value for name, value in own.items() if name not in metadata}
    metadata |= span.origin.metadata
    for name, value in unused.items():
        metadata[f"resource.{name}"] = value
    if span.kind in KINDS and span.kind != 1:
        metadata["otel.kind"] = KINDS[span.kind]
    if span.status_message and span.status_message not in error:
        metadata["otel.status_message"] = span.status_message
    if span.state:
        metadata["otel.trace_state"] = span.state
    if span.links:
        metadata["otel.links"] = span.links
    if span.events:
        metadata["otel.events"] = [_event(event) for event in span.events]
    for what, count in span.dropped.items():
        if count:
            metadata[f"otel.dropped_{what}"] = count
    return metadata


def _event(event: Event) -> dict[str, Any]:
    time = _time(event.time)
    said: dict[str, Any] = {"name": event.name, "time": time.isoformat() if time else None}
    return said | {"attributes": event.attributes} if event.attributes else said

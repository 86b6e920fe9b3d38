"""The closed world of fields: what a name means, what may be compared with it, and where it lies.

`r` is record; every SQL piece here is ours, and nothing a user typed is ever put into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from records.models import Kind, Outcome, RecordStatus, ScoreSource, Source, ValueType

MAX_PATH_LEVELS = 8
MAX_KEY_CHARS = 64


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What the language must know of a metric."""

    id: int
    slug: str
    name: str
    value_type: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of one project, and who asks."""

    metrics: Mapping[str, MetricInfo] = field(default_factory=dict)
    people: Mapping[str, int] = field(default_factory=dict)  # user name -> id, for assigned:
    me: int | None = None
    evaluators: frozenset[str] | None = None  # slugs, where the asker knows them: others are pointed out
    rules: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """How a field compiles. `scale` turns the unit that people write into the column's (seconds to milliseconds)."""

    kind: str
    sql: str = ""
    label: str = ""
    choices: Mapping[str, object] = field(default_factory=dict)
    scale: int = 1
    whole: bool = False  # the column holds whole numbers
    of_trace: str = ""  # what stands for the column on a root that has nothing there: the trace's
    lower_index: bool = False  # there is an index on lower() of the column
    partial: bool = False  # and it leaves empty values out
    column: "Spec | None" = None  # of a JSON name: the column in which senders' values of that name are stored


def _words(choices: type) -> dict[str, object]:
    return {str(choice.label).lower(): choice.value for choice in choices}


def _text(column: str, label: str, lower_index: bool = False, partial: bool = False) -> Spec:
    return Spec("text", f"r.{column}", label, lower_index=lower_index, partial=partial)


def _number(column: str, label: str, scale: int = 1, whole: bool = True, of_trace: str = "") -> Spec:
    return Spec("number", f"r.{column}", label, scale=scale, whole=whole, of_trace=of_trace)


ID = Spec("uuid", "r.id", "id")
NAME = _text("name", "name", lower_index=True)
KIND = Spec("choice", "r.kind", "kind", {kind.value: kind.value for kind in Kind})
EXPERIMENT = _text("experiment", "experiment", lower_index=True, partial=True)
STARTED = Spec("time", "r.started_at", "started")
ENDED = Spec("time", "r.ended_at", "ended")
LATENCY = _number("latency_ms", "latency", scale=1000)
TTFT = _number("ttft_ms", "time to first token", scale=1000)
COST = _number("cost", "cost", whole=False, of_trace="r.trace_cost")
TOKENS = _number("tokens", "tokens", of_trace="r.trace_tokens")
TOKENS_IN = _number("tokens_in", "input tokens")
TOKENS_OUT = _number("tokens_out", "output tokens")
TOKENS_CACHED = _number("tokens_cached", "cached tokens")
TOKENS_CACHE_WRITE = _number("tokens_cache_write", "tokens written to the cache")
ENVIRONMENT = _text("environment", "environment", lower_index=True)
MODEL = _text("model", "model", lower_index=True)
PROVIDER = _text("provider", "provider")
CUSTOMER = _text("customer", "customer")
THREAD = _text("thread", "thread")
CUSTOM_ID = _text("custom_id", "custom id")
PROMPT = _text("prompt", "prompt")
PROMPT_VERSION = _number("prompt_version", "prompt version")
TRACE = Spec("exact", "r.trace_id", "trace")
SPAN_ID = Spec("exact", "r.span_id", "span id")
PARENT_ID = Spec("exact", "r.parent_id", "parent span")
INPUTS = Spec("payload", "y.inputs", "inputs")
OUTPUTS = Spec("payload", "y.outputs", "outputs")
EXPECTED = Spec("payload", "y.expected", "expected")

FIELDS: dict[str, Spec] = {
    "id": ID,
    "trace": TRACE,
    "span.id": SPAN_ID,
    "span.name": NAME,
    "span.kind": KIND,
    "name": NAME,
    "kind": KIND,
    "root": Spec("bool", "r.is_root", "root"),
    "status": Spec("choice", "r.status", "status", _words(RecordStatus)),
    "source": Spec("choice", "r.source", "source", _words(Source)),
    "created": Spec("time", "r.created_at", "created"),
    "started": STARTED,
    "created_by": _text("created_by", "created by"),
    "error": _text("error", "error"),
    "model": MODEL,
    "provider": PROVIDER,
    "environment": ENVIRONMENT,
    "customer": CUSTOMER,
    "thread": THREAD,
    "custom_id": CUSTOM_ID,
    "prompt": PROMPT,
    "prompt_version": PROMPT_VERSION,
    "experiment": EXPERIMENT,
    "run": EXPERIMENT,
    "case": _text("case_id", "case"),
    "epoch": _number("epoch", "epoch"),
    "latency": LATENCY,
    "ttft": TTFT,
    "cost": COST,
    "tokens": TOKENS,
    "tokens.input": TOKENS_IN,
    "tokens.output": TOKENS_OUT,
    "tokens.cached": TOKENS_CACHED,
    "tag": Spec("set", "r.tags", "tag"),
    "inputs": INPUTS,
    "input": INPUTS,
    "outputs": OUTPUTS,
    "output": OUTPUTS,
    "expected": EXPECTED,
    "evaluator": Spec("scored", "s.evaluator", "evaluator"),
    "rule": Spec("scored", "s.rule", "rule"),
    "scoring_run": Spec("scored", "s.run_no::text", "scoring run"),
    "assigned": Spec("person", "s.assignee_id", "assigned to"),
}

PAYLOADS = {"inputs", "input", "outputs", "output", "expected"}
PREFIXES = ("metadata", "metrics", "metric", *sorted(PAYLOADS))

# Seed names of measurements and metadata that have a column of their own here.
METRIC_COLUMNS: dict[str, Spec] = {
    "start_time": STARTED,
    "timestamp": ENDED,
    "prompt_tokens": TOKENS_IN,
    "completion_tokens": TOKENS_OUT,
    "prompt_cache_hit_tokens": TOKENS_CACHED,
    "prompt_cache_creation_tokens": TOKENS_CACHE_WRITE,
    "total_request_tokens": TOKENS,
    "latency": LATENCY,
    "time_to_first_token": TTFT,
    "cost": COST,
    # What was sent, else what the columns say; no index to lose by it.
    "tokens_per_second": Spec(
        "number",
        "(CASE WHEN jsonb_typeof(r.metrics -> 'tokens_per_second') = 'number'"
        " THEN (r.metrics ->> 'tokens_per_second')::numeric"
        " WHEN r.latency_ms > 0 THEN r.tokens_out * 1000.0 / r.latency_ms END)",
        "tokens per second",
    ),
}
METADATA_COLUMNS: dict[str, Spec] = {
    "unique_id": ID,
    "environment": ENVIRONMENT,
    "customer_identifier": CUSTOMER,
    "custom_identifier": CUSTOM_ID,
    "thread_identifier": THREAD,
    "prompt_id": PROMPT,
    "prompt_version_number": PROMPT_VERSION,
    "provider_id": PROVIDER,
    "model": MODEL,
    "span_name": NAME,
    "span_unique_id": SPAN_ID,
    "span_parent_id": PARENT_ID,
    "trace_group_identifier": TRACE,
}
METADATA = Spec("json", "r.metadata")
METRICS = Spec("json", "r.metrics")
METADATA_NAMES = {name: replace(METADATA, label=spec.label, column=spec) for name, spec in METADATA_COLUMNS.items()}

OUTCOMES = _words(Outcome)
METRIC_PARTS: dict[str, Spec] = {
    "status": Spec("outcome", "s.outcome", "", OUTCOMES),
    "latest": Spec("latest", "s.outcome", "", OUTCOMES),
    "reasoning": Spec("score_text", "s.reasoning"),
    "source": Spec("score_choice", "s.source", "", _words(ScoreSource)),
    "version": Spec("score_number", "s.version_no", whole=True),
}
METRIC_VALUES: dict[str, Spec] = {
    ValueType.NUMERICAL: Spec("score_number", "s.value"),
    ValueType.BOOLEAN: Spec("score_bool", "s.boolean_value"),
    ValueType.CATEGORICAL: Spec("score_set", "s.categorical_value"),
    ValueType.COMMENT: Spec("score_text", "s.string_value"),
}
ANY_METRIC = Spec("outcome", "s.outcome", "any metric", OUTCOMES)

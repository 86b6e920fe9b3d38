"""What the calls on records, scores and metrics take and give, as the API's page shows it.

Answers are written by `records.json_records` and not sent through these models again: tests hold the two together.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from evalhub.openapi import FieldProblem, example
from records.json_values import text
from records.models import ValueType
from records.models.metric import Direction

OneLine = Annotated[str, AfterValidator(text)]


class Strict(Schema):
    """A body in which a field that nobody reads is a mistake of the sender's, and is said to be one."""

    model_config = ConfigDict(extra="forbid")


def one_or_many(model: type[Schema], wrapped: str = "") -> dict[str, Any]:
    """The request body of a call that reads it itself, for the API's page: one object, a list of them, or the list as
    `wrapped` of an object."""
    schema = _inlined(model.json_schema())
    several = {"type": "array", "items": schema}
    either = [schema, several]
    if wrapped:
        either.append({"type": "object", "properties": {wrapped: several}, "required": [wrapped]})
    said = {"schema": {"oneOf": either}, "example": schema.pop("example")}
    return {"requestBody": {"required": True, "content": {"application/json": said}}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without references: they are to its own root, which it is not in the API's document. A type within
    itself (spans of spans) is described once, then only named."""
    known = schema.pop("$defs", {})

    def put(part: Any, above: tuple[str, ...] = ()) -> Any:
        if isinstance(part, list):
            return [put(item, above) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" not in part:
            return {key: put(value, above) for key, value in part.items()}
        name = part["$ref"].rpartition("/")[2]
        if name in above or name not in known:
            return {"type": "object", "description": f"Again a {name}."}
        return put(known[name], (*above, name)) | {key: value for key, value in part.items() if key != "$ref"}

    return put(schema)


class Choice(Strict):
    value: str
    number: float | None = None
    archived: bool = False


class MetricChange(Strict):
    model_config = example({"description": "Whether the answer is right."})
    slug: str | None = None
    name: str | None = None
    description: str | None = None
    value_type: ValueType | None = None
    min_score: float | None = None
    max_score: float | None = None
    passing_score: float | None = None
    direction: Direction | None = None
    passing_value: bool | None = None
    categorical_choices: list[str | Choice] | None = None
    several: bool | None = None
    passing_choices: list[str] | None = None
    position: int | None = None


class MetricIn(MetricChange):
    model_config = example(
        {"slug": "tone", "value_type": "categorical", "categorical_choices": ["friendly", "neutral", "rude"]}
    )
    slug: str
    value_type: ValueType


class MetricOut(Schema):
    slug: str
    name: str
    description: str
    value_type: ValueType
    min_score: float | None
    max_score: float | None
    passing_score: float | None
    direction: Direction
    passing_value: bool | None
    categorical_choices: list[Choice]
    several: bool
    passing_choices: list[str]
    position: int
    version: int
    primary_evaluator: str
    automatic: bool
    archived: bool
    created_at: datetime


class MetricList(Schema):
    items: list[MetricOut]
    next_cursor: str | None = None


class ScoreIn(Strict):
    model_config = example({"metric": "correct", "boolean_value": True, "reasoning": "As the carrier says."})
    metric: str = Field(description="The metric's slug.")
    numerical_value: Any = None
    boolean_value: Any = None
    categorical_value: Any = None
    string_value: Any = None
    reasoning: str = Field("", max_length=10_000)
    scorer: OneLine = Field("", description="Who judged; empty: the key.")
    id: OneLine = Field("", description="Your own id: the same one again is a harmless repeat.")


class ScoreChange(Strict):
    model_config = example({"boolean_value": False, "reasoning": "It came two days later."})
    numerical_value: Any = None
    boolean_value: Any = None
    categorical_value: Any = None
    string_value: Any = None
    reasoning: str | None = Field(None, max_length=10_000)
    scorer: OneLine = ""


class ScoreOut(Schema):
    id: UUID
    record: UUID
    metric: str
    value_type: ValueType
    numerical_value: float | None = None
    boolean_value: bool | None = None
    categorical_value: list[str] | None = None
    string_value: str | None = None
    value: float | None
    passed: bool | None
    status: Literal["pending", "completed", "errored", "skipped"]
    outcome: str
    is_current: bool
    source: Literal["llm", "code", "human", "api"]
    scorer: str
    evaluator: str
    evaluator_version: int | None
    metric_version: int
    rule: str
    scoring_run: int | None
    reasoning: str
    error: str
    attempts: int
    epoch: int
    tokens: int | None
    cost: float | None
    duration: float | None
    created_at: datetime
    completed_at: datetime | None


class ScoreList(Schema):
    items: list[ScoreOut]
    next_cursor: str | None = None


class SpanScoreIn(Schema):
    metric: str
    numerical_value: float | None = None
    boolean_value: bool | None = None
    categorical_value: list[str] | None = None
    string_value: str | None = None
    reasoning: str = ""
    scorer: str = ""
    id: str = Field("", description="Your own id of the score; without one the same words are the same score.")


class RecordChange(Schema):
    """What may be said of a record at any time. Times are RFC 3339, durations seconds, money USD."""

    model_config = example({"tags": ["delivery"], "expected": "It arrives tomorrow."})
    name: str = Field("", description="Also: span_name.")
    kind: str = Field("", description="Such as llm, tool, retriever or agent.")
    started_at: datetime | None = Field(None, description="Also: start_time.")
    ended_at: datetime | None = Field(None, description="Also: end_time, timestamp.")
    inputs: Any = Field(None, description="What was sent to the AI system. Also: input, llm_input.")
    outputs: Any = Field(None, description="Also: output, llm_output.")
    expected: Any = Field(None, description="Also: expected_output.")
    metadata: dict[str, Any] = {}
    metrics: dict[str, Any] = Field({}, description="Measurements: latency, prompt_tokens, cost, ...")
    tags: list[str] = []
    error: str = Field("", description="What went wrong while it ran; empty: nothing.")
    model: str = ""
    provider: str = Field("", description="Also: provider_id.")
    environment: str = ""
    customer: str = Field("", description="Also: customer_identifier.")
    custom_id: str = Field("", description="Also: custom_identifier.")
    thread: str = Field("", description="Also: thread_identifier.")
    prompt: str = Field("", description="Also: prompt_id.")
    prompt_version: int | None = Field(None, description="Also: prompt_version_number.")
    experiment: str = ""
    case_id: str = ""
    epoch: int | None = None
    latency: float | None = None
    ttft: float | None = Field(None, description="Also: time_to_first_token.")
    tokens_in: int | None = Field(None, description="Also: prompt_tokens.")
    tokens_out: int | None = Field(None, description="Also: completion_tokens.")
    tokens_cached: int | None = Field(None, description="Also: prompt_cache_hit_tokens.")
    tokens_cache_write: int | None = Field(None, description="Also: prompt_cache_creation_tokens.")
    tokens: int | None = Field(None, description="Also: total_request_tokens.")
    cost: float | None = None


class RecordIn(RecordChange):
    model_config = example(
        {
            "id": "order-4711",
            "name": "answer",
            "model": "gpt-4.1-mini",
            "inputs": {"question": "Where is my parcel?"},
            "outputs": "It arrives tomorrow.",
            "latency": 1.2,
            "prompt_tokens": 210,
            "completion_tokens": 12,
            "metadata": {"plan": "pro"},
            "scores": [{"metric": "correct", "boolean_value": True}],
        }
    )
    id: str = Field("", description="Your own id: the same one again is the same record. Also: external_id.")
    created_at: datetime | None = Field(None, description="When it happened; else its start, else now.")
    trace_id: str = Field("", description="Also: trace_group_identifier.")
    span_id: str = Field("", description="Also: span_unique_id.")
    parent_id: str = Field("", description="The span_id of the span above. Also: span_parent_id.")
    scores: list[SpanScoreIn] = []
    spans: list[dict[str, Any]] = Field([], description="Records inside this one, each with the fields of a record.")


class AcceptedRecord(Schema):
    index: int
    id: UUID
    external_id: str
    spans: list[UUID]


class RefusedRecord(Schema):
    index: int
    fields: list[FieldProblem]


class Posted(Schema):
    accepted: list[AcceptedRecord]
    refused: list[RefusedRecord]
    created: int
    updated: int


class TraceSums(Schema):
    """On a trace's root: sums over all its spans."""

    spans: int
    tokens: int | None
    cost: float | None
    errors: int | None


class RecordOut(Schema):
    id: UUID
    external_id: str
    name: str
    kind: str
    is_root: bool
    source: Literal["api", "playground", "kickoff", "trace"]
    status: Literal["unscored", "pending", "completed", "errored"]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    trace_id: str
    span_id: str
    parent_id: str
    created_by: str
    environment: str
    customer: str
    custom_id: str
    thread: str
    model: str
    provider: str
    prompt: str
    prompt_version: int | None
    experiment: str
    case_id: str
    epoch: int | None
    latency: float | None
    ttft: float | None
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None
    tokens_cache_write: int | None
    tokens: int | None
    cost: float | None
    cost_estimated: bool
    error: str
    tags: list[str]
    truncated: bool = Field(description="A value over a limit was stored cut.")
    metrics: dict[str, Any]
    metadata: dict[str, Any]
    trace: TraceSums | None = None


class Preview(Schema):
    preview: str
    truncated: bool


class RecordItem(RecordOut):
    inputs: Preview | None
    outputs: Preview | None
    expected: Preview | None
    payload_expired: bool = Field(description="Inputs, outputs and expected are kept no longer (retention).")


class RecordList(Schema):
    items: list[RecordItem]
    next_cursor: str | None
    searched_back_to: datetime | None


class Bar(Schema):
    start: datetime
    counts: dict[str, int] = Field(description="By the words of what `by` names; none: nothing happened.")


class Histogram(Schema):
    items: list[Bar] = Field(description="From oldest to newest, gaps included.")
    seconds: int = Field(description="The width of a bar.")
    about: bool = Field(description="Scaled up from a sample of 1 %.")
    counted_from: datetime | None = Field(description="What is older was not counted in time.")


class SpanOut(Schema):
    id: UUID
    span_id: str
    parent_id: str
    name: str
    kind: str
    started_at: datetime
    ended_at: datetime | None
    latency: float | None
    model: str
    tokens_in: int | None
    tokens_out: int | None
    cost: float | None
    error: str
    score: dict[str, Any] | None = None
    spans: list["SpanOut"]


class RecordDetail(RecordOut):
    inputs: Any
    outputs: Any
    expected: Any
    payload_expired: bool = Field(description="Inputs, outputs and expected are kept no longer (retention).")
    scores: list[ScoreOut]
    spans: list[SpanOut]

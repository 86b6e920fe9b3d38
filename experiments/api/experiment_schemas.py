"""What the calls on experiments take and give, as the API's page shows it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import AliasChoices, Field, JsonValue

from evalhub.openapi import FieldProblem, example
from experiments.models import ExperimentState, RowState, Workflow
from experiments.models.experiment import DAY, MOST_CONCURRENCY, MOST_EPOCHS
from records.api.schemas import RecordDetail, ScoreOut, Strict
from scoring.api.selecting import SelectionIn

MOST_CLAIMED = 200


def either(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class ExperimentIn(SelectionIn):
    """`type` says which fields count: prompt takes a dataset and a prompt; completion a dataset, a provider and a
    model; custom a dataset; existing records by `q` or `ids`."""

    model_config = example(
        {
            "name": "Support v16",
            "type": "custom",
            "dataset": "questions",
            "evaluators": ["correct"],
            "baseline": "support-v14",
        }
    )
    name: str = Field(max_length=120)
    type: Workflow = Field(validation_alias=either("type", "workflow"))
    slug: str = Field("", max_length=63, description="Made of the name unless given.")
    description: str = ""
    dataset: str | int | None = Field(None, validation_alias=either("dataset", "dataset_id"), description="Its slug.")
    revision: int | None = Field(
        None, validation_alias=either("revision", "dataset_revision"), description="The newest unless given."
    )
    split: str = Field("", max_length=40, description="Only cases of this split.")
    prompt: str | int | None = Field(None, validation_alias=either("prompt", "prompt_id"), description="Its slug.")
    prompt_version: int | None = Field(None, description="A committed one; the deployed one unless given.")
    provider_id: int | None = Field(None, description="completion; `GET /providers` lists them.")
    model: str = Field("", max_length=200, description="completion")
    parameters: dict[str, JsonValue] = Field({}, description="completion: further fields of the request.")
    evaluators: list[str] = Field([], description="Slugs; each is frozen in its present version.")
    epochs: int = Field(1, ge=1, le=MOST_EPOCHS, description="How often each case is run.")
    concurrency: int = Field(8, ge=1, le=MOST_CONCURRENCY, description="Calls at the same time.")
    timeout: int = Field(DAY, ge=60, le=30 * DAY, description="custom: seconds until what nobody submits expires.")
    baseline: str = Field("", description="The slug of the experiment that it is compared with.")
    dry_run: bool = Field(False, description="Answers the estimate alone, and starts nothing.")


class ExperimentChange(Strict):
    model_config = example({"description": "With the new system prompt.", "baseline": "support-v14"})
    name: str | None = Field(None, max_length=120)
    description: str | None = None
    baseline: str | None = Field(None, description="A slug; empty for none.")


class SetEvaluator(Schema):
    slug: str | None = Field(description="null: the scores that came with the records.")
    version: int | None
    metric: str


class SetOut(Schema):
    number: int = Field(description="1 came with the experiment; the others were scored again later.")
    name: str
    created_by: str
    created_at: datetime
    evaluators: list[SetEvaluator]


class ExperimentShort(Schema):
    slug: str
    name: str
    description: str
    type: Workflow
    state: ExperimentState
    reason: str = Field(description="Why nobody goes on with it.")
    uploaded: bool
    dataset: str | None
    dataset_revision: int | None
    split: str
    prompt: str | None
    prompt_version: int | None
    provider_id: int | None
    model: str
    parameters: dict[str, Any]
    epochs: int
    concurrency: int
    timeout: int
    expires_at: datetime | None
    baseline: str | None
    rows: int
    states: dict[str, int] = Field(description="Rows by their state.")
    tokens: int
    cost: float | None = Field(description="USD, of making the outputs; null where no price is known.")
    judging_cost: float = Field(description="USD, of scoring them.")
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ExperimentOut(ExperimentShort):
    sets: list[SetOut]


class ExperimentList(Schema):
    items: list[ExperimentShort]
    next_cursor: str | None = None


class ExperimentEstimate(Schema):
    """Costs in USD, null where a price is not known."""

    rows: int
    exact: bool = Field(description="False: at least so many.")
    cases: int
    calls: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    judging_calls: int
    judging_cost: float | None
    seconds: float
    warnings: list[str]


class ExperimentStarted(Schema):
    estimate: ExperimentEstimate
    experiment: ExperimentOut | None = None


class RetriedOut(Schema):
    rows: int
    experiment: ExperimentOut


class RescoreIn(Strict):
    model_config = example({"evaluators": ["correct"], "name": "Once more"})
    evaluators: list[str] = Field(description="Slugs; each runs in its present version.")
    name: str = Field("", max_length=120, description="Of the set; the evaluators' unless given.")


class PreviewOut(Schema):
    preview: str
    truncated: bool


class RowOut(Schema):
    case_id: str
    epoch: int
    state: RowState
    error: str
    record: UUID | None
    inputs: PreviewOut | None
    outputs: PreviewOut | None
    expected: PreviewOut | None
    finish: str = Field(description='Why the model stopped; "length": its answer was cut.')
    tokens: int | None
    cost: float | None
    latency: float | None
    scores: list[ScoreOut]


class RowList(Schema):
    items: list[RowOut]
    next_cursor: str | None = None


class RowDetail(Schema):
    case_id: str
    epoch: int
    state: RowState
    error: str
    record: RecordDetail


class ClaimIn(Strict):
    model_config = example({"limit": 10, "lease": 600})
    limit: int = Field(10, ge=1, le=MOST_CLAIMED)
    lease: int = Field(600, ge=10, le=DAY, description="Seconds until others may claim the rows.")


class ClaimedOut(Schema):
    case_id: str
    epoch: int
    inputs: Any
    metadata: dict[str, Any]
    tags: list[str]


class ClaimOut(Schema):
    items: list[ClaimedOut] = Field(description="Empty: nothing waits now. `expected` is not told to who is tested.")
    state: ExperimentState
    waiting: int = Field(description="Rows that wait, or that others hold.")


class ResultIn(Schema):
    """Also every other field of a record: `metrics`, `model`, `tokens_in`, `tags`, `spans` (nested, as in records)."""

    model_config = example(
        {
            "case_id": "q1",
            "outputs": "On its way.",
            "tokens_in": 120,
            "tokens_out": 9,
            "spans": [{"name": "search", "kind": "retriever", "outputs": ["doc 7"]}],
        }
    )
    case_id: str
    epoch: int = 1
    outputs: Any = None
    error: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = Field(None, description="USD")
    metadata: dict[str, Any] = {}
    spans: list[dict[str, Any]] = Field([], description="The steps below it.")


class AcceptedOut(Schema):
    index: int
    case_id: str
    epoch: int
    record: UUID | None
    repeat: bool = Field(description="The row had its record already; this one changed nothing.")


class RefusedOut(Schema):
    index: int
    fields: list[FieldProblem]


class SubmittedOut(Schema):
    accepted: list[AcceptedOut]
    refused: list[RefusedOut]

"""What the calls on records, scores and metrics take and give, as the API's page shows it.

Answers are written by `records.json_records` and not sent through these models again: tests hold the two together.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from records.models import ValueType
from records.models.metric import Direction

Word = Literal["unscored", "pending", "completed", "errored"]


class Strict(Schema):
    """A body in which a field that nobody reads is a mistake of the sender's, and is said to be one."""

    model_config = ConfigDict(extra="forbid")


class FieldProblem(Schema):
    path: str
    message: str


class ErrorDetail(Schema):
    code: str
    message: str
    fields: list[FieldProblem] | None = None
    pos: int | None = Field(None, description="Of a filter: the first character that is wrong.")
    end: int | None = None


class Error(Schema):
    error: ErrorDetail


ERRORS = {code: Error for code in (400, 401, 403, 404, 413, 503)}


def one_or_many(model: type[Schema]) -> dict[str, Any]:
    """The request body of a call that reads it itself, one object or a list of them, for the API's page."""
    schema = model.json_schema()
    either = {"oneOf": [schema, {"type": "array", "items": schema}]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": either}}}}


class Choice(Strict):
    value: str
    number: float | None = None
    archived: bool = False


class MetricChange(Strict):
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
    metric: str = Field(description="The metric's slug.")
    numerical_value: Any = None
    boolean_value: Any = None
    categorical_value: Any = None
    string_value: Any = None
    reasoning: str = Field("", max_length=10_000)
    scorer: str = Field("", max_length=1_000, description="Who judged; empty: the key.")
    id: str = Field("", max_length=1_000, description="Your own id: the same one again is a harmless repeat.")


class ScoreChange(Strict):
    numerical_value: Any = None
    boolean_value: Any = None
    categorical_value: Any = None
    string_value: Any = None
    reasoning: str | None = Field(None, max_length=10_000)
    scorer: str = Field("", max_length=1_000)


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

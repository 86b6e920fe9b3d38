"""What the calls on evaluators take and give, as the API's page shows it."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field, JsonValue

from evalhub.openapi import example
from records.api.schemas import Choice, ScoreIn, Strict
from records.models import ValueType
from scoring.models import EvaluatorType, ProviderKind


class OptionsIn(Strict):
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    timeout: float | None = Field(None, description="Seconds a call may take.")
    extra: dict[str, JsonValue] | None = Field(None, description="Further fields of the request, sent as they are.")


class DefinitionIn(Strict):
    """Only the fields of the evaluator's type may be given."""

    evaluator_definition: str | None = Field(None, description="llm: the prompt template, with {{ output }}.")
    rubric: str | None = Field(None, description="llm: what earns which value.")
    provider_id: int | None = Field(None, description="llm: whose model; `GET /providers` lists them.")
    model: str | None = Field(None, description="llm")
    options: OptionsIn | None = Field(None, description="llm")
    samples: int | None = Field(None, description="llm: how often the model is asked.")
    combine: Literal["mean", "majority"] | None = Field(None, description="llm: how several samples become one.")
    eval_code_snippet: str | None = Field(None, description="code: Python with def evaluate(...).")
    builtin: str | None = Field(None, description="code: a built-in evaluator in place of a snippet.")
    settings: dict[str, JsonValue] | None = Field(None, description="code: of the built-in evaluator.")
    timeout: float | None = Field(None, description="code: seconds a record.")
    guidelines: str | None = Field(None, description="human: what reviewers are to go by.")
    reviewers: int | None = Field(None, description="human: how many score each record.")


class EvaluatorChange(DefinitionIn):
    model_config = example({"description": "Compares with what was expected.", "settings": {"ignore_case": True}})
    slug: str | None = None
    name: str | None = None
    description: str | None = None
    type: EvaluatorType | None = None
    metric: str | None = Field(None, description="The slug of the metric that it measures.")
    note: str = Field("", description="What this version changes, and why.")


class EvaluatorIn(EvaluatorChange):
    """Name a `metric` of the project; or describe one, and it is made with the evaluator's slug."""

    model_config = example(
        {
            "slug": "polite",
            "type": "llm",
            "score_value_type": "boolean",
            "passing_value": True,
            "provider_id": 1,
            "model": "gpt-4.1-mini",
            "evaluator_definition": "Is this answer polite?\n\n{{ output }}",
        }
    )
    slug: str
    type: EvaluatorType
    score_value_type: ValueType | None = None
    min_score: float | None = None
    max_score: float | None = None
    passing_score: float | None = None
    direction: Literal["higher", "lower"] | None = None
    passing_value: bool | None = None
    categorical_choices: list[str | Choice] | None = None
    several: bool | None = None
    passing_choices: list[str] | None = None


class EvaluatorOut(Schema):
    slug: str
    name: str
    description: str
    type: EvaluatorType
    metric: str
    score_value_type: ValueType
    min_score: float | None
    max_score: float | None
    passing_score: float | None
    categorical_choices: list[Choice]
    is_primary: bool = Field(description="Whether its values are the metric's column.")
    version: int
    archived: bool
    created_at: datetime
    evaluator_definition: str | None = None
    eval_code_snippet: str | None = None


class EvaluatorList(Schema):
    items: list[EvaluatorOut]
    next_cursor: str | None = None


class EvaluatorVersionIn(DefinitionIn):
    model_config = example({"builtin": "exact_match", "settings": {"ignore_case": True}, "note": "Case is no matter."})
    note: str = ""


class EvaluatorVersionOut(Schema):
    number: int
    author: str
    note: str
    created_at: datetime
    metric_version: int
    definition: dict[str, Any]


class EvaluatorVersionList(Schema):
    items: list[EvaluatorVersionOut]
    next_cursor: str | None = None


class TrialIn(Strict):
    """`inputs` or `records`, at most 20 of them."""

    inputs: dict[str, Any] | list[dict[str, Any]] | None = Field(
        None, description="{input, output, expected, metadata, metrics}, or a list of such."
    )
    records: list[str] | None = Field(None, description="Ids of records, EvalHub's or yours.")


class VersionTrialIn(TrialIn):
    model_config = example({"inputs": {"output": "It arrives tomorrow.", "expected": "It arrives tomorrow."}})
    version: int | None = Field(None, description="Null: the current one.")


class TestIn(DefinitionIn, TrialIn):
    model_config = example(
        {
            "type": "code",
            "metric": "correct",
            "builtin": "contains",
            "settings": {"texts": ["tomorrow"]},
            "records": ["order-4711"],
        }
    )
    type: EvaluatorType
    metric: str


class TrialOut(Schema):
    record: str | None = None
    arguments: dict[str, Any] = Field(description="What the evaluator received, by name.")
    status: Literal["completed", "errored", "skipped"]
    numerical_value: float | None = None
    boolean_value: bool | None = None
    categorical_value: list[str] | None = None
    string_value: str | None = None
    passed: bool | None = None
    reasoning: str = ""
    error: str = ""
    prompt: str | None = None
    reply: str | None = None
    output: str | None = Field(None, description="What the code printed.")
    tokens: int | None = None
    cost: float | None = None
    duration_ms: int | None = None


class TrialList(Schema):
    items: list[TrialOut]


class EvaluatorScoreIn(ScoreIn):
    model_config = example({"record": "order-4711", "boolean_value": True})
    metric: str = Field("", description="Not needed: the evaluator's.")
    record: str = Field(description="The record's id, EvalHub's or yours.")


class ProviderOut(Schema):
    id: int
    name: str
    kind: ProviderKind
    shared: bool
    models: list[str]
    paused_reason: str


class ProviderList(Schema):
    items: list[ProviderOut]
    next_cursor: str | None = None

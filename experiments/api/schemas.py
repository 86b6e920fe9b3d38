"""What the calls on datasets and prompts take and give, as the API's page shows it.

What an item and a version may say is read by `experiments.datasets.drafts` and `experiments.prompts.versions`.
"""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field, JsonValue

from evalhub.openapi import example
from records.api.schemas import Strict

ITEM = {
    "id": "late-parcel", "inputs": {"name": "Ada", "issue": "My parcel is late.", "order_id": "1042"},
    "expected": "It arrives tomorrow.", "metadata": {"tier": "gold"}, "tags": ["delivery"], "split": "test",
}  # fmt: skip
MESSAGES = [
    {"role": "system", "content": "You answer customers in one sentence."},
    {"role": "user", "content": "{{ name }} writes about order {{ order_id }}: {{ issue }}"},
]
VERSION = {
    "messages": MESSAGES, "provider_id": 1, "model": "gpt-5-mini", "parameters": {"temperature": 0.2},
    "variables": [{"name": "order_id", "type": "text", "required": False, "default": "none"}],
    "note": "One sentence is enough.",
}  # fmt: skip


class DatasetChange(Strict):
    model_config = example({"description": "Questions of the first half of 2026."})
    name: str | None = None
    description: str | None = None
    inputs_schema: dict[str, JsonValue] | None = Field(None, description="JSON Schema of the inputs; {} takes it away.")


class DatasetIn(DatasetChange):
    model_config = example({
        "name": "Support questions", "slug": "support-questions",
        "inputs_schema": {"type": "object", "required": ["issue"]}, "items": [ITEM],
    })  # fmt: skip
    name: str
    slug: str = Field("", description="Made of the name where it is not given; stays.")
    items: list[dict[str, JsonValue]] = Field([], description="The first ones; as POST .../items takes them.")


class DatasetOut(Schema):
    slug: str
    name: str
    description: str
    inputs_schema: dict[str, Any] | None
    revision: int = Field(description="The newest; 0 while nothing was put in.")
    items: int = Field(description="Of the newest revision.")
    splits: dict[str, int] = Field(description="How many items each split has.")
    archived: bool
    created_by: str
    created_at: datetime
    changed_at: datetime


class DatasetList(Schema):
    items: list[DatasetOut]
    next_cursor: str | None = None


class RevisionOut(Schema):
    number: int
    words: str
    added: int
    changed: int
    removed: int
    items: int
    splits: dict[str, int]
    created_by: str
    created_at: datetime


class RevisionList(Schema):
    items: list[RevisionOut]
    next_cursor: str | None = None


class ItemIn(Strict):
    """`input` and `expected_output` are read as `inputs` and `expected`. Of an id that is known only what is said is
    changed."""

    model_config = example(ITEM)
    id: str | None = Field(None, description="The case's; one is made where none is given.")
    inputs: dict[str, Any] | list[dict[str, Any]] = Field(description="An object, or an array of messages.")
    expected: Any = None
    metadata: dict[str, Any] = {}
    tags: list[str] = []
    split: str = ""


class ItemOut(Schema):
    id: str
    inputs: Any
    expected: Any
    metadata: dict[str, Any]
    tags: list[str]
    split: str
    first_revision: int = Field(description="Since which the item is as it is.")
    last_revision: int | None = Field(description="Until which it was; null: it is still.")
    truncated: bool = Field(description="Lists cut large values to the beginning of their JSON; one item is whole.")


class ItemList(Schema):
    items: list[ItemOut]
    revision: int
    next_cursor: str | None = None


class RowResult(Schema):
    row: int = Field(description="From 1, in the order in which they were sent.")
    id: str | None = None
    error: str | None = None


class PutOut(Schema):
    revision: int = Field(description="The newest now; no new one where nothing changed.")
    added: int
    changed: int
    same: int
    refused: int
    items: list[RowResult]


class DeleteIn(Strict):
    model_config = example({"ids": ["late-parcel"]})
    ids: list[str]


class DeletedOut(Schema):
    revision: int
    removed: int


class ImportOut(Schema):
    id: int
    state: Literal["uploaded", "pending", "running", "completed", "cancelled", "errored"]
    file: str
    mapping: dict[str, str]
    rows: int | None = Field(description="Null until all were checked.")
    checked: int
    added: int
    changed: int
    same: int
    refused: int
    problems: list[RowResult] = Field(description="The first refused rows.")
    revision: int | None
    error: str


class MessageIn(Strict):
    role: Literal["system", "user", "assistant"]
    content: str = Field(description="A Jinja template; what stands in {{ }} is a variable.")


class VariableIn(Strict):
    name: str
    type: Literal["any", "text", "number", "boolean", "object", "list"] = "any"
    required: bool = True
    default: JsonValue = None


class PromptVersionChange(Strict):
    model_config = example({"messages": MESSAGES, "note": "Names the order."})
    messages: list[MessageIn] | None = None
    provider_id: int | None = Field(None, description="Whose model; `GET /providers` lists them.")
    model: str | None = None
    parameters: dict[str, JsonValue] | None = Field(None, description="temperature, max_tokens, ...: sent as they are.")
    response_format: dict[str, JsonValue] | None = Field(None, description="JSON Schema of the answer; null: text.")
    variables: list[VariableIn] | None = Field(None, description="Tell more of those that the templates use.")
    note: str = Field("", description="What this version changes, and why.")


class PromptVersionIn(PromptVersionChange):
    model_config = example(VERSION)


class PromptChange(Strict):
    model_config = example({"description": "The answer to a customer's mail."})
    name: str | None = None
    description: str | None = None


class PromptIn(PromptVersionChange):
    """With its first version, a draft."""

    model_config = example({"name": "Answer a customer", "slug": "answer-a-customer"} | VERSION)
    name: str
    slug: str = Field("", description="Made of the name where it is not given; stays.")
    description: str = ""
    messages: list[MessageIn]


class PromptVersionOut(Schema):
    number: int
    state: Literal["draft", "committed"]
    deployed: bool
    messages: list[dict[str, str]]
    provider_id: int | None
    model: str
    parameters: dict[str, Any]
    response_format: dict[str, Any] | None
    variables: list[dict[str, Any]]
    note: str
    created_by: str
    created_at: datetime
    committed_at: datetime | None
    deployed_at: datetime | None


class PromptVersionList(Schema):
    items: list[PromptVersionOut]
    next_cursor: str | None = None


class PromptOut(Schema):
    slug: str
    name: str
    description: str
    newest: PromptVersionOut
    deployed: PromptVersionOut | None
    archived: bool
    created_by: str
    created_at: datetime
    changed_at: datetime


class PromptBrief(Schema):
    slug: str
    name: str
    description: str
    newest: int
    deployed: int | None
    archived: bool
    created_by: str
    created_at: datetime
    changed_at: datetime


class PromptList(Schema):
    items: list[PromptBrief]
    next_cursor: str | None = None


class RenderIn(Strict):
    model_config = example({"variables": ITEM["inputs"]})
    variables: dict[str, JsonValue] = {}
    version: int | None = Field(None, description="Null: the deployed one; where none is, the newest.")


class RenderOut(Schema):
    version: int
    messages: list[dict[str, str]]
    unknown: list[str] = Field(description="Given variables that no message uses.")

"""What a sender said about records and scores, before any of it is a row. None and "" mean: not said."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from records.ids import uuid7
from records.models import Kind, ScoreSource, Source


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and when it arrived. `trusted`: an operator's import, whose rows may say who made a record and by
    whom it was scored; over the API that is the key."""

    name: str
    now: datetime
    trusted: bool = False


@dataclass(slots=True)
class ScoreDraft:
    """A score that came with its record. `value` is one of the four typed fields, by name, as sent."""

    metric: str
    value: dict[str, Any]  # {"numerical_value": 4.5}
    reasoning: str = ""
    scorer: str = ""
    source: ScoreSource = ScoreSource.API
    key: str = ""  # the sender's own id of this score; when empty, what is said again at once is a repeat


@dataclass(slots=True)
class RecordDraft:
    """One record, or a piece of one. `external_id` alone decides which drafts are pieces of the same record."""

    external_id: str
    source: Source
    created_at: datetime
    id: UUID = field(default_factory=uuid7)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    trace_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    name: str = ""
    kind: Kind | str = ""
    created_by: str = ""
    environment: str = ""
    customer: str = ""
    custom_id: str = ""
    thread: str = ""
    model: str = ""
    provider: str = ""
    prompt: str = ""
    prompt_version: int | None = None
    experiment: str = ""
    case_id: str = ""
    epoch: int | None = None
    latency_ms: int | None = None
    ttft_ms: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    tokens_cache_write: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None  # USD
    cost_estimated: bool = False
    truncated: bool = False
    error: str = ""
    tags: list[str] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    inputs: Any = None
    outputs: Any = None
    expected: Any = None
    scores: list[ScoreDraft] = field(default_factory=list)

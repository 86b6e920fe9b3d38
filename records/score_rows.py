"""What writers of scores hand over: new scores, tasks to plan, results of tasks; and what they get, claimed tasks."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from records.ids import uuid7
from records.models import Metric, Rank, ScoreSource, ScoreStatus
from records.values import TypedValue


@dataclass(slots=True)
class NewScore:
    """A completed score by a person or through the API.

    `key` is the sender's own id of it: the same sender, metric and key again is a harmless repeat. Without one, `said`
    makes it a repeat where the sender has said the same and nothing else since (see repeats.py); otherwise it is new.
    `rank` None: by the source and the metric's primary evaluator. `task_key` only where the score answers a task of its
    own kind. `status` errored (with the `error`) or skipped, both without a value: of a past that is told as it was.
    """

    record_id: UUID
    metric: Metric
    value: TypedValue
    source: ScoreSource = ScoreSource.API
    sender: str = ""
    key: str = ""
    said: bool = False
    scorer: str = ""
    reasoning: str = ""
    rank: Rank | None = None
    evaluator: str = ""
    evaluator_version_id: int | None = None
    version_no: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None
    duration_ms: int | None = None
    id: UUID = field(default_factory=uuid7)
    task_key: str = ""
    status: ScoreStatus = ScoreStatus.COMPLETED
    error: str = ""
    attempts: int = 0
    at: datetime | None = None  # when it was given, for scores that come later; never in the future. None: now

    def row(self) -> dict[str, Any]:
        key = self.task_key or f"sent:{self.sender}:{self.metric.slug}:{self.key or self.id}"
        return typed_fields(self.value) | {
            "id": self.id, "record_id": self.record_id, "metric_id": self.metric.id,
            "metric_version": self.metric.version, "source": self.source, "scorer": self.scorer,
            "reasoning": self.reasoning, "rank": self.rank, "evaluator": self.evaluator,
            "evaluator_version_id": self.evaluator_version_id, "version_no": self.version_no, "tokens": self.tokens,
            "cost": self.cost, "duration_ms": self.duration_ms, "task_key": key, "at": self.at, "status": self.status,
            "error": self.error, "attempts": self.attempts,
        }  # fmt: skip


@dataclass(slots=True)
class Task:
    """One thing to measure on each of many records: what a pending score will say of its origin.

    `key` as in `run:<id>:<evaluator version>:<epoch>`; with `per_input` the record's input hash is put behind it, so
    that a record whose inputs or outputs changed is a new task. `records` None: on all that are planned together.
    """

    metric_id: int
    key: str
    source: ScoreSource
    per_input: bool = False
    rank: Rank | None = None
    scorer: str = ""
    evaluator: str = ""
    evaluator_version_id: int | None = None
    version_no: int | None = None
    run_id: int | None = None
    run_no: int | None = None
    rule_id: int | None = None
    rule: str = ""
    probability: float | None = None
    epoch: int = 1
    assignee_id: int | None = None
    not_before: datetime | None = None
    records: list[UUID] | None = None

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A pending score in a worker's hands until its lease ends; `attempts` is the fence its result must bring back."""

    id: UUID
    record_id: UUID
    metric_id: int
    attempts: int
    source: int
    evaluator_version_id: int | None
    run_id: int | None
    rule_id: int | None
    epoch: int


@dataclass(slots=True)
class ScoreResult:
    """What became of a pending score. A person's pending score was never claimed: its `attempts` are 0, and
    `assignee_id`, where given, is the person in whose hands it must still be.

    `value` for completed ones, `error` for errored, `reasoning` may say why it was skipped. `metric_version`: the one
    whose pass condition `value.passed` follows. prompt, reply and output go to the score's detail.
    """

    id: UUID
    record_id: UUID
    attempts: int
    status: ScoreStatus
    value: TypedValue | None = None
    metric_version: int | None = None
    reasoning: str = ""
    error: str = ""
    scorer: str = ""
    tokens: int | None = None
    cost: Decimal | None = None
    duration_ms: int | None = None
    input_hash: bytes | None = None
    prompt: str | None = None
    reply: str | None = None
    output: str | None = None
    assignee_id: int | None = None

    def row(self) -> dict[str, Any]:
        return typed_fields(self.value or TypedValue()) | {
            "id": self.id, "record_id": self.record_id, "attempts": self.attempts, "status": self.status,
            "metric_version": self.metric_version, "reasoning": self.reasoning, "error": self.error,
            "scorer": self.scorer, "tokens": self.tokens, "cost": self.cost, "duration_ms": self.duration_ms,
            "input_hash": self.input_hash, "assignee_id": self.assignee_id,
        }  # fmt: skip


def typed_fields(value: TypedValue) -> dict[str, Any]:
    return {name: getattr(value, name) for name in TypedValue.__dataclass_fields__}

"""What a builder yields: records as drafts, and the judgements that evaluators and people give of them. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from records.drafts import RecordDraft
from records.models import ScoreSource, ScoreStatus, ValueType

FIELD_OF = {
    ValueType.NUMERICAL: "numerical_value",
    ValueType.BOOLEAN: "boolean_value",
    ValueType.CATEGORICAL: "categorical_value",
    ValueType.COMMENT: "string_value",
}


@dataclass(slots=True)
class Judgement:
    """One attempt to measure a metric on a story's root. `value` as the metric's type has it; None unless completed.

    `turn` orders the attempts on one record: 0 came first, 1 is a later re-score or a person. `attempts`: how often a
    pending or errored score has been tried.
    """

    metric: str
    source: ScoreSource
    value: Any = None
    evaluator: str = ""
    version: int | None = None
    scorer: str = ""
    reasoning: str = ""
    status: ScoreStatus = ScoreStatus.COMPLETED
    error: str = ""
    attempts: int = 1
    turn: int = 0
    tokens: int | None = None
    cost: Decimal | None = None
    duration_ms: int | None = None


@dataclass(slots=True)
class Story:
    """One execution: the root's draft first, then its spans; and what was thought of the root."""

    drafts: list[RecordDraft]
    judgements: list[Judgement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to make: `records` roots in the largest project, the `days` before `now`."""

    records: int
    seed: int
    now: datetime
    days: int = 30

    def rng(self, *of: object) -> random.Random:
        """Luck of its own for each thing, so that one more draw in one story changes no other."""
        return random.Random(":".join(map(str, (self.seed, *of))))


class DemoProject(Protocol):
    """A module such as `helpdesk`: who it is, what it measures, and its stories."""

    SLUG: str
    NAME: str
    DESCRIPTION: str
    METRICS: list[dict[str, Any]]  # fields of create_metric, and `evaluator`: the slug of the primary one
    EVALUATORS: tuple[Any, ...]  # `setups.Setup`
    REVIEWS: tuple[Any, ...]  # `reviewing.Asked`
    RULES: tuple[Any, ...]  # `ruling.Told`
    RESCORED: str  # slug of the evaluator whose newest version a run has tried at the end; empty: none
    TRIALS: Any  # `experimenting.Trials`; None: no experiments
    WATCH: Any  # `watching.Watch`: dashboards and alerts

    def stories(self, plan: Plan) -> Iterator[Story]: ...

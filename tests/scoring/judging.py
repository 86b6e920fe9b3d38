"""What tests of the evaluators' pages begin with: scores by a judge and by people, through the product's own door."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from records.models import Metric, ScoreSource
from records.scores import NewScore, add_scores
from records.values import read_value

FIELDS = {
    "numerical": "numerical_value", "boolean": "boolean_value", "categorical": "categorical_value",
    "comment": "string_value",
}  # fmt: skip


def judged(
    metric: Metric, values: dict[UUID, object], evaluator: str = "judge", version: int = 1, cost: str | None = "0.01",
    at: datetime | None = None,
) -> list[UUID]:  # fmt: skip
    """Scores by a version of an evaluator: {record: value}."""
    return _add(
        NewScore(
            id, metric, _typed(metric, value), ScoreSource.LLM, sender="t", evaluator=evaluator, version_no=version,
            tokens=10, cost=Decimal(cost) if cost else None, at=at,
        )
        for id, value in values.items()
    )  # fmt: skip


def by_people(metric: Metric, values: dict[UUID, object], who: str = "ina") -> list[UUID]:
    return _add(
        NewScore(id, metric, _typed(metric, value), ScoreSource.HUMAN, sender="t", scorer=who)
        for id, value in values.items()
    )


def _add(new: Iterable[NewScore]) -> list[UUID]:
    new = list(new)
    return add_scores(new[0].metric.project_id, new)


def _typed(metric: Metric, value: object):
    return read_value(metric, {FIELDS[metric.value_type]: value})

"""The scores that a page of the table shows: one query for its rows and its metrics."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from records.models import ScoreStatus


class ShownScore(NamedTuple):
    """A score as a cell shows it."""

    record_id: UUID
    metric_id: int
    id: UUID
    is_current: bool
    status: int
    outcome: int
    rank: int
    source: int
    numerical_value: float | None
    boolean_value: bool | None
    categorical_value: list[str] | None
    string_value: str | None
    reasoning: str
    error: str


TEXT_CHARS = 300
LONG = ("string_value", "reasoning", "error")
COLUMNS = ", ".join(f"left({name}, {TEXT_CHARS})" if name in LONG else name for name in ShownScore._fields)
# Of each pair the current attempt and the newest: two of them only where a later one is pending or has errored.
SQL = f"""SELECT {COLUMNS} FROM (
  SELECT *, row_number() OVER (PARTITION BY record_id, metric_id ORDER BY id DESC) AS age
  FROM score WHERE project_id = %s AND record_id = ANY(%s) AND metric_id = ANY(%s)) s
WHERE is_current OR age = 1"""  # noqa: S608 - the names are ours

Scores = dict[UUID, dict[int, ShownScore]]


def shown_scores(project_id: int, ids: Collection[UUID], metric_ids: Collection[int]) -> tuple[Scores, Scores]:
    """(current, newest) scores by record and metric; newest holds only attempts that are pending or have errored."""
    current: Scores = defaultdict(dict)
    newest: Scores = defaultdict(dict)
    if not ids or not metric_ids:
        return current, newest
    with connection.cursor() as cursor:
        cursor.execute(SQL, [project_id, list(ids), list(metric_ids)])
        for score in map(ShownScore._make, cursor):
            if score.is_current:
                current[score.record_id][score.metric_id] = score
            elif score.status in (ScoreStatus.PENDING, ScoreStatus.ERRORED):
                newest[score.record_id][score.metric_id] = score
    return current, newest

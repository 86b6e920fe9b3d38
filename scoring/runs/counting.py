"""What a run has come to, counted from its scores.

Scores have no index by run (writing one costs more than it brings). Their ids are in time order and all of a run's are
made while it plans: the primary key gives that span of time, which holds little else.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from scoring.models import ScoringRun

CLOCKS = timedelta(minutes=1)  # by which the clocks of hosts may differ

COUNTS = """
SELECT count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3),
  coalesce(sum(tokens), 0), coalesce(sum(cost), 0), count(*) FILTER (WHERE tokens > 0 AND cost IS NULL)
FROM score WHERE project_id = %s AND id BETWEEN %s AND %s AND run_id = %s
"""
FIELDS = ("completed", "errored", "skipped", "tokens", "cost", "unpriced")


def span_of(run: ScoringRun) -> tuple[UUID, UUID]:
    """Between which ids (uuidv7: milliseconds first) the run's scores lie."""
    until = (run.planned_at or run.ended_at or timezone.now()) + CLOCKS
    return _id(run.created_at - CLOCKS, 0), _id(until, (1 << 80) - 1)


def _id(at: datetime, rest: int) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80 | rest)


def recount(run: ScoringRun) -> None:
    """Puts the counts on the run as the rows have them now."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [run.project_id, *span_of(run), run.pk])
        counts = dict(zip(FIELDS, cursor.fetchone(), strict=True))
    ScoringRun.objects.filter(pk=run.pk).update(**counts)


def has_pending(run: ScoringRun) -> bool:
    """Whether scores of the run wait, whoever has them; by the partial index on pending scores."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM score WHERE project_id = %s AND run_id = %s AND status = 0)",
            [run.project_id, run.pk],
        )
        return cursor.fetchone()[0]


def next_due(run: ScoringRun) -> float | None:
    """Seconds until a score that nobody holds may be claimed, 0 where one may be now; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(coalesce(not_before, now())) - now()) FROM score"
            " WHERE project_id = %s AND run_id = %s AND status = 0 AND (lease_until IS NULL OR lease_until < now())",
            [run.project_id, run.pk],
        )
        seconds = cursor.fetchone()[0]
    return None if seconds is None else max(0.0, float(seconds))

"""How much each evaluator of a project did lately, what came of it, and what it cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection

from evalhub.models import Project
from scoring.stats.estimates import Estimate
from scoring.stats.rates import rate

DAYS = 7
MOST = 100_000  # of the project's scores: they have no index by evaluator and time, so the newest are read by their ids

# Ids are in the order in which scores were stored (uuidv7: milliseconds first), which is never before they were given.
COUNTS = """
SELECT evaluator, created_at >= %(since)s AS recent, min(created_at), count(*),
  count(*) FILTER (WHERE status = 1), count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 3),
  count(*) FILTER (WHERE outcome = 1), count(*) FILTER (WHERE outcome = 2),
  coalesce(sum(cost), 0), count(*) FILTER (WHERE tokens > 0 AND cost IS NULL)
FROM (SELECT evaluator, status, outcome, cost, tokens, created_at FROM score
      WHERE project_id = %(project)s AND id >= %(first)s ORDER BY id DESC LIMIT %(most)s) newest
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Volume:
    """Of one evaluator's scores in the time. Cost in USD; `unpriced` of them used tokens whose price is not known."""

    scores: int
    completed: int
    errored: int
    skipped: int
    passed: int
    failed: int
    cost: Decimal
    unpriced: int

    @property
    def passes(self) -> Estimate:
        return rate(self.passed, self.passed + self.failed)

    @property
    def errors(self) -> Estimate:
        """Of those that came to an end: an evaluator that declines has not erred."""
        return rate(self.errored, self.completed + self.errored + self.skipped)


NOTHING = Volume(0, 0, 0, 0, 0, 0, Decimal(0), 0)


@dataclass(frozen=True, slots=True)
class Volumes:
    """By evaluator slug, since `since`; `cut` where there were too many scores to read them all."""

    by_slug: dict[str, Volume]
    since: datetime
    cut: bool

    def of(self, slug: str) -> Volume:
        return self.by_slug.get(slug, NOTHING)


def volumes(project: Project, now: datetime) -> Volumes:
    """Of the last seven days, or of the newest 100,000 scores where those are fewer."""
    since = now - timedelta(days=DAYS)
    params = {"project": project.id, "first": _first_id(since), "since": since, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, params)
        rows = cursor.fetchall()
    recent = [(slug, first, Volume(*counts)) for slug, is_recent, first, *counts in rows if is_recent]
    cut = sum(row[3] for row in rows) >= MOST
    begun = min((first for _, first, _ in recent), default=since)
    return Volumes({slug: volume for slug, _, volume in recent if slug}, begun if cut else since, cut)


def _first_id(at: datetime) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80)

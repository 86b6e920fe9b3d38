"""The newest scores by one evaluator. What its page says follows from them: a page costs the same at any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from records.models import Outcome, ScoreStatus
from scoring.models import Evaluator

MOST = 10_000
LOOKED_AT = 200_000  # of the project's newest scores, for an evaluator that has more than MOST: no index has its newest

FIELDS = """id, record_id, record_created_at, created_at, coalesce(version_no, 0), status, outcome, value,
  categorical_value, cost, tokens, probability"""
WHOSE = "project_id = %(project)s AND evaluator = %(evaluator)s AND evaluator > '' AND metric_id = %(metric)s"

HAS_MORE = """
SELECT count(*) > %(most)s FROM (SELECT FROM score WHERE project_id = %(project)s AND evaluator = %(evaluator)s
  AND evaluator > '' LIMIT %(most)s + 1) few
"""  # noqa: S608 - our own names
# OFFSET 0: found by the evaluator, then sorted; by the order of ids all of the project's scores would be gone through.
ALL = f"SELECT * FROM (SELECT {FIELDS} FROM score WHERE {WHOSE} OFFSET 0) own ORDER BY id DESC"  # noqa: S608
NEWEST = f"""
SELECT {FIELDS} FROM (SELECT * FROM score WHERE project_id = %(project)s ORDER BY id DESC LIMIT %(looked_at)s) score
WHERE {WHOSE} ORDER BY id DESC LIMIT %(most)s
"""  # noqa: S608


class Scored(NamedTuple):
    """One attempt. `version` 0: not known. Cost in USD, None where it has none or is not known."""

    id: UUID
    record_id: UUID
    record_created_at: datetime
    created_at: datetime
    version: int
    status: int
    outcome: int
    value: float | None
    choices: list[str] | None
    cost: Decimal | None
    tokens: int | None
    probability: float | None

    @property
    def passed(self) -> bool | None:
        return {Outcome.PASS: True, Outcome.FAIL: False}.get(self.outcome)


@dataclass(frozen=True, slots=True)
class Sample:
    """Newest first. `complete`: these are all there are."""

    attempts: list[Scored]
    complete: bool

    @property
    def words(self) -> str:
        n = len(self.attempts)
        if self.complete:
            return f"all {n:,} scores" if n != 1 else "its one score"
        return f"the newest {n:,} scores" if n >= MOST else f"{n:,} among the project's newest {LOOKED_AT:,} scores"

    def completed(self, version: int | None = None) -> Iterator[Scored]:
        """The newest completed attempt on each record, of one version or of any."""
        seen: set[UUID] = set()
        for attempt in self.attempts:
            if attempt.status != ScoreStatus.COMPLETED or version not in (None, attempt.version):
                continue
            if attempt.record_id not in seen:
                seen.add(attempt.record_id)
                yield attempt


def sample_of(evaluator: Evaluator) -> Sample:
    params = {
        "project": evaluator.project_id, "evaluator": evaluator.slug, "metric": evaluator.metric_id, "most": MOST,
        "looked_at": LOOKED_AT,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(HAS_MORE, params)
        more = cursor.fetchone()[0]
        cursor.execute(NEWEST if more else ALL, params)
        return Sample([Scored(*row) for row in cursor.fetchall()], complete=not more)

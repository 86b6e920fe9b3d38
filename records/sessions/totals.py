"""What the records of a thread add up to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from records.search.plan import reading
from records.sql import load, steps

LISTED_RECORDS = 1_000  # of one thread in the list of sessions: the newest of a longer one stand for it
SHOWN_RECORDS = 20_000  # of the one thread that is looked at

SQL = load("sessions")


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one thread. `busy_ms` is the time its turns took, milliseconds; `cost` USD; `cut`: of its newest records
    alone, since there are more. `first` is the record that its first turn is."""

    records: int
    began: datetime
    ended: datetime
    turns: int
    busy_ms: int | None
    tokens: int | None
    cost: Decimal | None
    failed: int
    passed: int
    fails: int
    errored: int
    first: UUID
    cut: bool

    @property
    def judged(self) -> int:
        return self.passed + self.fails

    @property
    def lasted_ms(self) -> int:
        """From its first word to its last, whatever lay between."""
        return max(0, round((self.ended - self.began).total_seconds() * 1000))


class MetricTotal(NamedTuple):
    """A metric over a thread: how many of the judged pass, and the mean of the values there are."""

    name: str
    value_type: str
    judged: int
    passed: int
    mean: float | None
    scored: int


def totals_of(project_id: int, threads: Collection[str], most: int = LISTED_RECORDS) -> dict[str, Totals]:
    """One query. Raises SearchTimeout."""
    if not threads:
        return {}
    with reading() as cursor:
        rows = steps(cursor, SQL, project_id)("totals", threads=list(threads), most=most)
    return {thread: Totals(records, *rest, cut=records == most) for thread, records, *rest in rows}


def metrics_of(project_id: int, thread: str, most: int = SHOWN_RECORDS) -> list[MetricTotal]:
    with reading() as cursor:
        return [MetricTotal._make(row) for row in steps(cursor, SQL, project_id)("by_metric", thread=thread, most=most)]

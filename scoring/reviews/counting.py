"""How far requests for review are, counted from their scores by the index score_asked_of_people alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from scoring.models import ReviewRequest

ASKED = "project_id = %(p)s AND source = 3 AND evaluator_version_id IS NOT NULL AND task_key = ANY(%(keys)s)"

COUNTS = f"""
SELECT split_part(task_key, ':', 2)::bigint, count(*), count(*) FILTER (WHERE status = 1),
  count(*) FILTER (WHERE status = 3), count(*) FILTER (WHERE status <> 0 AND assignee_id = %(person)s)
FROM score WHERE {ASKED} GROUP BY 1
"""  # noqa: S608 - the names are ours

WAITING = f"SELECT EXISTS (SELECT FROM score WHERE {ASKED} AND status = 0)"  # noqa: S608 - the names are ours


@dataclass(frozen=True, slots=True)
class Counts:
    """Reviews of a request: asked for, scored, declined; and how many of both are of the person who looks."""

    asked: int = 0
    scored: int = 0
    declined: int = 0
    mine: int = 0

    @property
    def done(self) -> int:
        return self.scored + self.declined

    @property
    def waiting(self) -> int:
        return self.asked - self.done

    @property
    def percent(self) -> float:
        return 100 * self.done / self.asked if self.asked else 0


def counts_of(project_id: int, requests: Iterable[ReviewRequest], person_id: int) -> dict[int, Counts]:
    """By the request's id; one query for all of them."""
    found = list(requests)
    keys = [key for request in found for key in request.task_keys]
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"p": project_id, "keys": keys, "person": person_id})
        counted = {id: Counts(*counts) for id, *counts in cursor.fetchall()}
    return {request.pk: counted.get(request.pk, Counts()) for request in found}


def has_waiting(request: ReviewRequest) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"p": request.project_id, "keys": request.task_keys})
        return cursor.fetchone()[0]

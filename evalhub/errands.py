"""Errands: what a page asks of a worker and waits for by asking again, such as a trial that calls models. A web process
has a few threads, which nobody's patience with a model is to take from the others.

Nothing of an errand is in the database; what came of it is kept in Redis for some minutes, for whoever asked.
"""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import django_rq
import redis
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus

from evalhub.health import workers_of
from evalhub.models import User

log = logging.getLogger(__name__)

QUEUE = "online"
LONGEST = 120  # seconds that one may take
KEPT_FOR = 600  # seconds

FAILED = "EvalHub failed on this; its log says why."
GONE = "What came of this is no longer known: ask again."


@dataclass(frozen=True, slots=True)
class Outcome:
    """`value` is what the function gave, once `done`; `problem` says in words why there is none."""

    done: bool
    value: Any = None
    problem: str = ""


def begin(entry: str, user: User, *arguments: Any) -> str | None:
    """Has a worker call the function `entry` names; the errand's id. None where no worker is there: then the caller
    does it itself."""
    if not workers_of(QUEUE):
        return None
    id = f"errand-{uuid4().hex}"
    try:
        django_rq.get_queue(QUEUE).enqueue(
            entry, *arguments, job_id=id, job_timeout=LONGEST, result_ttl=KEPT_FOR, failure_ttl=KEPT_FOR,
            meta={"user": user.pk},
        )  # fmt: skip
    except redis.RedisError as problem:
        log.warning("Redis does not answer, so nobody else does %s: %s", entry, problem)
        return None
    return id


def outcome(id: str, user: User) -> Outcome:
    """Nobody is told of another's errand."""
    try:
        job = Job.fetch(id, connection=django_rq.get_connection(QUEUE)) if id.startswith("errand-") else None
        if job is None or job.meta.get("user") != user.pk:
            return Outcome(True, problem=GONE)
        status = job.get_status()
        if status == JobStatus.FINISHED:
            return Outcome(True, job.return_value())
        if status in (JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED):
            return Outcome(True, problem=FAILED)
        return Outcome(False)
    except (NoSuchJobError, ValueError):
        return Outcome(True, problem=GONE)
    except redis.RedisError as problem:
        log.warning("Redis does not answer: %s", problem)
        return Outcome(False)

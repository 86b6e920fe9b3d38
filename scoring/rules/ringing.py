"""Tells a worker that a project has something to plan or to score online. The rows in the database are the truth; a
lost ring is healed by the next one, or by the sweeper.

Of each project one job at a time waits or plans: its key in Redis says so, and goes by itself should the job die.
"""

import logging
import time
from functools import cache
from uuid import uuid4

import django_rq
import redis
from django.conf import settings
from django.db import DatabaseError

from evalhub.health import workers_of
from scoring.rules.planning import is_anyone_at_work

log = logging.getLogger(__name__)

QUEUE = "online"
ENTRY, HELP_ENTRY = "scoring.jobs.score_online", "scoring.jobs.help_online"  # by name: the queue's side imports us
RUNG_SECONDS = 30
HELD_SECONDS = 6  # a job that is held up by slow calls is not waited for
MOST_HELPERS = 8
TIMEOUT = 1.0
SILENCE = 5.0  # seconds without a ring once Redis has not answered: ingest must not wait for it each time

_deaf_until = 0.0


def heard(project_id: int, **kwargs: object) -> None:
    """For `records_ingested`: rings where a rule waits for the project's records."""
    try:
        if is_anyone_at_work(project_id):
            ring(project_id)
    except DatabaseError as problem:
        log.warning("Online scoring of project %s waits for the sweeper: %s", project_id, problem)


def ring(project_id: int) -> None:
    """Unless somebody is rung for already."""
    global _deaf_until
    if time.monotonic() < _deaf_until:
        return
    try:
        if _redis().set(_key(project_id), 1, nx=True, ex=RUNG_SECONDS):
            _enqueue(ENTRY, project_id)
    except redis.RedisError as problem:
        _deaf_until = time.monotonic() + SILENCE
        log.warning("Online scoring of project %s waits for Redis: %s", project_id, problem)


def hold(project_id: int) -> None:
    """The job is about to plan: nobody need ring."""
    _redis().set(_key(project_id), 1, ex=HELD_SECONDS)


def let_go(project_id: int) -> None:
    _redis().delete(_key(project_id))


def is_others_turn() -> bool:
    """Whether other jobs wait."""
    return django_rq.get_queue(QUEUE).count > 0


def ring_helpers(project_id: int) -> None:
    """Where much waits: jobs that only score, for the other workers."""
    wanted = min((workers_of(QUEUE) or 1) - 1, MOST_HELPERS)
    queue = django_rq.get_queue(QUEUE)
    known = [*queue.get_job_ids(), *queue.started_job_registry.get_job_ids()] if wanted > 0 else []
    there = sum(id.startswith(_prefix(HELP_ENTRY, project_id)) for id in known)
    for _ in range(wanted - there):
        _enqueue(HELP_ENTRY, project_id)


def _enqueue(entry: str, project_id: int) -> None:
    name = f"{_prefix(entry, project_id)}{uuid4().hex[:12]}"
    django_rq.get_queue(QUEUE).enqueue(entry, project_id, job_id=name, result_ttl=0)


def _prefix(entry: str, project_id: int) -> str:
    return f"{entry.rpartition('.')[2]}-{project_id}-"


def _key(project_id: int) -> str:
    return f"evalhub:online:{project_id}"


def _redis() -> redis.Redis:
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT)

"""Tells workers that a scoring run has work. Where Redis is away the row waits, and the sweeper rings again."""

import logging
from uuid import uuid4

import django_rq
import redis

from evalhub.health import workers_of

log = logging.getLogger(__name__)

PLAN_QUEUE, WORK_QUEUE = "plan", "bulk"
PLAN_ENTRY, WORK_ENTRY = "scoring.jobs.plan_run", "scoring.jobs.work_run"  # by name: the queue's side imports us
MOST_CHAINS = 8  # jobs of one run that may be waiting or at work


def ring_planner(run_id: int) -> None:
    """A second one finds the run taken and ends."""
    _enqueue(PLAN_QUEUE, PLAN_ENTRY, run_id)


def ring_workers(run_id: int) -> None:
    """As many jobs as there are workers, less those that wait or work already: each rings for its own successor."""
    wanted = min(workers_of(WORK_QUEUE) or 1, MOST_CHAINS)
    try:
        queue = django_rq.get_queue(WORK_QUEUE)
        known = [*queue.get_job_ids(), *queue.started_job_registry.get_job_ids()]
        there = sum(id.startswith(_prefix(run_id)) for id in known)
    except redis.RedisError as problem:
        log.warning("Scoring run %s waits for Redis: %s", run_id, problem)
        return
    for _ in range(wanted - there):
        ring_successor(run_id)


def ring_successor(run_id: int) -> None:
    """The next chunk, at the end of the queue, so that a long run lets others have their turn."""
    _enqueue(WORK_QUEUE, WORK_ENTRY, run_id)


def _prefix(run_id: int) -> str:
    return f"score-{run_id}-"


def _enqueue(queue: str, entry: str, run_id: int) -> None:
    try:
        django_rq.get_queue(queue).enqueue(entry, run_id, job_id=f"{_prefix(run_id)}{uuid4().hex[:12]}", result_ttl=0)
    except redis.RedisError as problem:
        log.warning("Scoring run %s waits for Redis: %s", run_id, problem)

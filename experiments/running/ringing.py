"""Tells workers that an experiment has work. Where Redis is away the rows wait, and the sweeper rings again."""

import logging
from uuid import uuid4

import django_rq
import redis

log = logging.getLogger(__name__)

QUEUE = "bulk"
ENTRY = "experiments.jobs.work_experiment"  # by name: the queue's side imports us


def ring(experiment_id: int, *, silent: bool = False) -> None:
    """A job, unless one waits or works already: one makes as many calls at once as the experiment may. Its scoring has
    jobs of its own, as many as there are workers.

    `silent`: none works, whatever the queue says, which takes a killed one for alive for more than a minute.
    """
    try:
        queue = django_rq.get_queue(QUEUE)
        known = [*queue.get_job_ids(), *([] if silent else queue.started_job_registry.get_job_ids())]
    except redis.RedisError as problem:
        log.warning("Experiment %s waits for Redis: %s", experiment_id, problem)
        return
    if not any(id.startswith(_prefix(experiment_id)) for id in known):
        ring_successor(experiment_id)


def ring_successor(experiment_id: int) -> None:
    """The next turn, at the end of the queue, so that others have theirs."""
    try:
        django_rq.get_queue(QUEUE).enqueue(
            ENTRY, experiment_id, job_id=f"{_prefix(experiment_id)}{uuid4().hex[:12]}", result_ttl=0
        )
    except redis.RedisError as problem:
        log.warning("Experiment %s waits for Redis: %s", experiment_id, problem)


def _prefix(experiment_id: int) -> str:
    return f"experiment-{experiment_id}-"

"""Tells workers that an experiment has work. Where Redis is away the rows wait, and the sweeper rings again."""

import logging
from uuid import uuid4

import django_rq
import redis

from evalhub.health import workers_of

log = logging.getLogger(__name__)

QUEUE = "bulk"
ENTRY = "experiments.jobs.work_experiment"  # by name: the queue's side imports us
MOST_CHAINS = 4  # jobs of one experiment that may be waiting or at work


def ring(experiment_id: int) -> None:
    """As many jobs as there are workers, less those that wait or work already: each rings for its own successor."""
    wanted = min(workers_of(QUEUE) or 1, MOST_CHAINS)
    try:
        queue = django_rq.get_queue(QUEUE)
        known = [*queue.get_job_ids(), *queue.started_job_registry.get_job_ids()]
    except redis.RedisError as problem:
        log.warning("Experiment %s waits for Redis: %s", experiment_id, problem)
        return
    for _ in range(wanted - sum(id.startswith(_prefix(experiment_id)) for id in known)):
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

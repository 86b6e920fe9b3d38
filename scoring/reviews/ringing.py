"""Tells a worker that a request for review has work. Where Redis is away the row waits, and the sweeper rings again."""

import logging
from uuid import uuid4

import django_rq
import redis

log = logging.getLogger(__name__)

QUEUE = "plan"
ENTRY = "scoring.jobs.tend_review"  # by name: the queue's side imports us


def ring(request_id: int) -> None:
    """A second one finds the request taken and ends."""
    try:
        name = f"review-{request_id}-{uuid4().hex[:12]}"
        django_rq.get_queue(QUEUE).enqueue(ENTRY, request_id, job_id=name, result_ttl=0)
    except redis.RedisError as problem:
        log.warning("Review %s waits for Redis: %s", request_id, problem)

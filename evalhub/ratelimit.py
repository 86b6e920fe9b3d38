"""How many requests an API key may make: so many a minute, counted in Redis for all web processes together.

A key gone wild is to leave the others their turn. Where Redis does not answer nobody is held up: the limit protects,
nothing hangs on it.
"""

import logging
from functools import lru_cache
from time import time

import redis
from django.conf import settings

from evalhub.models import ApiKey

log = logging.getLogger(__name__)

WINDOW = 60  # seconds
PATIENCE = 0.2  # seconds that a request waits for Redis
PAUSE = 5.0  # seconds without the limit, after Redis did not answer: not every request is to wait for it

_unavailable_until = 0.0


class TooOften(Exception):
    """The key has used up its minute; `seconds` until the next one."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(f"This key has made {limit:,} requests within a minute, which is its limit.")
        self.seconds = seconds


def count(key: ApiKey) -> None:
    """One request more. Raises TooOften."""
    global _unavailable_until
    limit, now = settings.REQUESTS_PER_MINUTE, time()
    if not limit or now < _unavailable_until:
        return
    window = int(now // WINDOW)
    name = f"evalhub:rate:{key.pk}:{window}"
    try:
        with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
            made, _ = pipe.incr(name).expire(name, 2 * WINDOW).execute()
    except redis.RedisError as problem:
        log.warning("Redis does not answer, so requests are not limited: %s", problem)
        _unavailable_until = now + PAUSE
        return
    if made > limit:
        raise TooOften(limit, max(1, int((window + 1) * WINDOW - now)))


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    """Keeps its connections."""
    return redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)

"""Which rung of the ladder a model stands on, as its first answers have shown: kept by the process and by Redis."""

import asyncio
import hashlib
import logging
import time
from collections import defaultdict

from redis.asyncio import Redis
from redis.exceptions import RedisError

from scoring.dialects import ProviderConfig, Rung

log = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600  # then it is found out anew: servers are updated


class Learned:
    """One a chunk of work. Without Redis, or while it is away, each process learns for itself."""

    _known: dict[str, tuple[Rung, float]] = {}  # of the process: rung and when it is forgotten

    def __init__(self, redis: Redis | None = None) -> None:
        self._redis = redis
        self._asked: set[str] = set()
        self._finding: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def rung(self, config: ProviderConfig, model: str) -> Rung | None:
        key = _key(config, model)
        rung, until = self._known.get(key, (None, 0.0))
        if rung and until > time.monotonic():
            return rung
        if self._redis is None or key in self._asked:
            return None
        self._asked.add(key)
        try:
            told = await self._redis.get(key)
        except RedisError as error:
            log.warning("What models can do is not shared: %s", error)
            return None
        if told and (name := told.decode()) in set(Rung):
            self._known[key] = Rung(name), time.monotonic() + KEPT_SECONDS
            return Rung(name)
        return None

    async def learn(self, config: ProviderConfig, model: str, rung: Rung) -> None:
        key = _key(config, model)
        new = self._known.get(key, (None,))[0] != rung
        self._known[key] = rung, time.monotonic() + KEPT_SECONDS
        if self._redis is not None and new:
            try:
                await self._redis.set(key, rung.value, ex=KEPT_SECONDS)
            except RedisError as error:
                log.warning("What models can do is not shared: %s", error)

    async def forget(self, config: ProviderConfig, model: str) -> None:
        key = _key(config, model)
        self._known.pop(key, None)
        if self._redis is not None:
            try:
                await self._redis.delete(key)
            except RedisError as error:
                log.warning("What models can do is not shared: %s", error)

    def finding(self, config: ProviderConfig, model: str) -> asyncio.Lock:
        """One call finds out, the others wait for it."""
        return self._finding[_key(config, model)]


def forget_all() -> None:
    """Of this process."""
    Learned._known.clear()


def _key(config: ProviderConfig, model: str) -> str:
    """Changes with the address: behind another one stands another server."""
    where = f"{config.id}\n{config.kind}\n{config.base_url}\n{config.api_version}\n{model}"
    return f"evalhub:rung:{hashlib.blake2b(where.encode(), digest_size=16).hexdigest()}"

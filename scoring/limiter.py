"""Turns at a provider, shared by all workers: so many requests and tokens a minute, so many calls at the same time.

A call takes its turn at its provider's gate and leaves it with what became of it. A gate asks Redis (limiter.lua, by
Redis's own clock) for all calls that wait at once. What it keeps to:
- the rates, by GCRA (ITU-T I.371) with a burst of a fifth of a second;
- Retry-After, which holds back the calls of every worker;
- calls at the same time, halved when refusals (429) keep coming and grown back without them;
- a breaker: when half of the last calls fail, none goes out but a probe every 30 s.
While Redis is away, each worker keeps to the same rates for itself.
"""

import asyncio
import logging
import random
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from scoring.dialects import ProviderConfig
from scoring.failures import ProviderDown

log = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
MOST_AT_ONCE = 64  # turns asked for in one call
LONGEST_SLEEP = 1.0  # seconds until what Redis says is asked for again: a block may be lifted, a breaker closed
REFUSED_SECONDS = (0.5, 1.5)  # a refusal that names no time
WINDOW = 20  # calls that the breaker looks at
PROBE_SECONDS = 30
BURST = 0.2  # seconds' worth of requests and tokens that may go at once
AWAY_SECONDS = 5  # before Redis is tried again


def connect(url: str) -> Redis:
    """To Redis for a chunk of work, as an async context manager. What does not answer at once counts as away."""
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1))


@dataclass(slots=True)
class Turn:
    tokens: int
    probe: bool = False


@dataclass(slots=True)
class _Granted:
    """What the script, or the worker for itself, has answered."""

    calls: int
    wait: float
    state: str = "ok"
    why: str = ""
    concurrency: float | None = None


class Limits:
    """The gates of one chunk of work; an async context manager, which tells the other workers that it is gone."""

    def __init__(self, redis: Redis | None = None) -> None:
        self._shared = _Shared(redis) if redis else None
        self._gates: dict[int, Gate] = {}

    def of(self, config: ProviderConfig) -> "Gate":
        if config.id not in self._gates:
            self._gates[config.id] = Gate(config, self._shared)
        return self._gates[config.id]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for gate in self._gates.values():
            await gate.close()


class Gate:
    """One provider's. All of it runs on one event loop."""

    def __init__(self, config: ProviderConfig, shared: "_Shared | None") -> None:
        self.config = config
        self.open_calls = 0
        self.concurrency = float(config.concurrency)
        self._shared = shared
        self._alone = _Alone(config)
        self._waiting: deque[tuple[asyncio.Future[Turn], int]] = deque()
        self._owed = 0  # tokens that calls have taken beyond what was expected, less what they have not
        self._window: deque[bool] = deque(maxlen=WINDOW)
        self._probing = False
        self._asking: asyncio.Task[None] | None = None
        self._left = asyncio.Event()
        self._telling: set[asyncio.Task[None]] = set()

    async def enter(self, tokens: int) -> Turn:
        """Waits for the turn of a call that is expected to take so many tokens. Raises ProviderDown."""
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, tokens))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and not future.exception():
                self.leave(future.result())
            raise

    def leave(self, turn: Turn, *, ok: bool | None = None, reason: str = "", tokens: int | None = None) -> None:
        """Ends the turn. `ok` None: it says nothing about the provider (refused for the rate, or not sent)."""
        self.open_calls -= 1
        self._left.set()
        self._owed += 0 if tokens is None else tokens - turn.tokens
        if turn.probe and ok:
            self._tell("close")
        elif turn.probe:
            self._probing = False
        if ok is not None:
            self._window.append(ok)
            if len(self._window) == WINDOW and 2 * self._window.count(False) >= WINDOW:
                self._window.clear()
                log.warning("Provider %s: calls stop, half of the last %s failed. %s", self.config.id, WINDOW, reason)
                self._tell("open", f"Half of the last {WINDOW} calls failed. {reason}")

    async def refused(self, seconds: float | None) -> None:
        """The provider has refused a call for its rate: none goes out before so many seconds."""
        await self._said("refused", random.uniform(*REFUSED_SECONDS) if seconds is None else seconds)

    async def close(self) -> None:
        if self._asking:
            self._asking.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)
        if self._shared:
            await self._shared.tell(self.config, "gone")

    async def _ask(self) -> None:
        """Runs while calls wait, and is all that speaks for them."""
        try:
            while self._drop_cancelled():
                self._left.clear()
                probing = self._probing
                granted = await self._take()
                for _ in range(granted.calls):
                    self._grant(granted.state == "probe")
                # An answer from before the own probe's end says nothing: ask again.
                if granted.state == "open" and not probing and not self._probing:
                    self._fail(ProviderDown(granted.why, retry_after=granted.wait))
                elif granted.state in ("open", "full"):
                    await self._someone_leaves()
                elif granted.wait:
                    await asyncio.sleep(min(granted.wait, LONGEST_SLEEP))
        except Exception as error:
            self._fail(error)
            raise

    async def _take(self) -> _Granted:
        room = int(self.concurrency) - self.open_calls
        costs = [tokens for _, tokens in list(self._waiting)[: max(1, min(room, MOST_AT_ONCE))]]
        owed, self._owed = self._owed, 0
        if self._shared:
            granted = await self._shared.take(self.config, self.open_calls, owed, costs)
            if granted:
                self.concurrency = granted.concurrency or self.concurrency
                return granted
        return self._alone.take(self.open_calls, owed, costs)

    def _drop_cancelled(self) -> bool:
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    def _grant(self, probe: bool) -> None:
        while self._waiting:
            future, tokens = self._waiting.popleft()
            if not future.done():
                self.open_calls += 1
                self._probing = self._probing or probe
                future.set_result(Turn(tokens, probe))
                return

    def _fail(self, error: Exception) -> None:
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)

    async def _someone_leaves(self) -> None:
        """Or a moment has passed: another worker's calls may have ended."""
        try:
            async with asyncio.timeout(0.1 if self.open_calls == 0 else LONGEST_SLEEP / 4):
                await self._left.wait()
        except TimeoutError:
            pass

    def _tell(self, verb: str, *words: Any) -> None:
        task = asyncio.create_task(self._said(verb, *words))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _said(self, verb: str, *words: Any) -> None:
        getattr(self._alone, verb)(*words)
        if self._shared:
            await self._shared.tell(self.config, verb, *words)
        if verb == "close":  # not before all know it: those that wait for the probe would be told that it is open
            self._probing = False
            self._left.set()


class _Shared:
    """The state in Redis. Every method survives its loss: `take` answers None."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(SCRIPT)
        self._worker = uuid4().hex
        self._away_until = 0.0

    async def take(self, config: ProviderConfig, open_calls: int, owed: int, costs: list[int]) -> _Granted | None:
        answer = await self._run(
            config,
            "take",
            config.requests_per_minute or 0,
            config.tokens_per_minute or 0,
            config.concurrency,
            self._worker,
            open_calls,
            owed,
            *costs,
        )
        if answer is None:
            return None
        calls, wait, state, why, concurrency = answer
        return _Granted(int(calls), float(wait), state.decode(), why.decode(), float(concurrency))

    async def tell(self, config: ProviderConfig, verb: str, *words: Any) -> None:
        more = {"refused": [config.concurrency], "gone": [self._worker]}.get(verb, [])
        await self._run(config, verb, *words, *more)

    async def _run(self, config: ProviderConfig, *words: Any) -> Any:
        if time.monotonic() < self._away_until:
            return None
        try:
            return await self._script(keys=[f"evalhub:limits:{config.id}"], args=words)
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("Limits of providers are kept by each worker for itself, Redis is away: %s", error)
            return None


@dataclass(slots=True)
class _Alone:
    """The same for one process, without Redis."""

    config: ProviderConfig
    request_due: float = 0.0
    token_due: float = 0.0
    blocked_until: float = 0.0
    probe_at: float | None = None
    why: str = ""
    clock: Any = field(default=time.monotonic)

    def take(self, open_calls: int, owed: int, costs: list[int]) -> _Granted:
        now = self.clock()
        if now < self.blocked_until:
            return _Granted(0, self.blocked_until - now, "blocked")
        if self.probe_at is not None:
            if now < self.probe_at:
                return _Granted(0, self.probe_at - now, "open", self.why)
            self.probe_at = now + PROBE_SECONDS
            return _Granted(1, 0, "probe", self.why)
        room = self.config.concurrency - open_calls
        if room <= 0:
            return _Granted(0, LONGEST_SLEEP, "full")
        a_request = 60 / self.config.requests_per_minute if self.config.requests_per_minute else 0.0
        a_token = 60 / self.config.tokens_per_minute if self.config.tokens_per_minute else 0.0
        self.request_due = max(self.request_due, now)
        self.token_due = max(now, max(self.token_due, now) + owed * a_token)
        for n, cost in enumerate(costs[:room]):
            due = max(self.request_due, self.token_due) - BURST
            if due > now:
                return _Granted(n, due - now)
            self.request_due += a_request
            self.token_due += cost * a_token
        return _Granted(min(len(costs), room), 0)

    def refused(self, seconds: float) -> None:
        self.blocked_until = max(self.blocked_until, self.clock() + seconds)

    def open(self, why: str) -> None:
        self.probe_at, self.why = self.clock() + PROBE_SECONDS, why

    def close(self) -> None:
        self.probe_at = None

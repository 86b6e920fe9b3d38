"""Turns at a provider: rates, Retry-After, calls at the same time and the breaker hold for all workers together."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from scoring import limiter
from scoring.dialects import ProviderConfig
from scoring.failures import ProviderDown
from scoring.limiter import Gate, Limits
from tests.model_server import model_server

KEY = "evalhub:limits:7"


def config(**more: Any) -> ProviderConfig:
    return ProviderConfig(id=7, **more)


def run(scenario: Callable[[Redis], Awaitable[None]], url: str) -> None:
    async def inside() -> None:
        async with limiter.connect(url) as connection:
            await connection.delete(KEY)
            await scenario(connection)
            await connection.delete(KEY)

    asyncio.run(inside())


@asynccontextmanager
async def workers(connection: Redis, number: int, **more: Any) -> AsyncIterator[list[Gate]]:
    """The gates of so many workers at one provider."""
    async with AsyncExitStack() as stack:
        limits = [await stack.enter_async_context(Limits(connection)) for _ in range(number)]
        yield [one.of(config(**more)) for one in limits]


async def waits(gate: Gate, tokens: int = 1) -> bool:
    """Whether a call has to wait for its turn: it does not get it within a moment."""
    try:
        gate.leave(await asyncio.wait_for(gate.enter(tokens), 0.15))
    except TimeoutError:
        return True
    return False


async def turn_at(gate: Gate) -> bool:
    return not await waits(gate)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():
            await asyncio.sleep(0.01)


async def break_down(gate: Gate, connection: Redis) -> None:
    for n in range(20):
        turn = await gate.enter(1)
        gate.leave(turn, ok=n % 2 == 0, reason="It answered 503.")
    await until(lambda: connection.hexists(KEY, "o"))


def test_without_limits_every_call_has_its_turn_at_once(settings):
    async def scenario(connection):
        async with workers(connection, 1, concurrency=100) as (gate,):
            turns = await asyncio.gather(*(gate.enter(1) for _ in range(100)))
            assert gate.open_calls == len(turns) == 100

    run(scenario, settings.REDIS_URL)


def test_more_calls_than_may_be_open_wait_until_one_leaves(settings):
    async def scenario(connection):
        async with workers(connection, 1, concurrency=2) as (gate,):
            first, _ = await gate.enter(1), await gate.enter(1)
            assert await waits(gate)
            entering = asyncio.create_task(gate.enter(1))
            gate.leave(first)
            await entering
            assert gate.open_calls == 2

    run(scenario, settings.REDIS_URL)


def test_two_workers_share_the_calls_that_may_be_open(settings):
    async def scenario(connection):
        async with workers(connection, 2, concurrency=4) as (one, other):
            turns = [await one.enter(1) for _ in range(4)]
            await other.enter(1)
            await other.enter(1)
            assert await waits(other), "the other's share is half"
            for turn in turns:
                one.leave(turn)
            await one.enter(1)
            await one.enter(1)
            assert await waits(one)

    run(scenario, settings.REDIS_URL)


def test_a_worker_that_is_gone_leaves_its_share_to_the_others(settings):
    async def scenario(connection):
        async with workers(connection, 1, concurrency=4) as (gate,):
            async with workers(connection, 1, concurrency=4) as (gone,):
                await gone.enter(1)
            await asyncio.wait_for(asyncio.gather(*(gate.enter(1) for _ in range(4))), 5)

    run(scenario, settings.REDIS_URL)


def test_requests_a_minute_are_shared(settings):
    async def scenario(connection):
        async with workers(connection, 2, requests_per_minute=6) as (one, other):
            assert not await waits(one)
            assert await waits(one)
            assert await waits(other)

    run(scenario, settings.REDIS_URL)


def test_tokens_a_minute_are_shared_and_what_was_not_used_is_given_back(settings):
    async def scenario(connection):
        async with workers(connection, 2, tokens_per_minute=6000) as (one, other):
            turn = await one.enter(1000)  # ten seconds' worth
            assert await waits(other)
            one.leave(turn, ok=True, tokens=5)
            assert not await waits(one)
            await until(lambda: turn_at(other))

    run(scenario, settings.REDIS_URL)


def test_tokens_beyond_the_expected_are_paid_for_by_the_next_calls(settings):
    async def scenario(connection):
        async with workers(connection, 1, tokens_per_minute=6000) as (gate,):
            gate.leave(await gate.enter(1), ok=True, tokens=1000)
            assert await waits(gate)

    run(scenario, settings.REDIS_URL)


def test_retry_after_holds_back_every_worker(settings):
    async def scenario(connection):
        async with workers(connection, 2) as (one, other):
            await one.refused(30)
            assert await waits(one)
            assert await waits(other)
            await connection.hset(KEY, "b", "0")
            await until(lambda: turn_at(other))

    run(scenario, settings.REDIS_URL)


def test_a_short_retry_after_does_not_lift_a_longer_one(settings):
    async def scenario(connection):
        async with workers(connection, 1) as (gate,):
            await gate.refused(30)
            await gate.refused(0)
            assert await waits(gate)

    run(scenario, settings.REDIS_URL)


def test_sustained_refusals_halve_the_calls_at_a_time_once_and_they_grow_back(settings):
    async def scenario(connection):
        async with workers(connection, 2, concurrency=32) as (one, other):
            for _ in range(2):
                await one.refused(0)
            await until(lambda: turn_at(other))
            assert other.concurrency == 32, "two refusals are not many"
            for _ in range(10):  # those that were under way
                await one.refused(0)
            await until(lambda: turn_at(other))
            assert other.concurrency == 16
            await connection.hset(KEY, mapping={"g": "0", "l": "0"})
            assert not await waits(one)
            assert one.concurrency == 18, "a sixteenth of the whole every 5 s without refusals"
            assert not await waits(one)
            assert one.concurrency == 18

    run(scenario, settings.REDIS_URL)


def test_a_provider_that_is_given_more_calls_at_a_time_has_them_at_once(settings):
    async def scenario(connection):
        async with workers(connection, 1, concurrency=2) as (gate,):
            assert not await waits(gate)
        async with workers(connection, 1, concurrency=40) as (gate,):
            await asyncio.wait_for(asyncio.gather(*(gate.enter(1) for _ in range(40))), 5)

    run(scenario, settings.REDIS_URL)


def test_when_half_of_the_last_twenty_calls_fail_no_worker_calls_any_more(settings):
    async def scenario(connection):
        async with workers(connection, 2) as (one, other):
            await break_down(one, connection)
            for gate in (one, other):
                with pytest.raises(ProviderDown, match=r"Half of the last 20 calls failed\. It answered 503\.") as down:
                    await gate.enter(1)
                assert 0 < down.value.retry_after <= 30

    run(scenario, settings.REDIS_URL)


def test_fewer_failures_stop_nothing(settings):
    async def scenario(connection):
        async with workers(connection, 1) as (gate,):
            for n in range(60):
                gate.leave(await gate.enter(1), ok=n % 20 > 8, reason="x")
            assert not await waits(gate)

    run(scenario, settings.REDIS_URL)


def test_one_call_of_one_worker_tries_whether_the_provider_is_back_and_opens_for_all(settings):
    async def scenario(connection):
        async with workers(connection, 2) as (one, other):
            await break_down(one, connection)
            await connection.hset(KEY, "o", "0")
            probe = await one.enter(1)
            assert probe.probe
            behind = asyncio.create_task(one.enter(1))
            with pytest.raises(ProviderDown):
                await other.enter(1)
            assert not behind.done()
            one.leave(probe, ok=True)
            assert not (await behind).probe
            assert not await waits(other)

    run(scenario, settings.REDIS_URL)


def test_a_probe_that_fails_keeps_the_provider_closed(settings):
    async def scenario(connection):
        async with workers(connection, 1) as (gate,):
            await break_down(gate, connection)
            await connection.hset(KEY, "o", "0")
            gate.leave(await gate.enter(1), ok=False, reason="Still 503.")
            with pytest.raises(ProviderDown):
                await gate.enter(1)

    run(scenario, settings.REDIS_URL)


def test_a_call_that_is_given_up_while_it_waits_takes_no_turn(settings):
    async def scenario(connection):
        async with workers(connection, 1, concurrency=1) as (gate,):
            turn = await gate.enter(1)
            assert await waits(gate)
            gate.leave(turn)
            assert not await waits(gate)
            assert gate.open_calls == 0

    run(scenario, settings.REDIS_URL)


def test_without_redis_a_worker_keeps_to_the_same_limits_for_itself():
    async def scenario() -> None:
        async with limiter.connect("unix:///nowhere/redis.sock") as away:
            async with workers(away, 1, requests_per_minute=6) as (gate,):
                assert not await waits(gate)
                assert await waits(gate)
            async with workers(away, 1) as (gate,):
                for _ in range(20):
                    gate.leave(await gate.enter(1), ok=False, reason="x")
                await asyncio.sleep(0)
                with pytest.raises(ProviderDown):
                    await gate.enter(1)
            async with workers(away, 1) as (gate,):
                await gate.refused(30)
                assert await waits(gate)

    asyncio.run(scenario())


def test_a_redis_that_goes_away_and_comes_back_stops_no_call(settings, monkeypatch):
    monkeypatch.setattr(limiter, "AWAY_SECONDS", 0)

    async def scenario(connection):
        async with workers(connection, 1) as (gate,):
            assert not await waits(gate)
            await connection.script_flush()  # what a restart forgets
            await connection.delete(KEY)
            assert not await waits(gate)
            script = gate._shared._script

            async def away(**words: Any) -> None:
                raise RedisError("gone")

            gate._shared._script = away
            assert not await waits(gate)
            gate._shared._script = script
            assert not await waits(gate)
            assert await connection.exists(KEY)

    run(scenario, settings.REDIS_URL)


WORKER = """
import asyncio, sys
from django.conf import settings
settings.configure(PRIVATE_ADDRESSES=True)
from scoring import llm, outbound
from scoring.dialects import ProviderConfig
from scoring.limiter import Limits, connect

async def main(url, redis_url, calls):
    config = ProviderConfig(id=7, base_url=url, requests_per_minute=6000)
    async with connect(redis_url) as connection, Limits(connection) as limits:
        async with outbound.session() as session:
            asked = (llm.ask(session, config, [{"role": "user", "content": "?"}], model="m", limits=limits)
                     for _ in range(calls))
            await asyncio.gather(*asked)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def test_two_worker_processes_together_keep_to_one_rate(settings):
    calls, a_second = 80, 100
    with model_server() as server:
        command = [sys.executable, "-c", WORKER, server.url, settings.REDIS_URL, str(calls)]
        started = [subprocess.Popen(command) for _ in range(2)]
        assert [process.wait(60) for process in started] == [0, 0]
        assert len(server.requests) == 2 * calls
        times = sorted(request.at for request in server.requests)
        # Never faster, however quick the machine; each for itself would take half of it.
        assert times[-1] - times[0] > (2 * calls / a_second - limiter.BURST) * 0.9

"""Many evaluations at the same time: all are done once, results come in batches, and a stop leaves nothing behind."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from records import prices
from records.models import ScoreStatus
from scoring import engine
from scoring.engine import Outcome
from scoring.verdicts import Verdict, completed


@pytest.fixture(autouse=True)
def no_prices(monkeypatch):
    monkeypatch.setattr(prices, "preload", lambda: None)


class Run:
    """What a run has seen: batches as they were flushed, and the most evaluations at one time."""

    def __init__(self, evaluate: Callable[[int], Any], stop: Callable[["Run"], str | None] = lambda run: None) -> None:
        self.evaluate, self.stop = evaluate, stop
        self.batches: list[list[tuple[int, Verdict]]] = []
        self.open = self.peak = 0
        self.closed = False
        self.threads: set[int] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Callable]:
        yield self.one
        self.closed = True

    async def one(self, item: int) -> Verdict:
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            return await self.evaluate(item)
        finally:
            self.open -= 1

    def flush(self, results: list[tuple[int, Verdict]]) -> str | None:
        self.threads.add(threading.get_ident())
        self.batches.append(results)
        return self.stop(self)

    @property
    def results(self) -> dict[int, Verdict]:
        return dict(pair for batch in self.batches for pair in batch)

    def __call__(self, items: Any, **more: Any) -> Outcome[int]:
        return engine.evaluate_all(items, self.opened, self.flush, **{"concurrency": 8, "flush_seconds": 0.02} | more)


async def quick(item: int) -> Verdict:
    await asyncio.sleep(0)
    return completed(item)


async def never(item: int) -> Verdict:
    await asyncio.sleep(60)
    return completed(item)


def test_every_item_is_evaluated_once_and_flushed_with_its_verdict():
    run = Run(quick)
    outcome = run(range(1000), flush_size=200)
    assert outcome == Outcome(1000, "", [])
    assert sum(map(len, run.batches)) == 1000
    assert {item: verdict.raw for item, verdict in run.results.items()} == {n: n for n in range(1000)}
    assert run.closed


def test_nothing_to_do_ends_at_once():
    assert Run(quick)([]) == Outcome(0, "", [])


def test_so_many_and_no_more_run_at_the_same_time():
    async def short(item: int) -> Verdict:
        await asyncio.sleep(0.002)
        return completed(item)

    run = Run(short)
    run(range(100), concurrency=7)
    assert run.peak == 7


def test_items_are_taken_as_they_are_needed_and_not_all_at_once():
    taken = 0
    ahead = 0
    run = Run(quick)

    def source() -> Iterator[int]:
        nonlocal taken, ahead
        for n in range(300):
            taken += 1
            ahead = max(ahead, taken - sum(map(len, run.batches)))
            yield n

    run(source(), concurrency=4, flush_size=1)
    assert taken == 300
    assert ahead < 60


def test_items_and_results_pass_through_the_callers_thread_alone():
    threads = set()

    def source() -> Iterator[int]:
        for n in range(50):
            threads.add(threading.get_ident())
            yield n

    run = Run(quick)
    run(source())
    assert threads == run.threads == {threading.get_ident()}


def test_a_full_batch_is_flushed_without_waiting_for_the_time():
    run = Run(quick)
    run(range(500), flush_size=50, flush_seconds=60)
    assert len(run.batches) > 2


def test_a_flush_without_results_still_asks_whether_to_stop():
    run = Run(never, lambda run: "cancelled" if len(run.batches) > 2 else None)
    outcome = run(range(100), grace=0.01)
    assert outcome.stopped == "cancelled"
    assert outcome.done == 0


def test_what_was_taken_and_not_evaluated_is_left_to_be_put_back():
    run = Run(never, lambda run: "cancelled")
    outcome = run(range(100), concurrency=8, grace=0.01)
    assert sorted(outcome.left) == list(range(16)), "eight under way, as many waiting"
    assert run.open == 0
    assert run.closed


def test_what_is_under_way_at_a_stop_is_waited_for_and_kept():
    async def slow(item: int) -> Verdict:
        await asyncio.sleep(0.2)
        return completed(item)

    run = Run(slow, lambda run: "cancelled")
    outcome = run(range(100), concurrency=8, grace=20)
    assert sorted(run.results) == list(range(8))
    assert outcome.done == 8
    assert sorted(outcome.left) == list(range(8, 16))


def test_an_evaluation_that_fails_unexpectedly_errs_alone():
    async def odd(item: int) -> Verdict:
        if item == 3:
            raise KeyError("a secret of the record")
        return completed(item)

    run = Run(odd)
    run(range(10))
    assert [item for item, verdict in run.results.items() if verdict.status == ScoreStatus.ERRORED] == [3]
    assert run.results[3].error == "EvalHub failed: KeyError. Its log says more."


class Broken(Exception):
    pass


def broken_source() -> Iterator[int]:
    yield from range(5)
    raise Broken


def broken_flush(run: Run) -> None:
    raise Broken


@pytest.mark.parametrize(
    ("items", "stop"), [(broken_source(), lambda run: None), (range(100), broken_flush)], ids=["source", "flush"]
)
def test_what_the_caller_raises_comes_out_and_nothing_runs_on(items, stop):
    run = Run(never, stop)
    with pytest.raises(Broken):
        run(items)
    assert run.open == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "evaluations"]


def test_what_cannot_be_opened_comes_out():
    @asynccontextmanager
    async def opened() -> AsyncIterator[Callable]:
        raise Broken
        yield

    with pytest.raises(Broken):
        engine.evaluate_all(range(10), opened, lambda results: None, concurrency=2)

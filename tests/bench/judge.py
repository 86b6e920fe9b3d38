"""The judge's engine against a model that answers in 200 ms: scores a second, and CPU a score of the worker alone.

Prompt, call, limiter, answer and verdict; nothing is read or stored, which the figures of a whole run add. The model is
a process of its own, so on a busy machine the CPU says more than the clock.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.bench import house
from tests.bench.figures import report

TEXT = "The parcel left our warehouse on Tuesday and should be with you within three working days. " * 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", type=int, default=3000, help="in a round")
    parser.add_argument("--seconds", type=float, default=0.2, help="until the model answers")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--profile", action="store_true", help="one round under cProfile, at the highest concurrency")


def run(options: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "tests.model_server", "--port", "0", "--seconds", str(options.seconds)]
    with house.services(options.data), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as model:
        try:
            url = model.stdout.readline().strip()
            if options.profile:
                _profile(url, options.scores)
                return
            for concurrency in options.concurrency:
                for limited in (False, True):
                    _figures(options, url, concurrency, limited)
        finally:
            model.terminate()


def _figures(options: argparse.Namespace, url: str, concurrency: int, limited: bool) -> None:
    _round(url, concurrency, limited, concurrency)  # warm: connections, templates, the form of the answer
    rounds = [_round(url, concurrency, limited, options.scores) for _ in range(options.rounds)]
    name = f"judge engine, concurrency {concurrency}" + (", with rate limits" if limited else "")
    report(f"{name}: scores", [rate for rate, _ in rounds], "scores/s", ideal=concurrency / options.seconds)
    report(f"{name}: CPU", [cpu for _, cpu in rounds], "ms/score")


def _round(url: str, concurrency: int, limited: bool, scores: int) -> tuple[float, float]:
    """(scores a second, ms of CPU a score)"""
    from django.conf import settings

    from records.models import Metric, ScoreStatus, ValueType
    from scoring import llm
    from scoring.definitions import JudgeDefinition
    from scoring.dialects import ProviderConfig
    from scoring.engine import evaluate_all
    from scoring.judge import Judge, judge
    from scoring.verdicts import Verdict

    settings.PRIVATE_ADDRESSES = True
    rates = {"requests_per_minute": 600_000, "tokens_per_minute": 600_000_000} if limited else {}
    provider = ProviderConfig(id=1, base_url=url, key="bench", concurrency=concurrency, **rates)
    metric = Metric(slug="quality", name="Quality", value_type=ValueType.NUMERICAL, min_score=0, max_score=1)
    definition = JudgeDefinition(
        evaluator_definition="Question: {{ input.question }}\n\nAnswer: {{ output }}",
        rubric="1: answers the question and is right. 0: does not.",
        provider_id=1,
        model="stand-in",
    )
    made = Judge(definition, metric, provider)
    stored: list[tuple[Any, Verdict]] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[Callable[[dict], Awaitable[Verdict]]]:
        async with llm.opened(settings.REDIS_URL) as models:
            yield lambda inputs: judge(models.ask, made, inputs)

    records = ({"input": {"question": f"Where is parcel {n}?"}, "output": TEXT} for n in range(scores))
    clock, cpu = time.perf_counter(), time.process_time()
    evaluate_all(records, opened, stored.extend, concurrency=concurrency)
    seconds, used = time.perf_counter() - clock, time.process_time() - cpu
    failed = [verdict.error for _, verdict in stored if verdict.status != ScoreStatus.COMPLETED]
    if failed or len(stored) != scores:
        sys.exit(f"{len(stored)} of {scores} verdicts, {len(failed)} failed: {failed[:1]}")
    return scores / seconds, 1000 * used / scores


def _profile(url: str, scores: int) -> None:
    import cProfile
    import pstats
    import threading

    _round(url, 128, True, 128)
    profile, start = cProfile.Profile(), threading.Thread.run

    def run(thread: threading.Thread) -> None:
        if thread.name == "evaluations":
            profile.runcall(start, thread)
        else:
            start(thread)

    threading.Thread.run = run  # type: ignore[method-assign]
    try:
        print(_round(url, 128, True, scores))
    finally:
        threading.Thread.run = start  # type: ignore[method-assign]
    pstats.Stats(profile).sort_stats("tottime").print_stats(35)

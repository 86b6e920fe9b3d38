"""Memory of the web server and the workers over an hour of moderate load: spans, reviewers, rules.

Prints a sample a minute, then of each the first, the last and the slope of a straight line through all samples but
those of the first tenth, while caches fill. Memory is Pss: pages that processes share are counted once.
"""

import argparse
import json
import time
from typing import Any

from tests.bench import figures, house
from tests.bench.load import PAGE, exporting, reviewing
from tests.bench.rescore import _worker
from tests.bench.rules import RULES, _evaluator, _forget, _rules

WORKERS = 2
SAMPLE_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--spans", type=float, default=100.0, help="a second (%(default)s)")
    parser.add_argument("--reviewers", type=int, default=2)


def run(options: argparse.Namespace) -> None:
    with house.services(options.data):
        from evalhub import apikeys
        from evalhub.models import Project

        project = Project.objects.get(slug="bench-1")
        _forget(project)
        _rules(project, _evaluator(project))
        _, key = apikeys.create(project, f"bench soak {time.time():.0f}", ["ingest"])
        workers = [_worker(n) for n in range(WORKERS)]
        try:
            with (
                house.web() as (host, port, pid),
                exporting(host, port, key, options.spans) as posted,
                reviewing(host, port, project, options.reviewers) as seen,
            ):
                groups = {"web server": [pid], "workers": [worker.process.pid for worker in workers]}
                samples = _samples(options, groups, posted, seen)
        finally:
            for worker in workers:
                worker.ask_to_stop()
            for worker in workers:
                worker.wait()
            _forget(project)
        facts = {"minutes": options.minutes, "rules": RULES, "reviewers": options.reviewers, "spans": posted.sent}
        for name in samples[0]:
            if name != "minute":
                _told(name, [sample["minute"] for sample in samples], [sample[name] for sample in samples], facts)
        figures.report("soak: Records page, p95", [figures.p95(seen.of(PAGE))], "ms", pages=len(seen.times))


def _samples(options: argparse.Namespace, groups: dict[str, list[int]], posted: Any, seen: Any) -> list[dict[str, Any]]:
    samples, began = [], time.monotonic()
    while True:
        posted.check()
        if seen.failures:
            raise SystemExit(seen.failures[0])
        minute = (time.monotonic() - began) / 60
        sample = {"minute": round(minute, 2)}
        sample |= {name: round(sum(map(figures.resident_mb, pids)), 1) for name, pids in groups.items()}
        sample["queue (Redis)"] = _redis_mb()
        samples.append(sample)
        print(json.dumps({"name": "soak: sample", **sample, "spans": posted.sent}), flush=True)
        if minute >= options.minutes:
            return samples
        time.sleep(min(SAMPLE_SECONDS, max(1.0, 60 * (options.minutes - minute))))


def _redis_mb() -> float:
    import django_rq

    return round(django_rq.get_connection("online").info("memory")["used_memory"] / 2**20, 1)


def _told(name: str, minutes: list[float], values: list[float], facts: dict[str, Any]) -> None:
    settled = [pair for pair in zip(minutes, values, strict=True) if pair[0] >= minutes[-1] / 10]
    figures.report(
        f"soak: memory of the {name}", values, "MB", first=values[0], last=values[-1],
        slope_mb_an_hour=round(60 * _slope(settled), 1), **facts,
    )  # fmt: skip


def _slope(points: list[tuple[float, float]]) -> float:
    """Of the line of least squares."""
    x, y = (sum(each) / len(points) for each in zip(*points, strict=True))
    spread = sum((a - x) ** 2 for a, _ in points)
    return sum((a - x) * (b - y) for a, b in points) / spread if spread else 0.0

"""Spans and records a second into the reference data: the function alone, OTLP over HTTP, JSON over HTTP.

Each round sends new records, 100 a batch, over 4 connections, and ends when the last is acknowledged, that is
committed. Then all of them must be there, counted, or the benchmark fails.
"""

import argparse
import http.client
import itertools
import json
import multiprocessing
import random
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench import figures, house
from tests.bench.fill import blocks

BATCH = 100
SPANS_A_TRACE = 5
WAYS = ("function", "otlp", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ways", nargs="*", default=list(WAYS), help=f"of {', '.join(WAYS)}; all unless given")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--records", type=int, default=8_000, help="a round (%(default)s)")
    parser.add_argument(
        "--mixed",
        type=int,
        default=500,
        help="spans of how many are mixed: 500 tears most traces apart, 5 leaves them whole",
    )


def run(options: argparse.Namespace) -> None:
    with house.services(options.data):
        from evalhub.models import Project
        from records.models import RecordRollup

        project = Project.objects.get(slug="bench-1")
        there = sum(RecordRollup.objects.values_list("n", flat=True))
        facts = {"into_records": there, "batch": BATCH, "mixed": options.mixed, "payload_bytes": _payload_bytes()}
        if "function" in options.ways:
            for connections in sorted({1, options.connections}):
                _function(project, connections, options, facts)
        for way in ("otlp", "json"):
            if way in options.ways:
                _over_http(project, way, options, facts)


def _function(project: Any, connections: int, options: argparse.Namespace, facts: dict[str, Any]) -> None:
    """`ingest()` itself in as many processes: no HTTP, no parsing."""
    spawn = multiprocessing.get_context("spawn")
    rates, waits = [], []
    size = options.records // connections // BATCH
    with spawn.Manager() as manager, ProcessPoolExecutor(connections, spawn) as pool:
        for number in range(options.rounds + 1):  # the first one warms up
            before, barrier = _count(project), manager.Barrier(connections, timeout=120)
            calls = [
                pool.submit(_feed, project.id, size, random.randrange(2**32), options.mixed, barrier)
                for _ in range(connections)
            ]
            fed = [call.result() for call in calls]
            _check(project, before, size * BATCH * connections)
            if number:
                took = max(end for _, end, _ in fed) - min(start for start, _, _ in fed)
                rates.append(size * BATCH * connections / took)
                waits += [wait for _, _, each in fed for wait in each]
    facts = facts | {"connections": connections}
    figures.report("ingest.function", rates, "records/s", **facts)
    figures.report("ingest.function.batch", waits, "ms", p95=round(figures.p95(waits), 1), **facts)


def _feed(project_id: int, batches: int, seed: int, mixed: int, barrier: Any) -> tuple[float, float, list[float]]:
    import django

    django.setup()
    from evalhub.models import Project
    from records.drafts import RecordDraft
    from records.ingest import ingest
    from records.models import Source

    project = Project.objects.get(id=project_id)
    drafts = [
        [
            RecordDraft(
                f"{s['trace']}:{s['span']}", Source.TRACE, s["start"], started_at=s["start"], ended_at=s["end"],
                trace_id=s["trace"], span_id=s["span"], parent_id=s["parent"], name=s["name"], kind="llm",
                environment="production", customer=s["customer"], model=s["model"], provider="openai",
                tokens_in=s["tokens_in"], tokens_out=s["tokens_out"], metadata=s["metadata"],
                inputs=[{"role": "user", "content": s["question"]}], outputs={"answer": s["answer"]},
            )
            for s in batch
        ]
        for batch in _spans(batches, seed, mixed)
    ]  # fmt: skip
    waits = []
    barrier.wait()
    start = time.perf_counter()
    for batch in drafts:
        began = time.perf_counter()
        ingest(project, batch, "bench")
        waits.append((time.perf_counter() - began) * 1000)
    return start, time.perf_counter(), waits


def _over_http(project: Any, way: str, options: argparse.Namespace, facts: dict[str, Any]) -> None:
    from evalhub import apikeys

    _, key = apikeys.create(project, f"bench {way} {time.time():.0f}", ["ingest"])
    encode, path, kind = {
        "otlp": (_otlp, "/v1/traces", "application/x-protobuf"),
        "json": (_json, "/api/v1/records", "application/json"),
    }[way]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    rates, waits, memory, costs = [], [], [], []
    postgres = int((options.data / "pg" / "postmaster.pid").read_text().split()[0])
    with house.web() as (host, port, pid):
        for number in range(options.rounds + 1):  # the first one warms up
            size = options.records // options.connections // BATCH
            streams = [
                [encode(batch) for batch in _spans(size, random.randrange(2**32), options.mixed)]
                for _ in range(options.connections)
            ]
            sent = size * BATCH * options.connections
            before = _count(project)
            used = [figures.cpu_seconds(p) for p in (pid, postgres)]
            took, each = _post(host, port, path, headers, streams)
            used = [figures.cpu_seconds(p) - u for p, u in zip((pid, postgres), used, strict=True)]
            _check(project, before, sent)
            memory.append(figures.resident_mb(pid))
            if number:
                rates.append(sent / took)
                costs.append([u * 1000 / sent for u in used])
                waits += each
    facts = facts | {"connections": options.connections, "body_bytes": len(streams[0][0])}
    figures.report(f"ingest.{way}", rates, "records/s", **facts)
    figures.report(f"ingest.{way}.post", waits, "ms", p95=round(figures.p95(waits), 1), **facts)
    for name, each in zip(("web_cpu", "postgres_cpu"), zip(*costs, strict=True), strict=True):
        figures.report(f"ingest.{way}.{name}", each, "ms/record", **facts)
    figures.report(
        f"ingest.{way}.web_memory", memory[1:], "MB", first=round(memory[1]), last=round(memory[-1]), **facts
    )


def _post(
    host: str, port: int, path: str, headers: dict[str, str], streams: Sequence[Sequence[bytes]]
) -> tuple[float, list[float]]:
    """Posts each stream over a kept connection of its own, as one exporter does: (seconds, milliseconds of each)."""
    waits: list[float] = []
    failures: list[str] = []

    def send(bodies: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection(host, port, timeout=120)
        for body in bodies:
            if failures:
                break
            began = time.perf_counter()
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            answer = response.read()
            waits.append((time.perf_counter() - began) * 1000)
            if response.status not in (200, 201):
                failures.append(f"{response.status}: {answer[:300]!r}")
        connection.close()

    threads = [threading.Thread(target=send, args=[bodies]) for bodies in streams]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    if failures:
        sys.exit(f"POST {path} answered {failures[0]}")
    return took, waits


def _count(project: Any) -> tuple[int, int]:
    """Rows, and what the roll-up says."""
    from django.db import connection
    from django.db.models import Sum

    from records.models import Record, RecordRollup

    found = (
        Record.objects.filter(project=project).count(),
        RecordRollup.objects.filter(project=project).aggregate(n=Sum("n"))["n"],
    )
    connection.close()
    return found


def _check(project: Any, before: tuple[int, int], sent: int) -> None:
    rows, counted = _count(project)
    if (rows - before[0], counted - before[1]) != (sent, sent):
        sys.exit(f"{sent} sent, {rows - before[0]} rows and {counted - before[1]} counted: something was lost.")


def _spans(batches: int, seed: int, mixed: int = 500) -> list[list[dict[str, Any]]]:
    """Traces of five spans whose children come before their parents, as exporters send them; mixed over so many."""
    rng, words = random.Random(seed), _words()
    spans = []
    start = datetime.now(UTC) - timedelta(minutes=10)
    for n in range(batches * BATCH // SPANS_A_TRACE):
        trace, ids = f"{rng.getrandbits(128):032x}", [f"{rng.getrandbits(64):016x}" for _ in range(SPANS_A_TRACE)]
        for k in reversed(range(SPANS_A_TRACE)):
            at = start + timedelta(milliseconds=20 * n + k)
            spans.append(
                {
                    "trace": trace, "span": ids[k], "parent": ids[(k - 1) // 2] if k else "", "start": at,
                    "end": at + timedelta(milliseconds=rng.randrange(5000)), "name": f"step {rng.randrange(37)}",
                    "customer": f"c{int(1000 ** rng.random())}", "model": rng.choice(("gpt-4o", "gpt-4.1", "own-1")),
                    "tokens_in": rng.randrange(2000), "tokens_out": rng.randrange(900),
                    "question": words[rng.randrange(4000)][:500], "answer": words[rng.randrange(4000)][:500],
                    "metadata": {
                        "account": f"a{rng.randrange(1000)}", "variant": f"v{rng.randrange(10)}", "region": "eu",
                        "git_sha": f"{rng.getrandbits(28):07x}",
                    },
                }
            )  # fmt: skip
    order = []
    for window in itertools.batched(spans, mixed):
        order += rng.sample(window, len(window))
    return [list(batch) for batch in itertools.batched(order, BATCH)]


_blocks: list[str] = []


def _words() -> list[str]:
    if not _blocks:
        _blocks.extend(blocks())
    return _blocks


def _payload_bytes() -> int:
    sample = _spans(1, 1)[0]
    return sum(len(s["question"]) + len(s["answer"]) for s in sample) // len(sample)


def _json(batch: Sequence[dict[str, Any]]) -> bytes:
    records = [
        {
            "trace_id": s["trace"], "span_id": s["span"], "parent_id": s["parent"], "name": s["name"], "kind": "llm",
            "start_time": s["start"].isoformat(), "timestamp": s["end"].isoformat(), "environment": "production",
            "customer_identifier": s["customer"], "model": s["model"], "prompt_tokens": s["tokens_in"],
            "completion_tokens": s["tokens_out"], "inputs": [{"role": "user", "content": s["question"]}],
            "outputs": {"answer": s["answer"]}, "metadata": s["metadata"],
        }
        for s in batch
    ]  # fmt: skip
    return json.dumps(records).encode()


def _otlp(batch: Sequence[dict[str, Any]]) -> bytes:
    """As the OpenTelemetry SDK's exporter writes them, under the GenAI conventions."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _attribute(resource.resource, "service.name", "bench")
    _attribute(resource.resource, "deployment.environment.name", "production")
    scope = resource.scope_spans.add()
    scope.scope.name = "bench"
    for s in batch:
        span = scope.spans.add(
            trace_id=bytes.fromhex(s["trace"]),
            span_id=bytes.fromhex(s["span"]),
            parent_span_id=bytes.fromhex(s["parent"]),
            name=s["name"],
            kind=3,
            start_time_unix_nano=_nano(s["start"]),
            end_time_unix_nano=_nano(s["end"]),
        )
        messages = [[{"role": role, "parts": [{"type": "text", "content": s[name]}]}] for role, name in _ROLES]
        attributes = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": s["model"],
            "gen_ai.usage.input_tokens": s["tokens_in"], "gen_ai.usage.output_tokens": s["tokens_out"],
            "gen_ai.input.messages": json.dumps(messages[0]), "gen_ai.output.messages": json.dumps(messages[1]),
            "user.id": s["customer"], **s["metadata"],
        }  # fmt: skip
        for name, value in attributes.items():
            _attribute(span, name, value)
    return request.SerializeToString()


_ROLES = (("user", "question"), ("assistant", "answer"))


def _nano(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


def _attribute(of: Any, name: str, value: str | int) -> None:
    target = of.attributes.add(key=name).value
    if isinstance(value, int):
        target.int_value = value
    else:
        target.string_value = value

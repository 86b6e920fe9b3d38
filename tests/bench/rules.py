"""Online scoring: 20 rules decided for 500 new records, seconds until a code score is there, what ingest loses.

Wants `fill`. Figures: milliseconds of deciding alone, and of the whole planning (with the scores it plans at 1 %);
seconds from the post of a span that has just ended to its score, with the web server and workers of `manage.py up`;
records a second over OTLP with 20 rules at 1 % and with none, in turns, beside the same worker; and the processor time
that each record takes in all, planning and scoring too, which says more on a busy machine.
"""

import argparse
import itertools
import random
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench import figures, house
from tests.bench.ingest import BATCH, _otlp, _post, _spans
from tests.bench.rescore import SNIPPET, _worker

PARTS = ("decide", "visible", "ingest")
RULES = 20
RATE = 0.01
RECORDS = 500
FILTERS = (
    "", "model:gpt-4o", "metadata.region:eu", "latency>1", "metadata.account:a1* -model:own-1", "tokens>500",
    "environment:production customer:c1", "name:\"step 3\" OR name:\"step 4\"", "tokens.input>100 metadata.variant:v1",
    "outputs.answer contains \"the\"",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "figures", nargs="*", default=["decide", "visible", "ingest"], help="of decide, visible, ingest"
    )
    parser.add_argument("--records", type=int, default=8_000, help="a round of ingest (%(default)s)")
    parser.add_argument("--connections", type=int, default=4)


def run(options: argparse.Namespace) -> None:
    with house.services(options.data):
        from evalhub.models import Project

        project = Project.objects.get(slug="bench-1")
        evaluator = _evaluator(project)
        _forget(project)
        try:
            if "decide" in options.figures:
                _decide(project, evaluator, options)
            if "visible" in options.figures:
                _visible(project, evaluator, options)
            if "ingest" in options.figures:
                _ingest(project, evaluator, options)
        finally:
            _forget(project)


def _decide(project: Any, evaluator: Any, options: argparse.Namespace) -> None:
    from django.db import connection, transaction

    from records.models import Outbox
    from scoring.rules import planning
    from scoring.rules.deciding import Decisions, alike, look_up, rules_at_work

    rules = _rules(project, evaluator)
    decided, planned = [], []
    for _ in range(options.rounds + 1):
        _store(project, RECORDS // BATCH)
        with transaction.atomic():
            ids = [id for row in Outbox.objects.filter(project=project) for id in row.ids]
            began = time.perf_counter()
            at_work = rules_at_work(project)
            decisions = Decisions()
            found = alike(look_up(project, at_work, ids, quiet=0.0), at_work)
            for one in at_work:
                decisions.add(one, found)
            decided.append(1000 * (time.perf_counter() - began))
        if len(ids) != RECORDS or sum(decisions.counts.values()) < RECORDS * len(rules):
            sys.exit(f"{len(ids)} records and {sum(decisions.counts.values())} steps: something was lost.")
        began = time.perf_counter()
        planning.plan(project.id, 60)
        planned.append(1000 * (time.perf_counter() - began))
        if Outbox.objects.filter(project=project).exists():
            sys.exit("Something was not planned.")
    facts = {"rules": RULES, "records": RECORDS, "rate": RATE}
    figures.report("rules: decided", decided[1:], "ms", **facts)
    figures.report("rules: planned, with their scores", planned[1:], "ms", drawn=len(decisions.drawn), **facts)
    _forget(project)
    connection.close()


def _visible(project: Any, evaluator: Any, options: argparse.Namespace) -> None:
    """From the post of a span that ends at this moment to its completed score."""
    from evalhub import apikeys
    from records.models import Record, Score

    _rules(project, evaluator, count=1, rate=1.0, filters=("",))
    _, key = apikeys.create(project, f"bench rules {time.time():.0f}", ["ingest"])
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-protobuf"}
    waits = []
    worker = _worker(1)
    try:
        with house.web() as (host, port, _):
            for number in range(3 * options.rounds + 1):
                (batch,) = _spans(1, random.randrange(2**32))
                span = batch[0] | {"start": datetime.now(UTC) - timedelta(seconds=1), "end": datetime.now(UTC)}
                _post(host, port, "/v1/traces", headers, [[_otlp([span])]])
                external = f"{span['trace']}:{span['span']}"
                while not Score.objects.filter(
                    project=project, status=1, record_id__in=Record.objects.filter(
                        project=project, external_id=external).values("id"),
                ).exists():  # fmt: skip
                    time.sleep(0.02)
                    if datetime.now(UTC) - span["end"] > timedelta(minutes=2):
                        sys.exit("No score after two minutes.")
                if number:
                    waits.append((datetime.now(UTC) - span["end"]).total_seconds())
                time.sleep(random.uniform(0, 3))  # noqa: S311 - the worker lingers for a second: both ways are met
    finally:
        worker.ask_to_stop()
        worker.wait()
        _forget(project)
    figures.report("rules: a code score is there", waits, "s", longest=round(max(waits), 2))


def _ingest(project: Any, evaluator: Any, options: argparse.Namespace) -> None:
    from evalhub import apikeys
    from scoring.rules.editing import set_enabled

    rules = _rules(project, evaluator)
    _, key = apikeys.create(project, f"bench rules {time.time():.0f}", ["ingest"])
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-protobuf"}
    size = options.records // options.connections // BATCH
    rates: dict[bool, list[float]] = {True: [], False: []}
    costs: dict[bool, list[float]] = {True: [], False: []}
    postgres = int((options.data / "pg" / "postmaster.pid").read_text().split()[0])
    worker = _worker(1)
    try:
        with house.web() as (host, port, pid):
            for number, enabled in itertools.product(range(options.rounds + 1), (False, True)):
                for rule in rules:
                    set_enabled(rule, "bench", enabled)
                streams = [
                    [_otlp(batch) for batch in _spans(size, random.randrange(2**32))]
                    for _ in range(options.connections)
                ]
                sent = size * BATCH * options.connections
                before = sum(map(figures.cpu_seconds, (pid, postgres, worker.process.pid)))
                took, _ = _post(host, port, "/v1/traces", headers, streams)
                _settled(project)
                after = sum(map(figures.cpu_seconds, (pid, postgres, worker.process.pid)))
                if number:
                    rates[enabled].append(sent / took)
                    costs[enabled].append(1000 * (after - before) / sent)
    finally:
        worker.ask_to_stop()
        worker.wait()
        _forget(project)
    facts = {"rules": RULES, "rate": RATE, "connections": options.connections}
    figures.report("rules: ingest without", rates[False], "records/s", **facts)
    figures.report("rules: ingest with", rates[True], "records/s", **facts)
    pairs = [100 * (1 - after / before) for before, after in zip(rates[False], rates[True], strict=True)]
    lost = 100 * (1 - statistics.median(rates[True]) / statistics.median(rates[False]))
    figures.report("rules: ingest loses", pairs, "%", of_medians=round(lost, 1), **facts)
    for name, enabled in (("without", False), ("with", True)):
        figures.report(f"rules: processor time a record, all of EvalHub, {name}", costs[enabled], "ms", **facts)


def _settled(project: Any) -> None:
    """Until all is planned and scored: the next round must not pay for it. What came without rules goes."""
    from records.models import Outbox
    from scoring.models import Rule
    from scoring.rules.working import is_waiting

    until = time.monotonic() + 120
    while Rule.objects.filter(project=project, enabled=True).exists() and is_waiting(project.id):
        time.sleep(0.2)
        if time.monotonic() > until:
            sys.exit("Online scoring is not done after two minutes.")
    Outbox.objects.filter(project=project).delete()


def _store(project: Any, batches: int) -> None:
    from records.drafts import RecordDraft
    from records.ingest import ingest
    from records.models import Source

    for batch in _spans(batches, random.randrange(2**32), 5):
        drafts = [
            RecordDraft(
                f"{s['trace']}:{s['span']}", Source.TRACE, s["start"], started_at=s["start"], ended_at=s["end"],
                trace_id=s["trace"], span_id=s["span"], parent_id=s["parent"], name=s["name"], kind="llm",
                environment="production", customer=s["customer"], model=s["model"], tokens_in=s["tokens_in"],
                tokens_out=s["tokens_out"], metadata=s["metadata"], inputs=s["question"],
                outputs={"answer": s["answer"]},
            )
            for s in batch
        ]  # fmt: skip
        ingest(project, drafts, "bench")


def _evaluator(project: Any) -> Any:
    from records.metrics import create_metric
    from records.models import Metric
    from scoring.evaluators import create_evaluator
    from scoring.models import Evaluator

    slug = "bench_online"
    found = Evaluator.objects.select_related("metric", "current").filter(project=project, slug=slug).first()
    if found:
        return found
    metric = Metric.objects.filter(project=project, slug=slug).first() or create_metric(
        project, slug=slug, value_type="numerical", min_score=0, max_score=1, passing_score=0.5
    )
    return create_evaluator(
        project, "bench", slug=slug, type="code", metric=metric, definition={"eval_code_snippet": SNIPPET}
    )


def _rules(
    project: Any, evaluator: Any, count: int = RULES, rate: float = RATE, filters: tuple[str, ...] = FILTERS
) -> list[Any]:
    from scoring.rules.editing import save_rule

    return [
        save_rule(
            project, "bench", name=f"bench {n}", evaluators=[evaluator], rate=rate, filter=filters[n % len(filters)],
            spans_mode=("all", "root")[n % 2] if count > 1 else "all", enabled=True,
        )
        for n in range(count)
    ]  # fmt: skip


def _forget(project: Any) -> None:
    from records.models import Outbox
    from scoring.models import Rule
    from scoring.rules.editing import delete_rule

    for rule in Rule.objects.filter(project=project, name__startswith="bench "):
        delete_rule(rule, "bench")
    Outbox.objects.filter(project=project).delete()

"""Everything at once: spans come in, ten people browse, 100,000 records are re-scored, twenty rules decide.

Each round first watches the reviewers alone, then with all the rest until the re-score is done, then waits for the
rules and counts: what was acknowledged is there and counted once, each rule has seen each span once, the re-score has
given every record its score. Anything else fails the benchmark. The Records page's p95 may at most double.
"""

import argparse
import sys
import time
from typing import Any

from tests.bench import figures, house
from tests.bench.ingest import _check, _count
from tests.bench.load import PAGE, Posted, exporting, reviewing
from tests.bench.rescore import _evaluator as _length
from tests.bench.rescore import _worker
from tests.bench.rules import RULES, _evaluator, _forget, _rules

WORKERS = 2
WARM_SECONDS = 10.0  # each process has to load its templates
PATIENCE = 300.0  # seconds for the rules to be done after the last span


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--records", type=int, default=100_000, help="re-scored in a round (%(default)s)")
    parser.add_argument("--spans", type=float, default=300.0, help="a second (%(default)s)")
    parser.add_argument("--reviewers", type=int, default=10)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds in which only the reviewers are there")


def run(options: argparse.Namespace) -> None:
    with house.services(options.data):
        from evalhub import apikeys
        from evalhub.models import Project

        project = Project.objects.get(slug="bench-1")
        _forget(project)
        rules = _rules(project, _evaluator(project))
        evaluator = _length(project)
        _, key = apikeys.create(project, f"bench mixed {time.time():.0f}", ["ingest"])
        workers = [_worker(n) for n in range(WORKERS)]
        idle, busy, ratios, rates, took = [], [], [], [], []
        sent = 0
        try:
            with house.web() as (host, port, _):
                with reviewing(host, port, project, options.reviewers, pause=0.1):
                    time.sleep(WARM_SECONDS)
                for _ in range(options.rounds):
                    with reviewing(host, port, project, options.reviewers) as alone:
                        time.sleep(options.idle)
                    before, began = _count(project), time.perf_counter()
                    with (
                        reviewing(host, port, project, options.reviewers) as beside,
                        exporting(host, port, key, options.spans) as posted,
                    ):
                        planned = _rescore(project, evaluator, options.records, posted)
                        seconds = time.perf_counter() - began
                    rates.append(posted.sent / (time.perf_counter() - began))
                    sent += posted.sent
                    _check(project, before, posted.sent)
                    _check_rules(project, rules, sent)
                    took.append(seconds)
                    idle.append(figures.p95(alone.of(PAGE)))
                    busy.append(figures.p95(beside.of(PAGE)))
                    ratios.append(busy[-1] / idle[-1])
        finally:
            for worker in workers:
                worker.ask_to_stop()
            for worker in workers:
                worker.wait()
            _forget(project)
        facts = {"reviewers": options.reviewers, "rules": RULES, "rescored": planned, "spans": sent, "lost": 0}
        figures.report("mixed: Records page, reviewers alone, p95", idle, "ms", **facts)
        figures.report("mixed: Records page, everything at once, p95", busy, "ms", **facts)
        figures.report("mixed: Records page, p95 against the reviewers alone", ratios, "times", **facts)
        figures.report("mixed: spans stored", rates, "records/s", asked=options.spans, **facts)
        figures.report("mixed: re-score, from the click to done", took, "s", **facts)


def _rescore(project: Any, evaluator: Any, records: int, posted: Posted) -> int:
    """Until it is done; how many scores it planned, all of which are there."""
    from django.utils import timezone

    from records.models import Score
    from records.search import ceiling_of
    from records.selection import matching
    from scoring.runs.starting import start_run

    selection = matching(project, None, "", True, timezone.now(), "UTC", ceiling_of())
    run = start_run(selection, [evaluator], "bench", limit=records)
    while not run.is_over and run.status != "paused":
        time.sleep(0.5)
        posted.check()
        run.refresh_from_db()
    there = Score.objects.filter(project=project, run_id=run.pk, status=1).count()
    if not there == run.completed == run.planned:
        sys.exit(f"Run {run.number}: {there} scores, {run.completed} counted, {run.planned} planned. {run.reason}")
    return run.planned


def _check_rules(project: Any, rules: list[Any], sent: int) -> None:
    """Waits until they are done; then each has seen each span, and what they planned is there and scored."""
    from django.db.models import Sum

    from records.models import Score
    from scoring.models import Counted, RuleCount
    from scoring.rules.working import is_waiting

    until = time.monotonic() + PATIENCE
    scores = Score.objects.filter(project=project, rule_id__in=[rule.pk for rule in rules])
    while is_waiting(project.id) or scores.filter(status=0).exists():
        time.sleep(0.5)
        if time.monotonic() > until:
            sys.exit(f"Online scoring was not done {PATIENCE:.0f} seconds after the last span.")
    counts = RuleCount.objects.filter(project=project, rule__in=rules)
    seen = counts.filter(gate=Counted.SEEN).values_list("rule_id").annotate(n=Sum("count"))
    wrong = {rule: n for rule, n in seen if n != sent}
    if wrong or len(seen) != len(rules):
        sys.exit(f"{sent} spans, of which rules have seen {wrong or 'nothing'}: something was lost or counted twice.")
    counted = counts.filter(gate=Counted.COMPLETED).aggregate(n=Sum("count"))["n"] or 0
    if counted != scores.filter(status=1).count():
        sys.exit(f"{counted} scores of rules were counted, {scores.filter(status=1).count()} are there.")

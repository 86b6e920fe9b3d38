"""Re-scores records by a code evaluator, from the click to the end, with the workers of `manage.py up`.

Wants `fill --records 100000`. Figures: seconds from the click to the last score, scores a second, and the time of the
Records page meanwhile against idle. A round re-scores `--records` of the largest project's newest with a snippet of
Python in the sandbox; each round adds one score a record.
"""

import argparse
import statistics
import sys
import threading
import time

from tests.bench import figures, house

SNIPPET = """
def evaluate(output, expected):
    text = output if isinstance(output, str) else str(output)
    return min(1.0, len(text) / 1000)
"""
SLUG = "bench_length"
WORKERS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--records", type=int, default=100_000, help="records a round (%(default)s)")


def run(options: argparse.Namespace) -> None:
    with house.services(options.data):
        project = _project()
        evaluator = _evaluator(project)
        workers = [_worker(n) for n in range(WORKERS)]
        try:
            with house.web() as (host, port, _):
                session = _signed_in(project)
                idle = _page_times(host, port, session, project, lambda: False, 30)
                seconds, rates, busy, spent = [], [], [], []
                for _ in range(options.rounds):
                    before = sum(figures.cpu_seconds(worker.process.pid) for worker in workers)
                    took, run = _round(project, evaluator, options.records, busy, (host, port, session))
                    seconds.append(took)
                    rates.append(run.completed / took)
                    after = sum(figures.cpu_seconds(worker.process.pid) for worker in workers)
                    spent.append(1000 * (after - before) / run.completed)
                    if run.completed != run.planned:
                        sys.exit(f"Run {run.number}: {run.completed} of {run.planned} completed, {run.reason}")
        finally:
            for worker in workers:
                worker.ask_to_stop()
            for worker in workers:
                worker.wait()
        facts = {"records": run.planned, "workers": WORKERS}
        figures.report("rescore: from the click to done", seconds, "s", **facts)
        figures.report("rescore: scores stored", rates, "/s", **facts)
        figures.report("rescore: workers and sandbox, processor time a score", spent, "ms", **facts)
        figures.report(
            "rescore: Records page, idle, p95", [figures.p95(idle)], "ms", median=round(statistics.median(idle), 1)
        )
        figures.report(
            "rescore: Records page meanwhile, p95", [figures.p95(busy)], "ms", median=round(statistics.median(busy), 1)
        )


def _project():
    from evalhub.models import Project
    from records.models import Record

    most = max(Project.objects.all(), key=lambda project: Record.objects.filter(project=project).count())
    return most


def _evaluator(project):
    from records.metrics import create_metric
    from records.models import Metric
    from scoring.evaluators import create_evaluator
    from scoring.models import Evaluator

    found = Evaluator.objects.select_related("metric", "current").filter(project=project, slug=SLUG).first()
    if found:
        return found
    metric = Metric.objects.filter(project=project, slug=SLUG).first() or create_metric(
        project, slug=SLUG, value_type="numerical", min_score=0, max_score=1, passing_score=0.5
    )
    return create_evaluator(
        project, "bench", slug=SLUG, type="code", metric=metric, definition={"eval_code_snippet": SNIPPET}
    )


def _worker(number: int):
    import os

    from evalhub.supervisor import BEHIND_PAGES, Child

    command = [
        sys.executable, house.ROOT / "manage.py", "rqworker", "plan", "online", "bulk", "default", "--worker-ttl", 60,
        "-v", 0, "--skip-checks",
    ]  # fmt: skip
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "evalhub.settings",
        "EVALHUB_DEBUG": "",
        "LOG_LEVEL": "WARNING",
    }
    child = Child(f"Worker {number}", command, {"cwd": house.ROOT, "env": environment}, niceness=BEHIND_PAGES)
    child.start()
    return child


def _signed_in(project) -> str:
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from evalhub.models import Membership, Role, User

    user, _ = User.objects.get_or_create(username="bench-rescore")
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.EDITOR})
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def _round(project, evaluator, records: int, busy: list[float], page) -> tuple[float, object]:
    from django.utils import timezone

    from records.search import ceiling_of
    from records.selection import matching
    from scoring.runs.starting import start_run

    host, port, session = page
    over = threading.Event()
    watching = threading.Thread(
        target=lambda: busy.extend(_page_times(host, port, session, project, over.is_set, 10_000)), daemon=True
    )
    began = time.perf_counter()
    selection = matching(project, None, "", True, timezone.now(), "UTC", ceiling_of())
    run = start_run(selection, [evaluator], "bench", limit=records)
    watching.start()
    while not run.is_over and run.status != "paused":
        time.sleep(0.2)
        run.refresh_from_db()
    took = time.perf_counter() - began
    over.set()
    watching.join()
    return took, run


def _page_times(host: str, port: int, session: str, project, over, most: int) -> list[float]:
    """Milliseconds of one view after the other, with a pause as a reader makes it; the first does not count."""
    import http.client

    times = []
    for n in range(most):
        if over():
            break
        asked = http.client.HTTPConnection(host, port, timeout=60)
        start = time.perf_counter()
        asked.request("GET", f"/p/{project.slug}/records/", headers={"Cookie": session})
        answer = asked.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"The Records page answered {answer.status}.")
        if n:
            times.append(1000 * (time.perf_counter() - start))
        asked.close()
        time.sleep(0.2)
    return times

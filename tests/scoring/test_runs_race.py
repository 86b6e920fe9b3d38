"""Scoring runs with real commits: several workers, one that is killed, a queue that forgets."""

import os
import signal
import sys
import threading
import time

import django_rq
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone
from rq import SimpleWorker

from records.models import Score, ScoreStatus
from scoring.models import ScoringRun
from scoring.runs import planning, steering, working
from scoring.runs.healing import heal_runs, release_leases
from scoring.runs.starting import start_run
from tests import factories
from tests.records.recount import recount
from tests.scoring.running import exact, matching, sent, ticked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def queue():
    """An empty Redis."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def project():
    return factories.project()


def in_thread(call, *args) -> threading.Thread:
    def run():
        try:
            call(*args)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def turns(run_id: int) -> None:
    """As the queue has it: each turn that leaves work rings for the next."""
    while working.take_turn(run_id):
        pass


def settled(project, *runs):
    for run in runs:
        run.refresh_from_db()
    left = Score.objects.filter(status=ScoreStatus.PENDING)
    assert not left.exists(), [(run.status, run.reason, run.planned, run.done, run.left) for run in runs]
    current = Score.objects.filter(project=project, is_current=True).values_list("record_id", "metric_id")
    assert len(current) == len(set(current))
    assert not any(recount(project.id).values())


def test_several_workers_share_two_runs_while_a_third_is_cancelled(project, monkeypatch):
    monkeypatch.setattr(working, "MOST_CLAIMED", 20)
    monkeypatch.setattr(working, "FLUSH_SIZE", 7)
    ids = sent(project, 150)
    evaluator = exact(project)
    one, two, three = (start_run(ticked(project, ids), [evaluator], "anna") for _ in range(3))
    threads = [in_thread(turns, run.pk) for run in (one, two, three, one, two, three)]
    time.sleep(0.1)
    steering.cancel(ScoringRun.objects.get(pk=three.pk), "ben")
    for thread in threads:
        thread.join()
    heal_runs()
    settled(project, one, two, three)
    assert [(run.status, run.completed) for run in (one, two)] == [("finished", 150)] * 2
    assert three.status in ("cancelled", "finished") and three.completed + three.cancelled == 150


def test_a_worker_that_is_killed_loses_nothing(project, monkeypatch):
    monkeypatch.setattr(working, "MOST_CLAIMED", 30)
    monkeypatch.setattr(working, "FLUSH_SIZE", 10)
    ids = sent(project, 90)
    run = start_run(ticked(project, ids), [exact(project)], "anna")
    connection.close()  # a process that is forked must not share it
    child = os.fork()
    if child == 0:
        flush = working.Store.flush

        def slowly(store, judged):
            time.sleep(0.2)
            return flush(store, judged)

        working.Store.flush = slowly
        working.take_turn(run.pk)
        os._exit(0)
    deadline = time.monotonic() + 30
    while not Score.objects.filter(status=ScoreStatus.COMPLETED).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    held = Score.objects.filter(status=ScoreStatus.PENDING, lease_until__gt=timezone.now())
    assert held.exists() and Score.objects.filter(status=ScoreStatus.COMPLETED).count() < 90
    working.take_turn(run.pk)
    held.update(lease_until=timezone.now())
    release_leases(project.id)
    working.take_turn(run.pk)
    settled(project, run)
    assert (run.status, run.completed, run.planned) == ("finished", 90, 90)


def test_planning_that_is_killed_goes_on(project, monkeypatch):
    monkeypatch.setattr(planning, "SLICE", 10)
    sent(project, 60)
    run = start_run(matching(project), [exact(project)], "anna")
    connection.close()
    child = os.fork()
    if child == 0:
        advance = planning._advance

        def slowly(*args, **more):
            time.sleep(0.1)
            advance(*args, **more)

        planning._advance = slowly
        planning.plan(run.pk)
        os._exit(0)
    deadline = time.monotonic() + 30
    while not Score.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    run.refresh_from_db()
    assert 0 < run.planned == Score.objects.count()
    ScoringRun.objects.update(planner_beat_at=None)  # as two minutes of silence do
    planning.plan(run.pk)
    working.take_turn(run.pk)
    settled(project, run)
    assert (run.planned, run.completed, run.records) == (60, 60, 60)


def test_rq_carries_a_run_from_its_planning_to_its_end(project):
    sent(project, 25)
    run = start_run(matching(project), [exact(project)], "anna")
    SimpleWorker(["plan", "bulk"], connection=django_rq.get_connection("plan")).work(burst=True)
    settled(project, run)
    assert (run.status, run.completed) == ("finished", 25)


def test_a_queue_that_forgot_everything_is_rung_again(project, queue):
    run = start_run(ticked(project, sent(project, 2)), [exact(project)], "anna")
    assert django_rq.get_queue("bulk").count == 1
    queue.flushdb()
    ScoringRun.objects.update(started_at="2020-01-01T00:00Z")
    heal_runs()
    assert django_rq.get_queue("bulk").count == 1
    SimpleWorker(["plan", "bulk"], connection=django_rq.get_connection("plan")).work(burst=True)
    settled(project, run)
    assert run.status == "finished"


def test_without_redis_a_run_waits_and_says_so_in_no_error(project, monkeypatch):
    def away(name):
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(django_rq, "get_queue", away)
    run = start_run(ticked(project, sent(project, 2)), [exact(project)], "anna")
    assert run.planned == 2
    working.work(run.pk)
    settled(project, run)


def test_a_worker_has_loaded_what_jobs_need_before_it_forks(monkeypatch):
    monkeypatch.delitem(sys.modules, "scoring.jobs")
    django_rq.get_worker("bulk")
    assert "scoring.jobs" in sys.modules

"""At least once, never twice: whoever is killed, whatever is lost, whoever works at the same time."""

import os
import random
import signal
import threading
import time
from datetime import timedelta

import django_rq
import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from rq import SimpleWorker

from records import ids
from records.models import Outbox, Score, ScoreStatus
from scoring.models import RuleCount
from scoring.rules import planning, ringing, settling, working
from scoring.rules.healing import ring_lost
from scoring.runs.healing import release_leases
from scoring.runs.starting import start_run
from tests.records.recount import recount
from tests.scoring.rules.online import counted, rule, score, scores_of, sent, span, turn
from tests.scoring.running import exact, finish, ticked

commits = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def queue():
    """An empty Redis."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(autouse=True)
def in_no_hurry_to_wait(monkeypatch):
    monkeypatch.setattr(working, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(working, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(ringing, "_deaf_until", 0.0)


def once_each(rule, records: int, seen: int | None = None) -> None:
    """Every record has one completed score of the rule, and all was counted once."""
    found = list(scores_of(rule).values_list("record_id", "status"))
    assert len(found) == len({id for id, _ in found}) == records
    assert {status for _, status in found} == {ScoreStatus.COMPLETED}
    assert counted(rule) == {
        "seen": seen or records,
        **{name: records for name in ("spans", "filter", "sampled", "planned", "calls", "completed")},
    }  # fmt: skip
    assert not Outbox.objects.exists()
    assert not any(recount(rule.project_id).values())


def work_off() -> None:
    """What RQ has, by a worker in this process."""
    SimpleWorker(["online"], connection=django_rq.get_connection("online")).work(burst=True)


def at_once(*calls) -> None:
    problems = []

    def run(call) -> None:
        try:
            call()
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (planning, "look_up"),
        (settling, "lock_records"),
        (settling, "plan_scores"),
        (planning, "settle"),
        (planning, "add_counts"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_planner_that_dies_at_any_step_has_planned_nothing_and_the_next_one_all(
    project, monkeypatch, module, step, when
):
    one = rule(project)
    sent(project, *(span(f"s{n}") for n in range(4)))
    real = getattr(module, step)

    def dying(*args, **fields):
        if when == "after":
            real(*args, **fields)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, step, dying)
        with pytest.raises(Killed):
            planning.plan(project.pk)
    assert not scores_of(one).exists() and not RuleCount.objects.exists() and Outbox.objects.exists()
    score(project)
    once_each(one, 4)


def test_a_worker_that_dies_before_its_results_are_stored_leaves_them_to_the_next(project, monkeypatch):
    one = rule(project)
    sent(project, *(span(f"s{n}") for n in range(4)))
    planning.plan(project.pk)
    with monkeypatch.context() as patched:
        patched.setattr("scoring.runs.storing.complete", lambda *args: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            turn(project)
    assert not turn(project)  # they are leased
    scores_of(one).update(lease_until=timezone.now() - timedelta(hours=1))
    release_leases(project.pk)
    score(project)
    once_each(one, 4)


@commits
def test_a_process_that_is_killed_in_the_middle_loses_nothing_and_does_nothing_twice(project, monkeypatch):
    monkeypatch.setattr(planning, "MAX_ITEMS", 20)
    monkeypatch.setattr(working, "MOST_CLAIMED", 10)
    one = rule(project)
    for n in range(10):
        sent(project, *(span(f"s{n}-{k}") for k in range(12)))
    connection.close()  # a process that is forked must not share it
    child = os.fork()
    if child == 0:
        plan_announced = planning._plan_announced

        def slowly(project):
            time.sleep(0.05)
            turn(project, 0.05)
            return plan_announced(project)

        planning._plan_announced = slowly
        planning.plan(project.pk, 60)
        os._exit(0)
    deadline = time.monotonic() + 30
    while not scores_of(one).filter(status=ScoreStatus.COMPLETED).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert Outbox.objects.exists()
    Score.objects.filter(status=ScoreStatus.PENDING).update(lease_until=timezone.now() - timedelta(hours=1))
    release_leases(project.pk)
    ring_lost()
    work_off()
    once_each(one, 120)


@commits
def test_two_planners_and_two_workers_at_once_share_the_work(project, monkeypatch):
    monkeypatch.setattr(planning, "ROWS", 2)
    one, other = rule(project, "one"), rule(project, "other", budget_calls_day=50)
    for n in range(12):
        sent(project, *(span(f"s{n}-{k}") for k in range(10)))
    at_once(*[lambda: score(project)] * 2, *[lambda: turn(project)] * 2)
    score(project)
    once_each(one, 120)
    assert scores_of(other).count() == 50
    assert counted(other)["over_budget"] == 70


@commits
def test_spans_that_come_in_pieces_late_and_again_while_others_plan_score_and_rescore(project):
    one, roots = rule(project, "one"), rule(project, "roots", spans_mode="root")
    drafts = []
    for n in range(20):
        for key, parent in (("root", ""), ("child", "root"), ("leaf", "child")):
            whole = span(key, parent, f"t{n}", name=f"{key}{n}")
            drafts += [span(key, parent, f"t{n}", name=f"{key}{n}", ended=False, outputs=None), whole, whole]
    random.Random(7).shuffle(drafts)
    first = sent(project, span("other", trace="x"))
    run = start_run(ticked(project, first), [exact(project, "again")], "anna")

    def ingesting() -> None:
        for at in range(0, len(drafts), 9):
            sent(project, *drafts[at : at + 9])

    def planning_too() -> None:
        for _ in range(8):
            score(project)
            time.sleep(0.02)

    at_once(ingesting, planning_too, planning_too, lambda: finish(run))
    score(project)
    once_each(one, 61)  # and no piece was counted before, or after, the record had ended
    planning.OpenTrace.objects.update(due_at=timezone.now() - timedelta(hours=1))
    score(project)
    once_each(roots, 21, seen=61)


@commits
def test_ingest_rings_once_and_a_worker_plans_and_scores(project, queue):
    one = rule(project)
    sent(project, span("a"))
    sent(project, span("b"))
    assert django_rq.get_queue("online").count == 1
    work_off()
    once_each(one, 2)
    sent(project, span("c"))
    assert django_rq.get_queue("online").count == 1


@commits
def test_nobody_is_rung_for_where_no_rule_is_at_work_and_what_was_announced_is_forgotten(project, queue):
    rule(project, enabled=False)
    sent(project, span("a"))
    assert django_rq.get_queue("online").count == 0
    ring_lost()
    assert Outbox.objects.count() == 1  # a rule may just be being enabled
    old = ids.uuid7(int((time.time() - 3600) * 1000))
    Outbox.objects.update(id=old)
    ring_lost()
    assert not Outbox.objects.exists()


@commits
@pytest.mark.parametrize("lost", ["ring", "redis"])
def test_what_nobody_was_told_of_is_found_by_the_sweeper(project, queue, monkeypatch, lost):
    one = rule(project)
    if lost == "ring":
        with monkeypatch.context() as patched:
            patched.setattr(ringing, "heard", None)
            patched.setattr(ringing, "ring", lambda project_id: None)
            sent(project, span("a"))
    else:
        sent(project, span("a"))
        queue.flushdb()
    assert django_rq.get_queue("online").count == 0
    call_command("sweep", "--once")
    work_off()
    once_each(one, 1)


@commits
def test_without_redis_records_are_taken_and_the_bell_is_silent_for_a_while(project, monkeypatch, caplog):
    one = rule(project)
    tried = []

    def away(url):
        tried.append(url)
        raise redis.ConnectionError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(ringing, "_client", away)
        sent(project, span("a"))
        sent(project, span("b"))
    assert len(tried) == 1 and "waits for Redis" in caplog.text
    score(project)
    once_each(one, 2)


@commits
def test_a_pending_score_whose_worker_died_is_rung_for(project, queue):
    one = rule(project)
    sent(project, span("a"))
    planning.plan(project.pk)
    queue.flushdb()
    ring_lost()
    assert django_rq.get_queue("online").count == 1
    work_off()
    once_each(one, 1)


@pytest.mark.parametrize("hours", [-5, 5])
def test_hosts_whose_clocks_are_wrong_change_nothing(project, monkeypatch, hours):
    real = time.time
    monkeypatch.setattr(ids.time, "time", lambda: real() + hours * 3600)
    one = rule(project)
    sent(project, span("a"), span("b", at=9 * 3600))
    score(project)
    once_each(one, 2)

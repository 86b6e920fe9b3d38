import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import redis
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from evalhub import health
from records.models import Score, ScoreSource
from records.scores import Task as ScoringTask
from records.scores import claim, plan_scores
from scoring.management.commands import sweep
from tests import factories

EVENING, NIGHT, NEXT_NIGHT = (datetime(2026, 5, day, hour, tzinfo=UTC) for day, hour in ((3, 2), (3, 4), (4, 4)))


@pytest.fixture
def queue(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


def test_a_sweep_leaves_a_sign_of_life_and_clears_what_has_expired(db, queue):
    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - timedelta(days=1))
    Session.objects.create(session_key="new", session_data="", expire_date=timezone.now() + timedelta(days=1))
    call_command("sweep", "--once")
    assert [session.session_key for session in Session.objects.all()] == ["new"]
    assert time.time() - float(queue.get(health.SWEEPER_KEY)) < 60


def test_a_failing_task_is_logged_and_the_others_go_on(db, queue, caplog):
    def fail() -> None:
        raise RuntimeError("disk full")

    done = []
    tasks = (sweep.Task("broken", fail), sweep.Task("fine", lambda: done.append(1)))
    assert sweep.sweep(tasks, EVENING)
    assert done == [1]
    assert "The task broken failed." in caplog.text and "disk full" in caplog.text


def test_a_failed_query_does_not_spoil_the_next_task(transactional_db, queue):
    def fail() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")

    done = []
    tasks = (sweep.Task("broken", fail), sweep.Task("fine", lambda: done.append(Session.objects.count())))
    assert sweep.sweep(tasks, EVENING)
    assert done == [0]


def test_nightly_tasks_run_once_a_night_however_many_sweepers_ask(db, queue):
    runs = []
    tasks = (sweep.Task("roll-ups", lambda: runs.append("nightly"), nightly=True),)
    for moment in (EVENING, NIGHT, NIGHT + timedelta(minutes=1), NIGHT + timedelta(hours=12)):
        sweep.sweep(tasks, moment)
    assert runs == ["nightly"]
    sweep.sweep(tasks, NEXT_NIGHT)
    assert len(runs) == 2


def test_of_two_sweepers_one_stands_by(db, queue):
    done = []
    tasks = (sweep.Task("fine", lambda: done.append(1)),)
    where = connection.get_connection_params()
    with psycopg.connect(host=where["host"], user=where["user"], dbname=where["dbname"]) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [sweep.LOCK])
        assert sweep.sweep(tasks, NIGHT) is False
        other.execute("SELECT pg_advisory_unlock(%s)", [sweep.LOCK])  # a closed connection's end would come later
    assert sweep.sweep(tasks, NIGHT) is True
    assert done == [1]


def test_without_redis_the_urgent_tasks_still_run(db, settings, tmp_path, caplog):
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    done = []
    tasks = (sweep.Task("night", lambda: done.append("n"), nightly=True), sweep.Task("now", lambda: done.append("u")))
    assert sweep.sweep(tasks, NIGHT)
    assert done == ["u"]
    assert "sign of life is missing" in caplog.text


def test_what_a_dead_worker_held_can_be_claimed_again(project, queue):
    metric = factories.metric(project)
    record = factories.record(project)
    plan_scores(project.id, [record.id], [ScoringTask(metric.id, "run:1:1:1", ScoreSource.CODE, run_id=1)])
    assert len(claim(project.id, 1, 10, lease_seconds=60)) == 1
    Score.objects.filter(project=project).update(lease_until=timezone.now() - timedelta(seconds=1))
    call_command("sweep", "--once")
    assert len(claim(project.id, 1, 10, lease_seconds=60)) == 1

import json
import time

import pytest
import redis
from django.db import OperationalError, connection
from django.test import override_settings
from django_rq import get_worker

from evalhub import health


@pytest.fixture
def queue(settings):
    """This test worker's Redis, empty before and after."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(autouse=True)
def forget():
    health._migrated = False


def ready(client) -> tuple[int, dict]:
    answer = client.get("/readyz")
    return answer.status_code, json.loads(answer.content)


def test_alive_needs_no_database_and_no_session(client):
    """No `db` fixture: a query would fail this test."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "Set-Cookie" not in answer.headers


def test_ready_with_warnings_until_a_worker_and_a_sweeper_report(client, db, queue):
    status, said = ready(client)
    assert status == 200 and said["ready"] and said["workers"] == 0
    assert [warning.split()[0:2] for warning in said["warnings"]] == [["No", "worker"], ["The", "sweeper"]]

    worker = get_worker("online")
    worker.register_birth()
    health.beat()
    assert ready(client) == (
        200,
        {"ready": True, "database": "ok", "migrations": "ok", "redis": "ok", "workers": 1, "sweeper_age": 0,
         "sandbox": "unknown", "rules": "ok", "alerts": "ok", "warnings": []},
    )  # fmt: skip


def test_silent_workers_and_sweepers_do_not_count(client, db, queue):
    worker = get_worker("online")
    worker.register_birth()
    queue.hset(worker.key, "last_heartbeat", "2020-01-01T00:00:00.000000Z")
    queue.set(health.SWEEPER_KEY, str(time.time() - 3600))
    _, said = ready(client)
    assert said["workers"] == 0 and said["sweeper_age"] >= 3600 and len(said["warnings"]) == 2


def test_without_redis_it_is_ready_with_a_warning(client, db, tmp_path):
    with override_settings(REDIS_URL=f"unix://{tmp_path}/none.sock"):
        status, said = ready(client)
    assert status == 200 and said["redis"] == "unreachable"
    assert "nothing is scored" in said["warnings"][0]


def test_without_the_database_it_is_not_ready_and_tells_no_address(client, db, queue, monkeypatch):
    def refuse() -> None:
        raise OperationalError('connection to server at "db.internal", user "evalhub" failed')

    with monkeypatch.context() as patched:
        patched.setattr(connection, "ensure_connection", refuse)
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.content)["database"] == "unreachable"
    assert b"db.internal" not in answer.content


def test_a_missing_migration_makes_it_not_ready(client, db, queue):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'records'")
    status, said = ready(client)
    assert status == 503 and said["migrations"] == "pending" and said["database"] == "ok"


def test_once_complete_the_migrations_are_not_read_again(client, db, queue, django_assert_num_queries):
    ready(client)
    with django_assert_num_queries(3):  # one of them looks for rules, one at alerts
        ready(client)

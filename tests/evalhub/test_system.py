"""The System page, Prometheus' metrics, and logs as JSON."""

import json
import logging

import django_rq
import pytest
import redis
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from evalhub import logs
from evalhub.models import Role
from evalhub.system import queues
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source
from scoring.management.commands import sweep
from tests import factories
from tests.scoring.test_sweep import EVENING


@pytest.fixture
def queue(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def operator(client, db):
    client.force_login(factories.user("root", is_superuser=True, is_staff=True))
    return client


def test_the_page_is_for_superusers(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    assert client.get(reverse("system")).status_code == 403


def test_the_page_shows_queues_workers_sweeps_and_tables(operator, queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        django_rq.get_queue("bulk").enqueue(print)

    def fail() -> None:
        raise RuntimeError("disk <b>full</b>")

    sweep.sweep((sweep.Task("roll-ups", fail), sweep.Task("outbox", lambda: None)), EVENING)
    page = operator.get(reverse("system"))
    html = page.content.decode()
    assert "No worker is running" in html and "disk &lt;b&gt;full&lt;/b&gt;" in html
    assert "record" in {table.name for table in page.context["tables"]} and page.context["server"].size > 1_000_000
    waiting = {queue.name: queue for queue in page.context["queues"]}
    assert waiting["bulk"].waiting == 1 and waiting["bulk"].lag is not None and waiting["plan"].lag is None
    assert [(task.task, bool(task.error)) for task in page.context["sweeps"]] == [("outbox", False), ("roll-ups", True)]
    assert page.context["statements"] is None and "does not keep count" in html


def test_without_redis_the_page_shows_the_rest(operator):
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        page = operator.get(reverse("system"))
    assert page.status_code == 200 and "Redis does not answer" in page.content.decode()
    assert page.context["tables"]


def test_metrics_tell_queues_tables_and_records(client, project, queue):
    ingest(project, [RecordDraft("a", Source.API, timezone.now(), inputs=1, error="broke")], "ci")
    queues.swept("outbox", 0.0)
    with override_settings(METRICS_TOKEN="t0ken"):
        answer = client.get("/metrics", headers={"Authorization": "Bearer t0ken"})
    said = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain; version=")
    for line in (
        "evalhub_redis_up 1.0", 'evalhub_queue_jobs{queue="plan"} 0.0', "evalhub_workers 0.0",
        f'evalhub_records{{project="{project.slug}"}} 1.0', f'evalhub_records_failed{{project="{project.slug}"}} 1.0',
        "evalhub_outbox_batches 1.0", "evalhub_scores_pending 0.0", 'evalhub_sweep_failed{task="outbox"} 0.0',
    ):  # fmt: skip
        assert f"\n{line}\n" in said, line
    assert 'evalhub_table_bytes{table="record"}' in said


@pytest.mark.parametrize(
    ("token", "trial", "address", "headers", "status"),
    [
        ("t0ken", False, "10.0.0.9", {"Authorization": "Bearer t0ken"}, 200),
        ("t0ken", True, "127.0.0.1", {}, 404),
        ("t0ken", True, "127.0.0.1", {"Authorization": "Bearer wrong"}, 404),
        ("", True, "127.0.0.1", {}, 200),
        ("", True, "127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, 404),
        ("", True, "10.0.0.9", {}, 404),
        ("", False, "127.0.0.1", {}, 404),
    ],
)
def test_who_may_read_the_metrics(client, db, queue, token, trial, address, headers, status):
    with override_settings(METRICS_TOKEN=token, TRIAL=trial):
        assert client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code == status


def test_without_redis_metrics_say_so_and_tell_the_rest(client, db):
    with override_settings(METRICS_TOKEN="t0ken", REDIS_URL="redis://127.0.0.1:1/0"):
        said = client.get("/metrics", headers={"Authorization": "Bearer t0ken"}).content.decode()
    assert "evalhub_redis_up 0.0" in said and "evalhub_database_bytes" in said


def test_a_log_line_is_one_json_object_with_all_that_was_said(rf):
    try:
        raise ValueError("no\nway")
    except ValueError:
        import sys

        record = logging.makeLogRecord(
            {"name": "records", "levelno": logging.ERROR, "levelname": "ERROR", "msg": "%s broke", "args": ("ingest",),
             "exc_info": sys.exc_info(), "status_code": 500, "request": rf.get("/p/x/?q=secret"), "odd": object()}
        )  # fmt: skip
    line = logs.JsonLines().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["logger"], said["message"], said["status_code"]) == (
        "error", "records", "ingest broke", 500,
    )  # fmt: skip
    assert said["request"] == "GET /p/x/" and said["odd"] == "object" and "no\nway" in said["exception"]
    assert said["time"].endswith("+00:00")

"""The sweeper: heals what a lost job or a killed process left undone, and tidies up."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone
from django.utils.module_loading import import_string

from evalhub import health, idempotency
from evalhub.models import Project
from evalhub.system import queues
from records import blob_uses, bulk, outbox, retention, rollups
from scoring.alerts import evaluating, tidying
from scoring.reviews import planning as reviews
from scoring.rules import healing as rules
from scoring.runs import healing
from scoring.sandbox import reports

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds between two sweeps
NIGHT = 3  # the hour (UTC) from which the nightly tasks are due
OUTBOX_DAYS = 7
PRUNE_SECONDS = 20.0  # of a sweep; the rest goes in the next one
LOCK = 0x45_48_53_57  # "EHSW": of several hosts' sweepers one works, the others stand by


def release_leases() -> None:
    """Scores whose worker died become claimable again, and their runs are rung for."""
    for project in _projects():
        healing.release_leases(project)


def repair_rollups() -> None:
    """Recounts the last two days. A difference is a bug: the repair logs it as an error."""
    since = timezone.now() - timedelta(days=2)
    for project in _projects():
        rollups.repair(project, since)


def clear_sessions() -> None:
    call_command("clearsessions")


def expire_outbox() -> None:
    """What online scoring has not planned in a week is no longer news."""
    before = timezone.now() - timedelta(days=OUTBOX_DAYS)
    for project in _projects():
        outbox.expire(project, before)


def expire_kept_answers() -> None:
    idempotency.expire()


def delete_unused_files() -> None:
    for project in _projects():
        blob_uses.delete_unused(project)


def evaluate_alerts() -> None:
    evaluating.evaluate_due()


def deliver_alerts() -> None:
    from scoring.alerts import delivering  # aiohttp: half a second that a command need not begin with

    delivering.deliver_due()


def prune() -> None:
    """What projects keep no longer; most of it past midnight UTC, when a day ends."""
    retention.prune_all("sweeper", PRUNE_SECONDS)


@dataclass(frozen=True)
class Task:
    name: str
    run: Callable[[], None]
    nightly: bool = False


TASKS = (
    Task("leases", release_leases),
    Task("scoring runs", healing.heal_runs),
    Task("rules", rules.ring_lost),
    Task("requests for review", reviews.ring_lost),
    Task("bulk jobs", bulk.ring_lost),
    Task("alerts", evaluate_alerts),
    Task("messages of alerts", deliver_alerts),
    Task("answers to repeated calls", expire_kept_answers),
    Task("retention", prune),
    Task("roll-ups", repair_rollups, nightly=True),
    Task("sessions", clear_sessions, nightly=True),
    Task("outbox", expire_outbox, nightly=True),
    Task("files", delete_unused_files, nightly=True),
    Task("history of alerts", tidying.forget_old, nightly=True),
    Task("unscored", rules.delete_unscored_of_gone_records, nightly=True),
)


def all_tasks() -> tuple[Task, ...]:
    """Those of the floors above come last."""
    return (*TASKS, *(Task(name, import_string(place)) for name, place in settings.SWEEP_TASKS.items()))


class Command(BaseCommand):
    help = "Heals and tidies, every minute; run one on every host, of which one works at a time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Run every task now, nightly ones too, and end.")

    def handle(self, *args: object, once: bool, **options: object) -> None:
        reports.test_and_tell()  # of this machine, whichever host's sweeper does the rest
        told = time.monotonic()
        if once:
            if not sweep(all_tasks(), timezone.now(), all_due=True):
                self.stdout.write("Another sweeper is at work.")
            return
        while True:
            began = time.monotonic()
            if began - told >= reports.EVERY:
                reports.test_and_tell()
                told = began
            try:
                sweep(all_tasks(), timezone.now())
            except DatabaseError:
                log.exception("The database does not answer; the next sweep tries again.")
            close_old_connections()
            time.sleep(max(0.0, EVERY - (time.monotonic() - began)))


def sweep(tasks: tuple[Task, ...], now: datetime, all_due: bool = False) -> bool:
    """Runs what is due, each task on its own; False when another sweeper holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
    try:
        for task in tasks:
            _run(task, now, all_due)
        _tell(health.beat)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def _run(task: Task, now: datetime, all_due: bool) -> None:
    began, problem = time.time(), None
    try:
        if not all_due and not _due(task, now):
            return
        task.run()
    except Exception as failure:  # one task's failure is its own: the others go on
        problem = failure
        log.exception("The task %s failed.", task.name)
    _tell(lambda: queues.swept(task.name, began, problem))


def _due(task: Task, now: datetime) -> bool:
    """A nightly task is due once a night over all hosts, which Redis remembers; without Redis it waits."""
    if not task.nightly:
        return True
    if now.hour < NIGHT:
        return False
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        return bool(client.set(f"evalhub:swept:{task.name}:{now:%Y-%m-%d}", 1, nx=True, ex=2 * 24 * 3600))


def _tell(note: Callable[[], None]) -> None:
    try:
        note()
    except redis.RedisError:
        log.warning("Redis does not answer: the sweeper's sign of life is missing.")


def _projects() -> list[int]:
    return list(Project.objects.order_by("id").values_list("id", flat=True))

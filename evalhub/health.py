"""`/healthz` says that the process answers, `/readyz` what it can reach: without signing in, and without secrets."""

import logging
import time

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rq import Worker
from rq.utils import now

log = logging.getLogger(__name__)

WORKER_SILENT_AFTER = 150  # seconds; a worker with nothing to do reports about once a minute
SWEEPER_SILENT_AFTER = 300  # seconds; it reports every minute, unless a sweep takes long
SWEEPER_KEY = "evalhub:sweeper"

_migrated = False  # what this process has once seen complete stays complete


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when records can be taken and shown, else 503; what only delays scoring is a warning."""
    database = _database()
    rest, warnings = state()
    ready = database == {"database": "ok", "migrations": "ok"}
    answer = {"ready": ready, **database, **rest, "warnings": warnings}
    return JsonResponse(answer, status=200 if ready else 503)


def state() -> tuple[dict[str, object], list[str]]:
    """What is well without the database, and what is not, in words."""
    found, warnings = _queue()
    for name, item in settings.HEALTH_ITEMS.items():
        found[name], more = import_string(item)()
        warnings += more
    return found, warnings


def beat() -> None:
    """Notes that the sweeper is alive. Raises redis.RedisError."""
    with redis_client() as client:
        client.set(SWEEPER_KEY, str(time.time()), ex=24 * 3600)


def workers_of(queue: str) -> int | None:
    """How many live workers take jobs from a queue; None where Redis does not answer."""
    try:
        with redis_client() as client:
            return sum(is_alive(worker) for worker in Worker.all(connection=client) if queue in worker.queue_names())
    except redis.RedisError as problem:
        log.warning("Redis does not answer: %s", problem)
        return None


def is_alive(worker: Worker) -> bool:
    """Whether it has reported lately."""
    heard = worker.last_heartbeat
    return bool(heard) and (now() - heard).total_seconds() < WORKER_SILENT_AFTER


def redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)


def _database() -> dict[str, str]:
    global _migrated
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        log.warning("The database does not answer: %s", problem)
        return {"database": "unreachable", "migrations": "unknown"}
    return {"database": "ok", "migrations": "ok" if _migrated else "pending"}


def _queue() -> tuple[dict[str, object], list[str]]:
    """What stands in Redis (ages in seconds), and what is wrong with it in words."""
    warnings = []
    try:
        with redis_client() as client:
            alive = sum(is_alive(worker) for worker in Worker.all(connection=client))
            beat = client.get(SWEEPER_KEY)
    except redis.RedisError as problem:
        log.warning("Redis does not answer: %s", problem)
        unknown = {"redis": "unreachable", "workers": None, "sweeper_age": None}
        return unknown, ["Redis does not answer: records are stored, but nothing is scored."]
    age = round(time.time() - float(beat)) if beat else None
    if not alive:
        warnings.append("No worker is running: records are stored, but nothing is scored.")
    if age is None or age > SWEEPER_SILENT_AFTER:
        warnings.append("The sweeper is not running: what a lost job leaves undone waits for it.")
    return {"redis": "ok", "workers": alive, "sweeper_age": age}, warnings

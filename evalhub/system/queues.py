"""What stands in Redis: queues with their lag, workers, and what the sweeper did last. Each raises redis.RedisError."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from django.conf import settings
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry

from evalhub.health import is_alive, redis_client

SWEEPS_KEY = "evalhub:sweeps"
MOST_ERROR_CHARS = 300


@dataclass(frozen=True, slots=True)
class QueueState:
    """`lag` is the age of the job that has waited longest, seconds; None where none waits."""

    name: str
    waiting: int
    lag: float | None
    started: int
    failed: int


@dataclass(frozen=True, slots=True)
class WorkerState:
    name: str
    host: str
    queues: list[str]
    state: str
    heard_at: datetime | None
    alive: bool
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """A task's last run: `seconds` it took, and the error it ended with, or an empty text."""

    task: str
    at: datetime
    seconds: float
    error: str


def queues(client: redis.Redis) -> list[QueueState]:
    found = []
    for name in settings.RQ_QUEUES:
        queue = Queue(name, connection=client)
        started, failed = StartedJobRegistry(queue=queue), FailedJobRegistry(queue=queue)
        found.append(QueueState(name, queue.count, _lag(queue), started.count, failed.count))
    return found


def _lag(queue: Queue) -> float | None:
    for id in queue.get_job_ids(0, 1):
        try:
            enqueued = Job.fetch(id, connection=queue.connection).enqueued_at
        except NoSuchJobError:  # taken meanwhile
            continue
        if enqueued:
            return max(0.0, (datetime.now(UTC) - _utc(enqueued)).total_seconds())
    return None


def workers(client: redis.Redis) -> list[WorkerState]:
    return sorted(
        (
            WorkerState(
                worker.name, worker.hostname or "", worker.queue_names(), _word(worker.get_state()),
                worker.last_heartbeat and _utc(worker.last_heartbeat), is_alive(worker),
                worker.successful_job_count, worker.failed_job_count,
            )
            for worker in Worker.all(connection=client)
        ),
        key=lambda worker: worker.name,
    )  # fmt: skip


def sweeps(client: redis.Redis) -> list[Sweep]:
    """Each task's last run, by name."""
    found = []
    for name, said in client.hgetall(SWEEPS_KEY).items():
        kept = json.loads(said)
        at = datetime.fromtimestamp(kept["at"], UTC)
        found.append(Sweep(name.decode(), at, kept["seconds"], kept["error"]))
    return sorted(found, key=lambda sweep: sweep.task)


def swept(task: str, began: float, problem: Exception | None = None) -> None:
    """Notes a task's run that began at `began` (Unix time) and has just ended."""
    error = "" if problem is None else f"{type(problem).__name__}: {problem}"[:MOST_ERROR_CHARS]
    said = {"at": began, "seconds": round(time.time() - began, 3), "error": error}
    with redis_client() as client:
        client.hset(SWEEPS_KEY, task, json.dumps(said))


def _word(state: object) -> str:
    """An enumeration's value, or what Redis holds."""
    return str(getattr(state, "value", state))


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)

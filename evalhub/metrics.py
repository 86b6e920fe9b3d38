"""GET /metrics for Prometheus: all is read when it is asked for, so that any number of processes say the same."""

import hmac
import logging
from collections.abc import Iterable, Iterator

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from evalhub import health
from evalhub.system import queues, storage
from evalhub.system.measures import measures

log = logging.getLogger(__name__)

LOCAL = ("127.0.0.1", "::1")
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")  # somebody elsewhere asks, through a proxy on this machine


@require_safe
@never_cache
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever has EVALHUB_METRICS_TOKEN; without one, in a trial, for this machine alone. Else it is not there."""
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(Installation())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    if token := settings.METRICS_TOKEN:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    forwarded = any(name in request.headers for name in FORWARDED)
    return settings.TRIAL and request.META.get("REMOTE_ADDR") in LOCAL and not forwarded


class Installation:
    """prometheus_client's collector."""

    def collect(self) -> Iterator[Metric]:
        yield from _of_redis()
        server = storage.server()
        yield _gauge("database_bytes", "Size of the database.", [({}, server.size)])
        yield _gauge("database_connections", "Connections to the database.", [({}, server.connections)])
        sizes = storage.tables()
        yield _gauge("table_bytes", "Data and indexes of a table.", [({"table": t.name}, t.total) for t in sizes])
        families: dict[str, Metric] = {}
        for measure in measures():
            family = families.setdefault(
                measure.name,
                GaugeMetricFamily(f"evalhub_{measure.name}", f"{measure.label}.", labels=[*measure.labels]),
            )
            family.add_metric([*measure.labels.values()], measure.value)
        yield from families.values()


def _of_redis() -> Iterator[Metric]:
    try:
        with health.redis_client() as client:
            waiting, alive, sweeps = queues.queues(client), queues.workers(client), queues.sweeps(client)
            beat = client.get(health.SWEEPER_KEY)
    except redis.RedisError as problem:
        log.warning("Redis does not answer: %s", problem)
        yield _gauge("redis_up", "Whether Redis answers.", [({}, 0)])
        return
    yield _gauge("redis_up", "Whether Redis answers.", [({}, 1)])
    by_queue = [({"queue": queue.name}, queue) for queue in waiting]
    yield _gauge("queue_jobs", "Jobs that wait in a queue.", [(of, queue.waiting) for of, queue in by_queue])
    lags = [(of, queue.lag or 0) for of, queue in by_queue]
    yield _gauge("queue_lag_seconds", "How long the oldest job of a queue has waited.", lags)
    yield _gauge("queue_failed_jobs", "Jobs that failed lately.", [(of, queue.failed) for of, queue in by_queue])
    yield _gauge("workers", "Live workers.", [({}, sum(worker.alive for worker in alive))])
    yield _gauge("sweeper_beat_timestamp_seconds", "When the sweeper last reported.", [({}, float(beat or 0))])
    tasks = [({"task": sweep.task}, sweep) for sweep in sweeps]
    yield _gauge("sweep_seconds", "How long a task's last run took.", [(of, sweep.seconds) for of, sweep in tasks])
    failed = [(of, bool(sweep.error)) for of, sweep in tasks]
    yield _gauge("sweep_failed", "Whether a task's last run failed.", failed)


def _gauge(name: str, words: str, samples: Iterable[tuple[dict[str, str], float]]) -> Metric:
    samples = list(samples)
    family = GaugeMetricFamily(f"evalhub_{name}", words, labels=[*samples[0][0]] if samples else ["none"])
    for labels, value in samples:
        family.add_metric([*labels.values()], float(value))
    return family

"""A load that goes on while something is measured: exporters that post spans at a steady pace, reviewers who browse."""

import http.client
import multiprocessing
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.bench.ingest import BATCH, _otlp, _spans

PAGE = "Records page"
FILTERS = ("", "status:completed", "metric.quality.status:fail", "metadata.variant:v3", "latency:>7.5")
BEHIND_SECONDS = 5.0  # an exporter that could not keep its pace for so long gives up what it is behind


@dataclass(slots=True)
class Posted:
    """Spans that the server has acknowledged, and the first answer that was another; of both the present state."""

    _sent: Any
    _refused: Any

    @property
    def sent(self) -> int:
        return self._sent.value

    def check(self) -> None:
        if said := self._refused.value.decode():
            sys.exit(f"POST /v1/traces: {said}")


@contextmanager
def exporting(host: str, port: int, key: str, spans_a_second: float, connections: int = 2) -> Iterator[Posted]:
    """In a process of its own, so that encoding does not slow the readers down. Begins with its first post, ends with
    its last."""
    spawn = multiprocessing.get_context("spawn")
    over, sent, refused = spawn.Event(), spawn.Value("q", 0), spawn.Array("c", 400)
    posted = Posted(sent, refused)
    arguments = (host, port, key, spans_a_second, connections, over, sent, refused)
    process = spawn.Process(target=_export, args=arguments, daemon=True)
    process.start()
    try:
        while not posted.sent and process.is_alive():
            time.sleep(0.05)
        yield posted
    finally:
        over.set()
        process.join()
    posted.check()


def _export(
    host: str, port: int, key: str, spans_a_second: float, connections: int, over: Any, sent: Any, refused: Any
) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-protobuf"}
    pause = BATCH * connections / spans_a_second

    def post() -> None:
        connection, due = http.client.HTTPConnection(host, port, timeout=120), time.monotonic()
        while not over.is_set() and not refused.value:
            body = _otlp(_spans(1, random.randrange(2**32))[0])
            over.wait(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic() - BEHIND_SECONDS) + pause
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                refused.value = f"{answer.status} {said[:300]!r}".encode()[:399]
                return
            with sent.get_lock():
                sent.value += BATCH
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass(slots=True)
class Seen:
    """(kind of page, milliseconds to the last byte) of every request, and what was answered otherwise than 200."""

    times: list[tuple[str, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[float]:
        return [ms for name, ms in self.times if name == kind]


@contextmanager
def reviewing(host: str, port: int, project: Any, reviewers: int, pause: float = 1.0) -> Iterator[Seen]:
    """People who look at the Records page under some filter, its count and chart, then at some of its records."""
    seen, over = Seen(), threading.Event()
    records = _newest(project)
    threads = [
        threading.Thread(target=_review, args=(host, port, project.slug, cookie, records, pause, over, seen))
        for cookie in (signed_in(project, f"bench-reviewer-{n}") for n in range(reviewers))
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if seen.failures:
        sys.exit(seen.failures[0])


def _review(
    host: str,
    port: int,
    slug: str,
    cookie: str,
    records: Sequence[str],
    pause: float,
    over: threading.Event,
    seen: Seen,
) -> None:
    connection, base = http.client.HTTPConnection(host, port, timeout=120), f"/p/{slug}/records/"
    fragment = {"HX-Request": "true"}
    while not over.is_set():
        query = urlencode({"q": random.choice(FILTERS)})
        visit = [
            (PAGE, f"{base}?{query}", {}),
            ("count", f"{base}count?{query}", fragment),
            ("history", f"{base}history?{query}", fragment),
            ("rows", f"{base}?{query}&sort=-latency", fragment),
            *(("record", f"{base}{record}/", {}) for record in random.sample(records, 2)),
        ]
        for kind, url, headers in visit:
            if over.is_set():
                break
            began = time.perf_counter()
            connection.request("GET", url, headers={"Cookie": cookie, **headers})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                seen.failures.append(f"{url} answered {answer.status}")
                return
            seen.times.append((kind, 1000 * (time.perf_counter() - began)))
            if kind not in ("count", "history"):  # the page asks for these by itself
                over.wait(random.uniform(0.5, 1.5) * pause)
    connection.close()


def signed_in(project: Any, name: str) -> str:
    """The cookie of a reviewer of the project."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from evalhub.models import Membership, Role, User

    user, _ = User.objects.get_or_create(username=name)
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.REVIEWER})
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def _newest(project: Any) -> list[str]:
    from records.models import Record

    roots = Record.objects.filter(project=project, is_root=True).order_by("-created_at", "-id")
    return [str(id) for id in roots.values_list("id", flat=True)[:200]]

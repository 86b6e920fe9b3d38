"""Where the sandbox's self-tests are told: each machine's in Redis, by its sweeper, every hour.

So the web process, which runs no evaluator, can say on `/readyz` and on the sandbox page where evaluators run and why
not. Whether a worker runs one is not decided by this: it tests its own sandbox each time it starts.
"""

import logging

import redis
from django.conf import settings

from scoring.sandbox.sandbox import Sandbox
from scoring.sandbox.selftest import SandboxReport

log = logging.getLogger(__name__)

EVERY = 3600  # seconds
KEY = "evalhub:sandbox:"  # and the machine's name


def test_and_tell() -> SandboxReport:
    """About 0.3 s."""
    with Sandbox() as sandbox:
        report = sandbox.start()
    if not report.active:
        log.warning("Code evaluators are off on this machine. %s", " ".join(report.reasons))
    try:
        with _redis() as client:
            client.set(f"{KEY}{report.machine}", report.to_json(), ex=2 * EVERY)
    except redis.RedisError:
        log.warning("Redis does not answer: the sandbox's self-test is not told.")
    return report


def told() -> list[SandboxReport]:
    """The machines whose sweepers told in the last two hours, by name. Raises redis.RedisError."""
    with _redis() as client:
        kept = client.mget(sorted(client.scan_iter(f"{KEY}*", count=1000)) or [KEY])
    return [SandboxReport.from_json(report) for report in kept if report]


def health() -> tuple[str, list[str]]:
    """The sandbox's word on `/readyz` (ok, off, unknown) and its warnings, for everyone to read: no machine's name."""
    try:
        reports = told()
    except redis.RedisError:
        return "unknown", []
    off = sum(not report.active for report in reports)
    if off:
        return "off", [f"Code evaluators are off on {off} of {len(reports)} machines; the page /sandbox says why."]
    return ("ok" if reports else "unknown"), []


def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)

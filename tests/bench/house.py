"""A real EvalHub for a benchmark: embedded PostgreSQL and Redis, migrated, and the web server of `manage.py up`."""

import fcntl
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# A trial's settings, with the memory a database of a million records deserves.
POSTGRES = ["shared_buffers=1GB", "max_wal_size=4GB"]


@contextmanager
def services(data: Path) -> Iterator[None]:
    """Exits where another benchmark or an EvalHub uses the data folder: each would spoil the other."""
    import django

    from evalhub.assets import collect
    from evalhub.embedded import servers

    servers.open_home(data)
    with open(data / "up.lock", "a+") as lock:  # the one that `manage.py up` takes
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"{data} is in use: wait for it, or choose another --data.")
        postgres, redis = servers.postgres(data, POSTGRES), servers.redis(data)
        try:
            redis.start()
            postgres.start()
            servers.wait_for_redis(redis, data)
            servers.wait_for_postgres(postgres, data)
            django.setup()
            migrate()
            collect(data / "assets", lambda words: None)
            yield
        finally:
            for child in (redis, postgres):
                child.ask_to_stop()
                child.wait()


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


@contextmanager
def web() -> Iterator[tuple[str, int, int]]:
    """(host, port, process id) of the web server: two processes of four threads."""
    from evalhub.supervisor import Child

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "evalhub.wsgi:application", "--interface", "wsgi", "--no-ws", "--host",
        "127.0.0.1", "--port", port, "--workers", 2, "--blocking-threads", 4, "--log-level", "warning",
    ]  # fmt: skip
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "evalhub.settings",
        "EVALHUB_DEBUG": "",
        "LOG_LEVEL": "WARNING",
    }
    child = Child("Web server", command, {"cwd": ROOT, "env": environment})
    child.start()
    try:
        _wait(port)
        yield "127.0.0.1", port, child.process.pid
    finally:
        child.ask_to_stop()
        child.wait()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            asked.request("GET", "/healthz")
            if asked.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
        finally:
            asked.close()
        time.sleep(0.1)

"""A real `manage.py up` in a process of its own, on a throw-away data folder."""

import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from evalhub.supervisor import session_members

PATIENCE = 240  # seconds, for machines that do much else
OURS = (
    "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE", "STATIC_ROOT",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)  # fmt: skip


def clean_environment(**more: str) -> dict[str, str]:
    """Ours, without what would configure EvalHub."""
    kept = {key: value for key, value in os.environ.items() if key not in OURS and not key.startswith("EVALHUB_")}
    return kept | more


def manage(*words: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", *map(str, words)],
        env=clean_environment(**environment), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def run_python(words: str, **environment: str) -> subprocess.CompletedProcess:
    """A process that knows where the settings are and loads nothing by itself: a tenth of what `manage.py` takes."""
    ours = clean_environment(DJANGO_SETTINGS_MODULE="evalhub.settings", **environment)
    return subprocess.run(
        [sys.executable, "-c", words],
        cwd=settings.BASE_DIR, env=ours, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, f"waited {PATIENCE} s in vain: {what}"
        time.sleep(0.1)


class Up:
    def __init__(self, home: Path, logs: Path) -> None:
        self.home, self.logs, self.port, self.starts = home, logs, free_port(), 0
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen | None = None
        cookies = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))

    def start(self) -> None:
        self.starts += 1
        self.output_file = self.logs / f"up-{self.starts}.log"
        with self.output_file.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, settings.BASE_DIR / "manage.py", "up", "--no-demo",
                 "--data", self.home, "--port", str(self.port)],
                env=clean_environment(), cwd="/", stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: "is ready" in self.output() or self.process.poll() is not None, "EvalHub is ready")
        assert "is ready" in self.output(), self.output()

    def output(self) -> str:
        return self.output_file.read_text()

    def password(self) -> str | None:
        found = re.search(r"Password +(\S+)", self.output())
        return found and found[1]

    def children(self) -> dict[str, int]:
        """Process numbers by name, those of the moment: PostgreSQL, Redis, Web server, Worker 1, Sweeper."""
        noted = json.loads((self.home / "up.json").read_text())["children"]
        return {child["name"]: child["pid"] for child in noted}

    def processes(self) -> list[int]:
        """All that lives of it, whatever started it."""
        return [pid for child in self.children().values() for pid in session_members(child)]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with self.browser.open(self.url + path, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()
        except OSError as problem:
            return 0, str(problem)

    def is_healthy(self) -> bool:
        status, answer = self.get("/readyz")
        return status == 200 and json.loads(answer)["redis"] == "ok"

    def sign_in(self, password: str) -> tuple[int, str]:
        _, form = self.get("/sign-in")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        sent = urllib.parse.urlencode({"username": "admin", "password": password, "csrfmiddlewaretoken": token})
        with self.browser.open(f"{self.url}/sign-in", sent.encode(), timeout=60) as answer:
            return answer.status, answer.url

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

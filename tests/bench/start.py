"""How long EvalHub takes to start: `manage.py up` to its first page, the second time, and what its imports cost.

A folder of its own, made and deleted here; `--data` is not looked at. Import cost: the processor time of `manage.py
check` above that of Django's own check with the same contributed apps and nothing of ours.
"""

import argparse
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.bench import figures, house

BARE = """
from django.conf import settings
settings.configure(SECRET_KEY="x", INSTALLED_APPS=["django.contrib." + n for n in ("auth", "contenttypes", "sessions")])
import django
django.setup()
from django.core.management import call_command
call_command("check")
"""
PATIENCE = 600.0  # seconds


def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="evalhub-bench-start-", dir="/var/tmp") as folder:
        _until_first_page(Path(folder))
        starts = [_until_first_page(Path(folder)) for _ in range(options.rounds)]
    figures.report("start: up to the first page, second time", starts, "s")
    costs = [_cpu([sys.executable, "manage.py", "check"]) for _ in range(options.rounds)]
    bare = [_cpu([sys.executable, "-c", BARE]) for _ in range(options.rounds)]
    above = [ours - theirs for ours, theirs in zip(costs, bare, strict=True)]
    figures.report("start: imports, processor time above bare Django", above, "s")


def _until_first_page(folder: Path) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(folder)]
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=house.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_clean()
    ) as up:
        try:
            while not _is_there(f"http://127.0.0.1:{port}/"):
                if up.poll() is not None or time.perf_counter() - began > PATIENCE:
                    sys.exit("`manage.py up` did not start.")
                time.sleep(0.02)
            return time.perf_counter() - began
        finally:
            up.send_signal(signal.SIGINT)


def _clean() -> dict[str, str]:
    ours = ("EVALHUB_DATA", "DATABASE_URL", "REDIS_URL", "SECRET_KEY")
    return {name: value for name, value in os.environ.items() if name not in ours}


def _is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _cpu(command: list[str]) -> float:
    """Seconds of the processor, which a busy machine changes little."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=house.ROOT, check=True, capture_output=True, env=_clean())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

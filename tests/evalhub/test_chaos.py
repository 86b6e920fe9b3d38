"""The short form of `python -m tests.chaos`: web server, workers, Redis and PostgreSQL are killed under load."""

import subprocess
import sys

from django.conf import settings

from tests.evalhub.running import PATIENCE, clean_environment

SEED = 7


def test_whatever_is_killed_under_load_all_that_was_acknowledged_is_there_once():
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--short", "--seed", str(SEED)],
        cwd=settings.BASE_DIR, env=clean_environment(), capture_output=True, text=True, timeout=3 * PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in ("web server", "worker 2", "Redis", "PostgreSQL"))

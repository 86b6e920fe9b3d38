"""The PostgreSQL and Redis of one test run, without durability."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from evalhub import embedded

FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=80"]


def start() -> dict[str, str]:
    """Starts both; returns the environment that tells the test workers where they are."""
    home = Path(tempfile.mkdtemp(prefix="eh-test-"))
    services = embedded.Services(home, postgres_options=FAST, redis_options=["--appendonly", "no", "--databases", "32"])
    services.start()

    def stop() -> None:
        services.stop(immediately=True)
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(stop)
    return {"EVALHUB_TEST_SOCKETS": str(embedded.socket_dir(home)), "PYTEST_EVALHUB_PID": str(os.getpid())}

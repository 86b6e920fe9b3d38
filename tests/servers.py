"""The PostgreSQL and Redis of one test run, without durability."""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

from evalhub.embedded import servers, socket_dir

FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=80"]


def start() -> dict[str, str]:
    """Starts both; returns the environment that tells the test workers where they are."""
    home = Path(tempfile.mkdtemp(prefix="eh-test-"))
    servers.open_home(home)
    postgres = servers.postgres(home, FAST)
    redis = servers.redis(home, ["--appendonly", "no", "--databases", "32"])
    postgres.stop_signal = signal.SIGQUIT  # at once: nothing of it is kept

    def stop() -> None:
        for child in (redis, postgres):
            child.ask_to_stop()
            child.wait()
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(stop)
    redis.start()
    postgres.start()
    servers.wait_for_redis(redis, home)
    servers.wait_for_postgres(postgres, home)
    return {"EVALHUB_TEST_SOCKETS": str(socket_dir(home)), "PYTEST_EVALHUB_PID": str(os.getpid())}

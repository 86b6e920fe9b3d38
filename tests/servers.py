"""The PostgreSQL and Redis of one test run, without durability.

The migrated database is made once for all runs: making it takes longer than most files' tests.
"""

import atexit
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings

from evalhub.embedded import servers, socket_dir
from evalhub.supervisor import Child

FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=80"]
CACHE = Path(tempfile.gettempdir()) / f"evalhub-tests-{os.geteuid()}"
KEPT = 6  # clusters, of as many states of the migrations


def start() -> dict[str, str]:
    """Starts both; returns the environment that tells the test workers where they are."""
    home = Path(tempfile.mkdtemp(prefix="eh-test-"))
    servers.open_home(home)
    copy_migrated_cluster(home)
    postgres = servers.postgres(home, FAST)
    redis = servers.redis(home, ["--appendonly", "no", "--databases", "32"])
    postgres.stop_signal = signal.SIGQUIT  # at once: nothing of it is kept

    def stop() -> None:
        for child in (redis, postgres):
            _end(child)
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(stop)
    redis.start()
    postgres.start()
    servers.wait_for_redis(redis, home)
    servers.wait_for_postgres(postgres, home)
    return {"EVALHUB_TEST_SOCKETS": str(socket_dir(home)), "PYTEST_EVALHUB_PID": str(os.getpid())}


def copy_migrated_cluster(home: Path) -> None:
    """Puts a cluster with the migrated database into the data folder; makes it first if no run has done so."""
    with _locked_cache():
        kept = CACHE / _state_of_the_migrations()
        if not kept.exists():
            made = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
            _make_migrated_cluster(made)
            made.rename(kept)
        os.utime(kept)
        for old in sorted(CACHE.glob("*-*/"), key=lambda folder: folder.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        subprocess.run(["cp", "-a", kept / "pg", home / "pg"], check=True)  # noqa: S603, S607 keeps the owner


@contextmanager
def _locked_cache() -> Iterator[None]:
    CACHE.mkdir(mode=0o711, exist_ok=True)
    if CACHE.is_symlink() or CACHE.stat().st_uid != os.geteuid():
        raise RuntimeError(f"{CACHE} is not ours: remove it.")
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state_of_the_migrations() -> str:
    """A name that changes with whatever the migrated database is made from: packages, and migrations by their text."""
    packages = sorted(path.name for path in Path(django.__file__).parent.parent.glob("*.dist-info"))
    state = hashlib.sha256("\n".join(packages).encode())
    for path in sorted(Path(settings.BASE_DIR).glob("[a-z]*/migrations/*.py")):
        state.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return f"pg-{state.hexdigest()[:16]}"


def _make_migrated_cluster(home: Path) -> None:
    servers.open_home(home)
    postgres = servers.postgres(home, FAST)
    postgres.start()
    try:
        servers.wait_for_postgres(postgres, home)
        ours = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        subprocess.run(  # noqa: S603
            [sys.executable, settings.BASE_DIR / "manage.py", "migrate", "-v", "0", "--skip-checks"],
            env=ours | {"EVALHUB_DATA": str(home)}, check=True,
        )  # fmt: skip
    finally:
        _end(postgres)


def _end(child: Child) -> None:
    child.ask_to_stop()
    child.wait()

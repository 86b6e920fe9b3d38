"""Runs the trial's PostgreSQL and Redis: reachable through sockets in a private folder, never over the network.

That folder (mode 0700, no TCP) is why PostgreSQL may trust whoever connects: no password to make, keep or lose.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evalhub.embedded import programs, socket_dir
from evalhub.embedded.programs import ENVIRONMENT, CannotStart, account
from evalhub.supervisor import Child

MAJOR = 18
LOG_LIMIT = 10 * 1024 * 1024  # bytes after which a start puts the old log aside
PATIENCE_WITH_DEATHS = 20.0  # seconds; after kill -9 the first starts may be refused until old backends are gone
PATIENCE_WITH_RECOVERY = 600.0  # seconds; replaying a long log is work, not a failure

POSTGRES_OPTIONS = [
    "listen_addresses=", "shared_buffers=256MB", "jit=off", "random_page_cost=1.1", "max_wal_size=2GB",
    "log_checkpoints=off",
    "log_min_error_statement=panic",  # statements hold records: keep them out of the log
]  # fmt: skip


def open_home(home: Path) -> None:
    """Makes the data folder, or refuses one that is not ours. The servers' user may pass through it, not list it."""
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        owner = home.stat().st_uid
        if owner != os.geteuid():
            raise CannotStart(
                f"The data folder {home} belongs to {_name(owner)}: start EvalHub as that user, "
                "or name another folder with --data."
            )
        home.chmod(0o711 if account() else 0o700)
        probe = home / "probe"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise CannotStart(
            f"The data folder {home} cannot be used ({problem.strerror}): name another one with --data."
        ) from problem
    who = account()
    reach = ["test", "-x", home]
    if who and subprocess.run(reach, cwd="/", env=ENVIRONMENT, **who).returncode:  # noqa: S607
        raise CannotStart(
            f"PostgreSQL runs as {_name(who['user'])}, who cannot reach {home}: a folder above it is closed to others. "
            "Name another folder with --data."
        )


def postgres(home: Path, options: Sequence[str] = ()) -> Child:
    """The database server, its cluster made if there is none yet."""
    bin, data = programs.postgres(home), home / "pg"
    _private(socket_dir(home))
    if data.exists():
        _check_version(data)
    else:
        _create_cluster(bin, home, data)
    settings = [word for option in [*POSTGRES_OPTIONS, *options] for word in ("-c", option)]
    command = [bin / "postgres", "-D", data, "-k", socket_dir(home), *settings]
    # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    return Child("PostgreSQL", command, _options(home / "postgres.log"), signal.SIGINT)


def redis(home: Path, options: Sequence[str] = ()) -> Child:
    """The queue's server; every job is on disk a second later."""
    program = programs.redis(home)
    _private(socket_dir(home))
    _private(home / "redis")
    command = [
        program, "--port", "0", "--unixsocket", socket_dir(home) / "redis.sock", "--unixsocketperm", "700",
        "--dir", home / "redis", "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction",
        "--loglevel", "warning", *options,
    ]  # fmt: skip
    return Child("Redis", command, _options(home / "redis.log"))


def wait_for_postgres(child: Child, home: Path, say: Callable[[str], None] = print) -> None:
    """Until it answers and has our database; starts it again while it ends, which old backends may make it do."""
    import psycopg

    def answers() -> bool:
        try:
            with psycopg.connect(
                host=str(socket_dir(home)), user="evalhub", dbname="postgres", autocommit=True, connect_timeout=5
            ) as db:
                if not db.execute("SELECT 1 FROM pg_database WHERE datname = 'evalhub'").fetchone():
                    db.execute("CREATE DATABASE evalhub")
            return True
        except psycopg.OperationalError:
            return False

    _wait(child, answers, home / "postgres.log", say)


def wait_for_redis(child: Child, home: Path, say: Callable[[str], None] = print) -> None:
    import redis

    client = redis.Redis(unix_socket_path=str(socket_dir(home) / "redis.sock"), socket_timeout=5)

    def answers() -> bool:
        try:
            return client.ping()
        except redis.ConnectionError:  # also: still loading its file
            return False

    _wait(child, answers, home / "redis.log", say)
    client.close()


def _wait(child: Child, answers: Callable[[], bool], log: Path, say: Callable[[str], None]) -> None:
    began, told = time.monotonic(), False
    while not answers():
        waited = time.monotonic() - began
        if child.exit_code() is not None:
            if waited > PATIENCE_WITH_DEATHS:
                raise CannotStart(f"{child.name} does not start; {log} ends with: {_last_line(log)}")
            time.sleep(0.3)
            child.start()
        elif waited > PATIENCE_WITH_RECOVERY:
            raise CannotStart(f"{child.name} has not answered for {waited / 60:.0f} minutes; see {log}.")
        elif waited > 5 and not told:
            say(f"{child.name} is not ready yet, perhaps recovering after a crash; waiting.")
            told = True
        time.sleep(0.02)


def _create_cluster(bin: Path, home: Path, data: Path) -> None:
    """initdb beside its final place: a start that was killed half-way leaves no half a cluster."""
    new = home / "pg.new"
    shutil.rmtree(new, ignore_errors=True)
    _private(new)
    made = subprocess.run(
        [bin / "initdb", "-D", new, "-U", "evalhub", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust",
         "--no-instructions", "--no-sync"],
        cwd="/", env=ENVIRONMENT, capture_output=True, text=True, **account(),
    )  # fmt: skip
    if made.returncode:
        last = (made.stderr.strip() or "no message").splitlines()[-1]
        raise CannotStart(f"PostgreSQL could not create its database in {home}: {last}")
    new.rename(data)


def _check_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except OSError:
        raise CannotStart(f"{data} is not a PostgreSQL database: name another data folder with --data.") from None
    if found != str(MAJOR):
        newer = found.isdigit() and int(found) > MAJOR
        what = "update EvalHub" if newer else "move its data with a dump from the EvalHub that wrote it"
        raise CannotStart(
            f"{data} was written by PostgreSQL {found}, this EvalHub brings {MAJOR}: {what}, "
            "or name another data folder with --data."
        )


def _private(folder: Path) -> None:
    """A folder for the servers' user alone; refused when somebody else has made it already."""
    who = account()
    owner = who.get("user", os.geteuid())
    try:
        folder.mkdir(mode=0o700)
        if who:
            os.chown(folder, who["user"], who["group"])
    except FileExistsError:
        found = folder.lstat()
        if found.st_uid == 0 == os.geteuid() and not folder.is_symlink():  # killed between the two calls above
            os.chown(folder, who["user"], who["group"])
        elif found.st_uid != owner or folder.is_symlink():
            raise CannotStart(f"{folder} belongs to {_name(found.st_uid)}: remove it, it must be ours alone.") from None
        folder.chmod(0o700)


def _options(log: Path) -> dict[str, object]:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".old.log"))
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # stays open for later starts of the child
    return {"cwd": "/", "env": ENVIRONMENT, "stdout": out, "stderr": subprocess.STDOUT, **account()}


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "nothing"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"

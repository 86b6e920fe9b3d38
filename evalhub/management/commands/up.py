"""`manage.py up`: the whole of EvalHub in one terminal, with a PostgreSQL and a Redis of its own if none are given."""

import contextlib
import fcntl
import http.client
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, connection

from evalhub import env, updates
from evalhub.embedded import servers
from evalhub.embedded.programs import CannotStart
from evalhub.supervisor import BEHIND_PAGES, Child, Supervisor, end_leftovers

ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 only when asked for with --host
FIRST_ANSWER = 300.0  # seconds the web server has until it answers
QUEUES = ("online", "plan", "bulk", "default")
ONLINE_LAST = ("plan", "bulk", "default", "online")
BULK_FIRST = ("bulk", "default", "plan", "online")


class Command(BaseCommand):
    help = "Runs EvalHub: web server, workers and sweeper, and without DATABASE_URL or REDIS_URL those servers too."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: this machine only).")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="Processes that score (default: 2).")
        parser.add_argument("--data", type=Path, help="Data folder (default: EVALHUB_DATA, or .evalhub here).")
        parser.add_argument("--no-demo", action="store_true", help="Start with an empty EvalHub.")

    def handle(
        self, *args: object, host: str, port: int, workers: int, data: Path | None, no_demo: bool, **options: object
    ) -> None:
        if data and data.expanduser().resolve() != settings.DATA_DIR:
            _start_over_with(data.expanduser().resolve())
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        try:
            if workers < 1:
                raise CannotStart("--workers must be at least 1: without one nothing is scored.")
            servers.open_home(settings.DATA_DIR)
            with only_one(settings.DATA_DIR):
                Running(self.say, host, port, workers, demo=not no_demo).run()
        except CannotStart as problem:
            self.stderr.write(str(problem))
            sys.exit(1)
        except KeyboardInterrupt:
            self.say("Stopped.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


class Running:
    """One run: from the data folder to the last child's end."""

    def __init__(self, say, host: str, port: int, workers: int, demo: bool) -> None:
        self.say, self.host, self.port, self.demo = say, host, port, demo
        self.home = settings.DATA_DIR
        self.url = settings.PUBLIC_URL if env.text("EVALHUB_URL") else f"http://{_shown(host)}:{port}"
        ours = _environment(self.url, host)
        python = {"cwd": settings.BASE_DIR, "env": ours}
        manage = [sys.executable, settings.BASE_DIR / "manage.py"]
        # Two processes of four threads: measured faster than one of eight, and one may die. A granian whose worker died
        # would end without --respawn-failed-workers.
        self.web = Child(
            "Web server",
            [sys.executable, "-m", "granian", "evalhub.wsgi:application", "--interface", "wsgi", "--no-ws",
             "--host", host, "--port", port, "--workers", 2, "--blocking-threads", 4, "--respawn-failed-workers",
             "--workers-kill-timeout", "15s", "--log-level", "warning"],
            python,
        )  # fmt: skip
        self.workers = [
            Child(
                f"Worker {number}",
                [*manage, "rqworker", *_queues(number, workers), "--worker-ttl", 60, "-v", 0, "--skip-checks"],
                python,
                niceness=BEHIND_PAGES,
            )
            for number in range(1, workers + 1)
        ]
        self.sweeper = Child("Sweeper", [*manage, "sweep"], python, patience=5)
        self.unfinished = self.home / "demo.unfinished"
        self.filling = Child("Demo", [*manage, "demo"], python, patience=5, on_end=self._filled)
        self.supervisor: Supervisor | None = None

    def run(self) -> None:
        journal = self.home / "up.json"
        if end_leftovers(journal):
            self.say("Ended what an earlier run had left behind.")
        _refuse_taken_port(self.host, self.port)
        _keep_a_secret_key(self.home)
        redis = None if env.text("REDIS_URL") else servers.redis(self.home)
        if settings.TRIAL and not (self.home / "pg").exists():
            self.say(f"Creating a database in {self.home} ...")
        postgres = servers.postgres(self.home) if settings.TRIAL else None
        own = [[child] for child in (redis, postgres) if child]
        self.supervisor = Supervisor([[self.web, *self.workers, self.sweeper, self.filling], *own], journal, self.say)
        try:
            for child in (postgres, redis):
                if child:
                    self.supervisor.start(child)
            if redis:
                servers.wait_for_redis(redis, self.home, self.say)
            else:
                _refuse_dead_redis()
            if postgres:
                servers.wait_for_postgres(postgres, self.home, self.say)
            self.serve()
        except OperationalError as problem:
            raise CannotStart(f"The database does not answer: {_one_line(problem)}") from problem
        finally:
            self.say("Stopping ...")
            self.supervisor.stop()

    def serve(self) -> None:
        known = self.home / "prepared"
        prepared = settings.TRIAL and known.exists() and known.read_text() == updates.state(self.home)
        if not prepared:
            django.setup()
            from evalhub import preparing  # its models need the apps

            preparing.prepare(self.home, self.say)
            if self.demo and preparing.wants_demo():
                self.unfinished.touch()
            connection.close()
        self.supervisor.start(self.web)
        self._wait_for_web()
        for child in (*self.workers, self.sweeper):
            self.supervisor.start(child)
        lines = [("Open", self.url), ("Data", str(self.home)), ("Stop", "Ctrl-C")]
        if not prepared:
            # Not before: a start cut short would have made an admin whose password nobody has seen.
            if password := preparing.first_admin():
                lines[1:1] = [("Sign in as", "admin"), ("Password", f"{password}   (shown this once)")]
            connection.close()
            if settings.TRIAL:
                known.write_text(updates.state(self.home))
        if self.demo and self.unfinished.exists():
            self.supervisor.start(self.filling)
            lines.insert(-1, ("Demo", "being filled, complete in a moment"))
        self.say(_box("EvalHub is ready", lines))
        self.supervisor.watch()

    def _filled(self, code: int) -> None:
        """A demo that failed has said why; it is not tried again."""
        self.unfinished.unlink(missing_ok=True)
        self.say("The demo project is complete." if code == 0 else "The demo project could not be filled.")

    def _wait_for_web(self) -> None:
        began = time.monotonic()
        while not _answers(self.host, self.port, self.url):
            if self.web.exit_code() is not None:
                raise CannotStart("The web server ended while starting; what it said stands above.")
            if time.monotonic() - began > FIRST_ANSWER:
                raise CannotStart(f"The web server has not answered for {FIRST_ANSWER:.0f} s.")
            time.sleep(0.05)


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Holds the data folder's lock, which the kernel lets go when we die, however that happens."""
    with open(home / "up.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"Another EvalHub runs on {home}: stop it first, or name another folder with --data."
            ) from None
        yield


def _start_over_with(data: Path) -> None:
    """The settings have been read for another data folder: begin again, so that all see this one."""
    os.environ["EVALHUB_DATA"] = str(data)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 ourselves, with our own arguments


def _environment(url: str, host: str) -> dict[str, str]:
    """What the children get: the address, and this machine's names if they may be used in it."""
    names = env.words("ALLOWED_HOSTS")
    if settings.TRIAL and host in ANYWHERE:
        names += [socket.gethostname(), *_own_addresses()]
    elif settings.TRIAL:
        names += [f"[{host}]" if ":" in host else host]
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "evalhub.settings",
        "EVALHUB_URL": url,
        "ALLOWED_HOSTS": ",".join(names),
    }


def _own_addresses() -> list[str]:
    """This machine's addresses: those of its name, and the one it would use to reach others (nothing is sent)."""
    found = set()
    with contextlib.suppress(OSError):
        found |= {address[0] for *_, address in socket.getaddrinfo(socket.gethostname(), None)}
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            found.add(probe.getsockname()[0])
    return sorted(f"[{address}]" if ":" in address else address for address in found)


def _shown(host: str) -> str:
    """The host as it stands in an address that a browser on this machine can open."""
    if host in (*ANYWHERE, "127.0.0.1", "::1"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _queues(number: int, workers: int) -> tuple[str, ...]:
    """The order in which a worker looks for jobs. Of several, the first is for online scoring alone, which then never
    waits behind a long job, and the others look there last. Of more than two the last takes bulk jobs first, or they
    would starve."""
    if number == 1:
        return QUEUES if workers == 1 else ("online",)
    return BULK_FIRST if number == workers > 2 else ONLINE_LAST


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "a port is a number from 1 to 65535"
        raise CannotStart(f"Port {port} of {host} cannot be used ({why}): choose another with --port.") from None


def _refuse_dead_redis() -> None:
    import redis

    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError) as problem:
        raise CannotStart(f"The Redis of REDIS_URL does not answer: {_one_line(problem)}") from problem


def _keep_a_secret_key(home: Path) -> None:
    """Writes one down the first time, unless it is given: sessions and API keys hang on it."""
    file = home / "secret_key"
    if env.text("SECRET_KEY") or file.exists():
        return
    new = file.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(secrets.token_urlsafe(50))
    new.rename(file)


def _answers(host: str, port: int, url: str) -> bool:
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    asked = http.client.HTTPConnection(target, port, timeout=10)
    try:
        asked.request("GET", "/healthz", headers={"Host": urlsplit(url).netloc})
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _box(title: str, lines: list[tuple[str, str]]) -> str:
    rows = [title, "", *(f"{label:<11} {text}" for label, text in lines)]
    width = max(len(row) for row in rows)
    edge = "+" + "-" * (width + 4) + "+"
    return "\n".join(["", edge, *(f"|  {row:<{width}}  |" for row in rows), edge, ""])


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())

"""pg_dump and pg_restore, of the database server's own version where the PATH has them, else those we bring."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from evalhub.backups.archive import CHUNK, BackupProblem
from evalhub.embedded import programs
from evalhub.embedded.servers import MAJOR

RESTORES_FROM = 17  # an older server does not know all settings that our pg_restore begins with


@dataclass(frozen=True, slots=True)
class Database:
    """Where it is. The password stands by itself: it goes to programs by their environment, which nobody else reads."""

    conninfo: str
    password: str = ""

    @classmethod
    def of(cls, params: dict[str, object]) -> "Database":
        """Of psycopg's parameters, as Django's connection makes them."""
        ours = {"context", "cursor_factory", "prepare_threshold", "password", "row_factory", "autocommit"}
        named = {name: value for name, value in params.items() if name not in ours}
        return cls(make_conninfo(**named), str(params.get("password") or ""))

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.conninfo, password=self.password or None, autocommit=True, connect_timeout=10)


def major_of(database: Database) -> int:
    with database.connect() as db:
        return db.info.server_version // 10_000


def migrations_of(database: Database) -> list[str]:
    """Those that the database has had, "app.name"; none where it is empty. Raises BackupProblem where it holds
    something else."""
    with database.connect() as db:
        tables = db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()[0]
        if not tables:
            return []
        if not db.execute("SELECT to_regclass('public.django_migrations')").fetchone()[0]:
            raise BackupProblem("The database holds tables that are not EvalHub's.")
        return [name for (name,) in db.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")]


def dump(database: Database, home: Path) -> Iterator[bytes]:
    """The database as pg_dump's own format, in pieces: one moment of it, whatever is written meanwhile."""
    command = [_program("pg_dump", major_of(database), home, oldest=0), "--format=custom", "--no-owner", "--no-acl"]
    with _running([*command, f"--dbname={database.conninfo}"], database, stdout=subprocess.PIPE) as process:
        while chunk := process.stdout.read(CHUNK):
            yield chunk


def restore(database: Database, home: Path, chunks: Iterable[bytes]) -> None:
    """Into an empty database, in one transaction: what fails leaves it empty."""
    program = _program("pg_restore", major_of(database), home, oldest=RESTORES_FROM)
    command = [program, "--exit-on-error", "--single-transaction", "--no-owner", "--no-acl"]
    with _running([*command, f"--dbname={database.conninfo}"], database, stdin=subprocess.PIPE) as process:
        try:
            for chunk in chunks:
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and says why


class _running:
    """A program at work; leaving it raises BackupProblem with its last words where it failed."""

    def __init__(self, command: list[object], database: Database, **pipes: object) -> None:
        environment = programs.ENVIRONMENT | ({"PGPASSWORD": database.password} if database.password else {})
        self.process = subprocess.Popen(
            [str(word) for word in command], env=environment, stderr=subprocess.PIPE, **pipes
        )

    def __enter__(self) -> subprocess.Popen:
        return self.process

    def __exit__(self, kind: type | None, problem: BaseException | None, trace: object) -> None:
        if kind is not None:
            self.process.kill()
        last = self.process.stderr.read().decode(errors="replace").strip().splitlines()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe and not pipe.closed:
                pipe.close()
        code = self.process.wait()
        if kind is None and code:
            name = Path(self.process.args[0]).name
            raise BackupProblem(f"{name} failed: {last[-1] if last else f'exit code {code}'}")


def _program(name: str, major: int, home: Path, oldest: int) -> Path:
    found = shutil.which(name)
    if found and _major(Path(found)) == major:
        return Path(found)
    if oldest <= major <= MAJOR:
        return programs.postgres(home) / name
    raise BackupProblem(f"The database is PostgreSQL {major}: install its own {name} ({name} {major} on the PATH).")


def _major(program: Path) -> int | None:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, env=dict(os.environ)).stdout
    number = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(number[1]) if number else None

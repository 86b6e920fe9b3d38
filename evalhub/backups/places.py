"""Which database a command means, and a trial's own one started for as long as it takes, where `up` does not run."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from evalhub import embedded
from evalhub.backups.archive import BackupProblem, Say
from evalhub.backups.postgres import Database
from evalhub.embedded import servers
from evalhub.embedded.programs import CannotStart


def of_trial(home: Path) -> Database:
    where = embedded.database(home)
    return Database.of({"host": where["HOST"], "user": where["USER"], "dbname": where["NAME"]})


@contextmanager
def running(home: Path, say: Say, make: bool = False) -> Iterator[Database]:
    """The trial's database: that of a running `up`, or a server of our own until the block ends.

    With `make` a new one where there is none; then no `up` may run. Raises BackupProblem.
    """
    if not make and not (home / "pg").exists():
        raise BackupProblem(f"There is no database in {home}: set EVALHUB_DATA to the data folder of `up`.")
    try:
        servers.open_home(home)
        with open(home / "up.lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if make:
                    raise BackupProblem(f"EvalHub runs on {home}: stop it first, or name another folder.") from None
                yield of_trial(home)
                return
            child = servers.postgres(home)
            child.start()
            try:
                servers.wait_for_postgres(child, home, say)
                yield of_trial(home)
            finally:
                child.ask_to_stop()
                child.wait()
    except CannotStart as problem:
        raise BackupProblem(str(problem)) from problem
    except psycopg.OperationalError as problem:
        raise BackupProblem(f"The database does not answer: {str(problem).splitlines()[0]}") from problem

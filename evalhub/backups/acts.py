"""Backing up and restoring, whatever the database: the commands say which, and to whom it is told."""

import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from evalhub.backups import archive, postgres
from evalhub.backups.archive import BackupProblem, Manifest, Say
from evalhub.backups.postgres import Database

TELL_EVERY = 2.0  # seconds
# Apps of sign-in by OpenID Connect: where it is switched off, their tables lie idle.
SWITCHED = ("account.", "socialaccount.")


def back_up(file: Path, database: Database, home: Path, key: str, keep_key: bool, say: Say) -> Manifest:
    """Writes the backup. `keep_key`: the secret key is the trial's own, and goes with it. Raises BackupProblem."""
    if file.exists():
        raise BackupProblem(f"{file} is there already: name another file, or move it away.")
    migrations = postgres.migrations_of(database)
    if not migrations:
        raise BackupProblem("The database is empty: there is nothing to back up.")
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(made_at, postgres.major_of(database), migrations, archive.digest_of(key))
    dump = _told(postgres.dump(database, home), say, "written")
    archive.write(file, manifest, dump, key if keep_key else "")
    return manifest


def restore(
    file: Path, database: Database, home: Path, known: set[str], own_key: bool, say: Say
) -> tuple[Manifest, bool]:
    """Fills an empty database; what the backup is, and whether the data folder has its secret key now.

    `known` are the migrations of this EvalHub: a backup that has had others is of a newer one and refused; whoever
    calls brings an older one up to date. `own_key`: the data folder is to get the key that the backup may hold. Raises
    BackupProblem before anything is changed.
    """
    with archive.opened(file) as found:
        newer = sorted(
            name for name in found.manifest.migrations if name not in known and not name.startswith(SWITCHED)
        )
        if newer:
            raise BackupProblem(f"The backup is of a newer EvalHub (it has {newer[-1]}): update this one first.")
        if postgres.migrations_of(database):
            raise BackupProblem("The database is not empty, and nothing is overwritten: name an empty one.")
        kept = own_key and bool(found.secret)
        if kept:
            _put_key(found.secret, home / "secret_key")
        total = f" of {found.size / 1e6:,.0f} MB"
        postgres.restore(database, home, _told(found.chunks(), say, "read", total))
        return found.manifest, kept


def _put_key(secret: str, target: Path) -> None:
    try:
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secret)
    except FileExistsError:
        if target.read_text().strip() != secret:
            raise BackupProblem(f"{target} is another key than the backup's: name an empty data folder.") from None


def _told(chunks: Iterable[bytes], say: Say, done: str, total: str = "") -> Iterator[bytes]:
    size, told = 0, time.monotonic()
    for chunk in chunks:
        yield chunk
        size += len(chunk)
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            say(f"{size / 1e6:,.0f} MB{total} {done}")

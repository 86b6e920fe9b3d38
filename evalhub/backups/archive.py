"""The file of a backup: a ZIP with what it is (manifest.json), pg_dump's archive, and the trial's secret key."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FORMAT = 1
MANIFEST, DUMP, SECRET = "manifest.json", "database.dump", "secret_key"
CHUNK = 1024 * 1024

Say = Callable[[str], None]


class BackupProblem(Exception):
    """Why nothing was backed up or restored, as a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`migrations` are those that the database has had, "app.name"; `key` is a digest of the secret key that sessions,
    API keys and providers' keys hang on."""

    made_at: str
    postgresql: int
    migrations: list[str]
    key: str
    format: int = FORMAT


def digest_of(key: str) -> str:
    """Tells whether two keys are the same, and nothing else of them."""
    return hashlib.sha256(f"evalhub.backup:{key}".encode()).hexdigest()[:16]


def write(file: Path, manifest: Manifest, dump: Iterable[bytes], secret: str) -> None:
    """Under its name only when it is whole, and for nobody else to read. Raises BackupProblem where it is there."""
    if file.exists():
        raise BackupProblem(f"{file} is there already: name another file, or move it away.")
    part = file.with_name(f"{file.name}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with zipfile.ZipFile(raw, "w") as archive:
                archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2))
                if secret:
                    archive.writestr(SECRET, secret)
                with archive.open(DUMP, "w", force_zip64=True) as target:
                    for chunk in dump:
                        target.write(chunk)
            raw.flush()
            os.fsync(raw.fileno())
        os.link(part, file)  # unlike a rename, it fails where somebody has made one meanwhile
    except FileExistsError:
        raise BackupProblem(f"{file} is there already: name another file, or move it away.") from None
    except OSError as problem:
        raise BackupProblem(f"{file} cannot be written: {problem.strerror}.") from problem
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Archive:
    manifest: Manifest
    secret: str
    size: int
    chunks: Callable[[], Iterator[bytes]]


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Raises BackupProblem for a file that is no backup, or one of a newer format."""
    try:
        with zipfile.ZipFile(file) as archive:
            said = json.loads(archive.read(MANIFEST))
            if said.get("format") != FORMAT:
                raise BackupProblem(f"{file} was written by a newer EvalHub: update this one first.")
            secret = archive.read(SECRET).decode() if SECRET in archive.namelist() else ""
            size = archive.getinfo(DUMP).file_size

            def chunks() -> Iterator[bytes]:
                with archive.open(DUMP) as source:
                    while chunk := source.read(CHUNK):
                        yield chunk

            yield Archive(Manifest(**said), secret, size, chunks)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as problem:
        raise BackupProblem(f"{file} is not a whole backup of EvalHub ({problem}).") from problem
    except OSError as problem:
        raise BackupProblem(f"{file} cannot be read: {problem.strerror}.") from problem

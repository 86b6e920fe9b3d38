"""Collects the static files when they have changed: after an update, not on every start."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect(stamp: Path, say: Callable[[str], None]) -> None:
    """Runs collectstatic unless `stamp` holds the files' mark. With DEBUG they are served from where they lie."""
    if settings.DEBUG:
        return
    mark = _mark()
    if stamp.exists() and stamp.read_text() == mark and Path(settings.STATIC_ROOT).is_dir():
        return
    say("Collecting scripts, styles and icons ...")
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(mark)


def _mark() -> str:
    """A digest of every static file's path, size and time of change, and of how and where they are stored."""
    digest = hashlib.sha256(f"{settings.STORAGES['staticfiles']} {settings.STATIC_ROOT}".encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{storage.path(path)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()

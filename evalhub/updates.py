"""Tells a start after an update from any other, without loading the apps: loading them is half of a start's time."""

import hashlib
from pathlib import Path

import django
from django.conf import settings

from evalhub import embedded

OURS = ("[a-z]*/migrations/*.py", "static/**/*", "[a-z]*/static/**/*")  # no hidden folder: not the data folder's


def state(home: Path) -> str:
    """A digest of what preparing depends on: packages, migrations, static files, and what the database has had of them.

    For the database of the data folder `home`, which must be running.
    """
    packages = sorted(path.name for path in Path(django.__file__).parent.parent.glob("*.dist-info"))
    files = sorted({path for pattern in OURS for path in Path(settings.BASE_DIR).glob(pattern) if path.is_file()})
    seen = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    how = [
        str(settings.INSTALLED_APPS),
        str(settings.STORAGES["staticfiles"]),
        str(settings.STATIC_ROOT),
        str(Path(settings.STATIC_ROOT).is_dir()),
    ]
    return hashlib.sha256("\n".join([*packages, *seen, *how, _applied(home)]).encode()).hexdigest()


def _applied(home: Path) -> str:
    import psycopg

    where = embedded.database(home)
    with psycopg.connect(host=where["HOST"], user=where["USER"], dbname=where["NAME"]) as db:
        if not db.execute("SELECT to_regclass('django_migrations')").fetchone()[0]:
            return "nothing"
        return str(db.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall())

"""What a first start, or the first one after an update, does before pages can be served. Needs the apps loaded."""

import secrets
from collections.abc import Callable
from pathlib import Path

from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from evalhub import assets
from evalhub.models import Project, User


def prepare(home: Path, say: Callable[[str], None]) -> None:
    """Brings the database and the static files to where the code is."""
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say(f"Preparing the database ({len(plan)} steps) ...")
        call_command("migrate", verbosity=0, interactive=False)
    assets.collect(home / "static.version", say)


def wants_demo() -> bool:
    return "demo" in get_commands() and not Project.objects.exists()


def first_admin() -> str:
    """The password of a new `admin`, or nothing when somebody already is one."""
    if User.objects.filter(is_superuser=True).exists() or User.objects.filter(username="admin").exists():
        return ""
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    User.objects.create_superuser("admin", password=password)
    return password

from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from evalhub import env
from evalhub.backups import acts, places
from evalhub.backups.archive import BackupProblem, digest_of
from evalhub.backups.postgres import Database


class Command(BaseCommand):
    help = "Fills an empty database from a backup's file, and brings it to where this EvalHub is. `up` must not run."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: object, file: Path, **options: object) -> None:
        home = settings.DATA_DIR
        known = {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
        theirs = nullcontext(None if settings.TRIAL else Database.of(connection.get_connection_params()))
        try:
            with places.running(home, self._say, make=True) if settings.TRIAL else theirs as database:
                own_key = settings.TRIAL and not env.text("SECRET_KEY")
                manifest, kept = acts.restore(file, database, home, known, own_key, self._say)
                call_command("migrate", verbosity=0, interactive=False)
                connection.close()
        except BackupProblem as problem:
            raise CommandError(str(problem)) from problem
        self._say(f"Restored what EvalHub held at {manifest.made_at}.")
        if not kept and digest_of(settings.SECRET_KEY) != manifest.key:
            self._say(
                "SECRET_KEY is not the one of the backup: API keys and providers' keys do not work until it is, or "
                "until SECRET_KEY_FALLBACKS names it."
            )

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()

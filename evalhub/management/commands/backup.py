from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from evalhub.backups import acts, places
from evalhub.backups.archive import BackupProblem
from evalhub.backups.postgres import Database


class Command(BaseCommand):
    help = "Writes the whole database, and a trial's secret key, into one file; EvalHub may go on meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="A new file: nothing is overwritten.")

    def handle(self, *args: object, file: Path, **options: object) -> None:
        home, key = settings.DATA_DIR, settings.SECRET_KEY
        own_key = (home / "secret_key").is_file() and (home / "secret_key").read_text().strip() == key
        theirs = nullcontext(None if settings.TRIAL else Database.of(connection.get_connection_params()))
        try:
            with places.running(home, self._say) if settings.TRIAL else theirs as database:
                manifest = acts.back_up(file, database, home, key, own_key, self._say)
        except BackupProblem as problem:
            raise CommandError(str(problem)) from problem
        self._say(f"{file}: {file.stat().st_size / 1e6:,.1f} MB, {len(manifest.migrations)} migrations.")
        if own_key:
            self._say("It holds the secret key: keep it as you would keep a password.")
        else:
            self._say("It does not hold SECRET_KEY: keep that too, or providers' keys and API keys are lost.")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()

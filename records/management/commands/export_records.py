import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evalhub.models import Project
from records import export
from records.filterlang import FilterError, parse
from records.imports import FORMATS
from records.search import Search, SearchTimeout, batches, ceiling_of
from records.vocabulary import vocabulary_of

BATCH = 500


class Command(BaseCommand):
    help = "Exports records whole, newest first: those that match a filter, or all spans. import_records reads it back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--filter", default="", metavar="Q", dest="q", help="As on the Records page.")
        parser.add_argument("--roots", action="store_true", help="Only roots; else all spans.")
        parser.add_argument("--format", choices=FORMATS, default="jsonl")
        parser.add_argument("--output", metavar="FILE", help="Else standard output.")

    def handle(
        self, *args: object, project: str, q: str, roots: bool, format: str, output: str | None, **options: object
    ) -> None:
        tenant = Project.objects.filter(slug=project).first()
        if tenant is None:
            raise CommandError(f"There is no project {project!r}.")
        vocabulary = vocabulary_of(tenant)
        try:
            search = Search(tenant.id, parse(q, vocabulary), vocabulary, timezone.now(), UTC, roots=roots)
            found = self._counted(export.rows(tenant, batches(search, ceiling_of(), BATCH)))
            lines = export.csv_lines(tenant, found) if format == "csv" else export.jsonl(found)
            with _target(output) as file:
                file.writelines(lines)
        except FilterError as error:
            raise CommandError(error.pretty()) from error
        except (SearchTimeout, OSError) as error:
            raise CommandError(str(error)) from error

    def _counted(self, rows: Iterable[export.Row]) -> Iterator[export.Row]:
        """Passes rows on and says on a terminal how many; at the end always."""
        count = 0
        for row in rows:
            count += 1
            if count % BATCH == 0 and self.stderr.isatty():
                self.stderr.write(f"\033[K{count:,} records", ending="\r")
                self.stderr.flush()
            yield row
        self.stderr.write(f"{count:,} records exported.")


@contextmanager
def _target(output: str | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    part = Path(f"{output}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evalhub.models import Project
from records.drafts import Sender
from records.imports import (
    FORMATS,
    BadHeading,
    Line,
    Shape,
    csv_lines,
    field_problem,
    jsonl_lines,
    line_id,
    missing_columns,
    no_column,
)
from records.intake import TooMany, take
from records.json_drafts import BadRecord
from records.models import Metric, Record

Refused = tuple[int, BadRecord]  # the line's number, and why

BATCH = 500  # rows a transaction; one with many spans is sent alone if need be


@dataclass(slots=True)
class Tally:
    read: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return (
            f"{self.read:,} rows read: {self.created:,} records new, {self.updated:,} updated, "
            f"{self.skipped:,} rows already there, {self.refused:,} refused"
        )


@dataclass(slots=True)
class Batch:
    numbers: list[int] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)


class Command(BaseCommand):
    help = (
        "Imports records from a file, a line each: JSON lines, or CSV with a heading. May be interrupted and repeated: "
        "rows that are there are passed over. A row's own id or external_id says which record it is; one without is "
        "known by the file's name (without folders), its line number and what it says, so that a file that was moved "
        "is the same file, and a renamed one another. Names every refused line, and ends with 1 if there was one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines or CSV.")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=COLUMN", dest="mapped",
            help="Which field a column is, such as inputs.question=frage or metric.accuracy=acc. May be repeated.",
        )  # fmt: skip
        parser.add_argument("--format", choices=FORMATS, help="When the file's name does not tell.")

    def handle(
        self, *args: object, file: str, project: str, mapped: list[str], format: str | None, **options: object
    ) -> None:
        tenant = Project.objects.filter(slug=project).first()
        if tenant is None:
            raise CommandError(f"There is no project {project!r}.")
        path = Path(file)
        value_types = dict(Metric.objects.filter(project=tenant).values_list("slug", "value_type"))
        shape = Shape(_names(mapped), value_types)
        tally = Tally()
        try:
            if shape.names and (format or _format_of(path)) == "jsonl":
                _refuse_missing_columns(path, shape.names)
            with _lines(path, format or _format_of(path), shape) as lines:
                for part in batched(lines, BATCH):
                    refused = sorted(self._store(tenant, path, part, tally), key=lambda line: line[0])
                    self._refuse(refused, tally)
                    self._progress(tally)
        except BadHeading as error:
            raise CommandError(str(error)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}. So far: {tally}.") from error
        self._progress(tally, end=True)
        self.stdout.write(f"{tally}.")
        if tally.refused:
            sys.exit(1)

    def _store(self, project: Project, path: Path, lines: Sequence[Line], tally: Tally) -> list[Refused]:
        batch, ours, refused = Batch(), {}, []
        for number, content, item in lines:
            tally.read += 1
            if isinstance(item, BadRecord):
                refused.append((number, item))
                continue
            if not any(item.get(name) for name in ("id", "external_id")):
                item["external_id"] = line_id(path.name, number, content)
                ours[item["external_id"]] = number
            batch.numbers.append(number)
            batch.items.append(item)
        there = Record.objects.filter(project=project, external_id__in=ours)
        done = {ours[id] for id in there.values_list("external_id", flat=True)}
        tally.skipped += len(done)
        todo = [(n, item) for n, item in zip(batch.numbers, batch.items, strict=True) if n not in done]
        return refused + self._take(project, todo, tally)

    def _take(self, project: Project, rows: Sequence[tuple[int, dict[str, Any]]], tally: Tally) -> list[Refused]:
        if not rows:
            return []
        sender = Sender("import", timezone.now(), trusted=True)
        try:
            intake = take(project, [item for _, item in rows], sender)
        except TooMany as error:
            if len(rows) == 1:
                return [(rows[0][0], BadRecord([("spans", str(error))]))]
            middle = len(rows) // 2
            return self._take(project, rows[:middle], tally) + self._take(project, rows[middle:], tally)
        tally.created += intake.created
        # Also what came twice in one go: the second row is a later piece of the first one's record.
        tally.updated += sum(1 + len(accepted.spans) for accepted in intake.accepted) - intake.created
        return [(rows[index][0], BadRecord(problems)) for index, problems in intake.refused.items()]

    def _refuse(self, refused: Sequence[Refused], tally: Tally) -> None:
        tally.refused += len(refused)
        for number, problem in refused:
            self._clear()
            self.stderr.write(f"line {number}: {problem}")

    def _progress(self, tally: Tally, end: bool = False) -> None:
        if self.stderr.isatty():
            self._clear()
            if not end:
                self.stderr.write(str(tally), ending="\r")
                self.stderr.flush()

    def _clear(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\033[K", ending="")


def _names(mapped: Sequence[str]) -> dict[str, str]:
    """column -> field, from FIELD=COLUMN."""
    names: dict[str, str] = {}
    for pair in mapped:
        field_name, equals, column = pair.partition("=")
        if not equals or not column:
            raise CommandError(f"--map {pair}: write FIELD=COLUMN, such as inputs=question.")
        if problem := field_problem(field_name):
            raise CommandError(f"--map {pair}: {problem}")
        if column in names:
            raise CommandError(f"--map {pair}: the column {column!r} is mapped already.")
        names[column] = field_name
    return names


def _refuse_missing_columns(path: Path, names: Mapping[str, str]) -> None:
    """A misspelt column would leave its field out of every record. Mostly the first line has them all."""
    with path.open("rb") as binary:
        missing, there = missing_columns(jsonl_lines(binary, Shape()), names)
    if missing:
        raise CommandError(no_column(min(missing), there))


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    raise CommandError(f"{path.name} does not tell its format: add --format jsonl or --format csv.")


@contextmanager
def _lines(path: Path, format: str, shape: Shape) -> Iterator[Iterator[Line]]:
    if format == "csv":
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield csv_lines(text, shape)
    else:
        with path.open("rb") as binary:
            yield jsonl_lines(binary, shape)

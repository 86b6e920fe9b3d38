"""Uploaded files: kept in the database between the steps of an import, so that whoever goes on with it has them."""

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.db import transaction

from experiments.datasets.columns import guessed
from experiments.datasets.files import MAX_COLUMNS, BadFile, Line, format_of, heading, lines
from experiments.models import Dataset, DatasetImport, FilePart, ImportKind

MAX_FILE_BYTES = 256 * 1024 * 1024
PART_BYTES = 1024 * 1024
LOOKED_AT = 200  # rows from which the columns are known before the import


class Parts(io.RawIOBase):
    """An uploaded file as a stream. `at` is how many bytes of it were read."""

    def __init__(self, upload: DatasetImport) -> None:
        self.at = 0
        self._left = iter(self._contents(upload.pk))
        self._part = b""

    @staticmethod
    def _contents(key: int) -> Iterator[bytes]:
        number = 0
        while (
            part := FilePart.objects.filter(upload_id=key, number=number).values_list("content").first()
        ) is not None:
            yield bytes(part[0])
            number += 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self._part:
            self._part = next(self._left, b"")
        taken, self._part = self._part[: len(buffer)], self._part[len(buffer) :]
        buffer[: len(taken)] = taken
        self.at += len(taken)
        return len(taken)


def keep(dataset: Dataset, user: object, name: str, chunks: Iterable[bytes]) -> DatasetImport:
    """An import whose columns are still to be mapped; a place is guessed for each. Raises ValidationError for a file
    that cannot be one, and keeps nothing of it."""
    with transaction.atomic():
        upload = DatasetImport.objects.create(
            project=dataset.project, dataset=dataset, kind=ImportKind.FILE, words=_plain(name),
            user=user if getattr(user, "pk", None) else None, by=str(user)[:160],
        )  # fmt: skip
        for number, part in enumerate(_parts(chunks)):
            upload.bytes += len(part)
            if upload.bytes > MAX_FILE_BYTES:
                raise ValidationError(
                    {"file": f"The file is larger than {MAX_FILE_BYTES // 2**20} MB: cut it into several."}
                )
            if number == 0:
                upload.format = format_of(upload.words, part[:65_536])
            FilePart.objects.create(upload=upload, number=number, content=part)
        if not upload.bytes:
            raise ValidationError({"file": "The file is empty."})
        try:
            upload.mapping = list(guessed(_columns(upload)).items())
        except BadFile as problem:
            raise ValidationError({"file": str(problem)}) from None
        if not upload.mapping:
            raise ValidationError({"file": "No row of the file could be read as an object with columns."})
        upload.save()
    return upload


def stream(upload: DatasetImport) -> tuple[Parts, BinaryIO]:
    """What tells how much was read, and the stream itself."""
    parts = Parts(upload)
    return parts, io.BufferedReader(parts, PART_BYTES)


def beginning(upload: DatasetImport, rows: int = LOOKED_AT) -> list[Line]:
    """The first rows. Raises BadFile."""
    found = []
    for line in lines(stream(upload)[1], upload.format):
        found.append(line)
        if len(found) == rows:
            break
    return found


def columns_of(rows: Iterable[Line]) -> list[str]:
    """Those that the rows have, in the order in which they are met. Raises BadFile."""
    columns: dict[str, None] = {}
    for _, row in rows:
        if isinstance(row, dict):
            columns.update(dict.fromkeys(row))
    if len(columns) > MAX_COLUMNS:
        raise BadFile(f"The rows have more than {MAX_COLUMNS} different columns: put what belongs together in one.")
    return list(columns)


def _columns(upload: DatasetImport) -> list[str]:
    """None where no row can be read. Raises BadFile."""
    met = columns_of(beginning(upload))
    return met and (heading(stream(upload)[1], upload.format) or met)


def samples_of(rows: Iterable[Line]) -> dict[str, object]:
    """The first value of each column, to know it by."""
    samples: dict[str, object] = {}
    for _, row in rows:
        if isinstance(row, dict):
            samples = row | samples
    return samples


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        held += chunk
        while len(held) >= PART_BYTES:
            yield held[:PART_BYTES]
            held = held[PART_BYTES:]
    if held:
        yield held


def _plain(name: str) -> str:
    """A file's name is hostile text too."""
    return "".join(c for c in name.rpartition("/")[2] if c.isprintable())[:200] or "file"

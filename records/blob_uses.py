"""Lifted files live as long as somebody names them: kept with the first record that does, deleted with the last."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from records.blobs import MARKER, Lifted, markers
from records.limits import MAX_ITEMS
from records.sql import Step, load, steps

SQL = load("blobs")
QUOTED = f'"{MARKER}"'


def named(values: Iterable[Any], texts: Iterable[str | None]) -> set[str]:
    """The hashes of the files that values name; `texts` are the values as JSON, which is looked through faster."""
    if not any(text and QUOTED in text for text in texts):
        return set()
    return {marker.sha256 for value in values for marker in markers(value)}


def keep(step: Step, lifted: Mapping[str, Lifted], names: Mapping[UUID, Iterable[str]]) -> None:
    """Stores the files, and who names which; at the end of a transaction. `step` knows `SQL`."""
    pairs = sorted((holder, sha256) for holder, hashes in names.items() for sha256 in hashes)
    if not pairs:
        return
    step("lock_blobs", hashes=sorted({sha256 for _, sha256 in pairs}))
    if lifted:
        files = [lifted[sha256] for sha256 in sorted(lifted)]
        types, datas = [file.content_type for file in files], [file.data for file in files]
        step("blobs", hashes=[file.sha256 for file in files], types=types, datas=datas)
    step("name_blobs", holders=[holder for holder, _ in pairs], hashes=[sha256 for _, sha256 in pairs])


def release(step: Step, holders: Sequence[UUID]) -> None:
    """Forgets what the holders name, and deletes files that nobody else does; at the end of a transaction."""
    _delete(step, sorted({sha256 for (sha256,) in step("unname_blobs", holders=list(holders))}))


def delete_unused(project_id: int) -> int:
    """Deletes the files that nobody names, such as those a later piece of a record has replaced; how many."""
    deleted = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            step = steps(cursor, SQL, project_id)
            gone = _delete(step, [sha256 for (sha256,) in step("unused_blobs", limit=MAX_ITEMS)])
        if not gone:
            return deleted
        deleted += gone


def _delete(step: Step, hashes: Sequence[str]) -> int:
    if not hashes:
        return 0
    step("lock_to_delete", hashes=hashes)
    return len(step("delete_blobs", hashes=hashes))

"""Deleting records with all that hangs on them, so that counts, traces and charts are right at every commit."""

from collections.abc import Iterable, Sequence
from itertools import batched
from uuid import UUID

from django.db import connection, transaction

from records.blob_uses import SQL as BLOBS
from records.blob_uses import release
from records.limits import MAX_ITEMS
from records.scores import SQL as SCORES
from records.sql import load, steps

SQL = SCORES | BLOBS | load("deletion")


def delete_records(project_id: int, ids: Iterable[UUID]) -> int:
    """Deletes records with their payloads, scores, details and samples, in transactions of 1,000; how many there were.

    A child whose parent goes becomes a root, and a trace's roll-up moves to the earliest root that is left. Files that
    were lifted out of the payloads go with the last record that names them.
    """
    return sum(_delete(project_id, part) for part in batched(sorted(set(ids)), MAX_ITEMS))


class _Moved(Exception):
    """A record joined a trace between the reading of its trace and the lock."""


def _delete(project_id: int, ids: Sequence[UUID]) -> int:
    while True:
        try:
            return _locked_delete(project_id, ids)
        except _Moved:
            continue  # a record joins a trace at most once


@transaction.atomic
def _locked_delete(project_id: int, ids: Sequence[UUID]) -> int:
    with connection.cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        keys = {key for (key,) in step("trace_keys", ids=list(ids))}
        step("trace_locks", keys=sorted(keys))
        if not {key for (key,) in step("trace_keys", ids=list(ids))} <= keys:
            raise _Moved
        found = step("gone", ids=list(ids))
        if not found:
            return 0
        gone, traces = [id for id, _ in found], sorted({trace for _, trace in found if trace})
        orphans = [id for (id,) in step("orphans", gone=gone, traces=traces)]
        carry = step("leads", gone=gone, traces=traces, orphans=orphans)
        carriers, leads = sorted({id for id, _ in carry}), [id for id, is_lead in carry if is_lead]
        step("lock_records", records=[*gone, *orphans, *carriers])

        step("stages")
        step("leaving", gone=gone)
        step("delete_records", gone=gone)
        step("orphans_rise", orphans=orphans)
        step("carry", traces=traces, carriers=carriers, leads=leads)
        step("record_deltas")
        step("score_deltas")
        step("samples", changed=[*orphans, *carriers])
        release(step, gone)
        return len(gone)

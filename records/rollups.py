"""Derived facts, counted anew from their definition: the proof in tests, and the nightly repair of the roll-ups."""

import logging
from datetime import datetime

from django.db import connection, transaction

from records.sql import load, steps

SQL = load("rollups")
SQL |= {
    name: text.replace("{record_counts}", SQL["record_counts"]).replace("{score_counts}", SQL["score_counts"])
    for name, text in SQL.items()
}
CHECKS = (
    "current_scores", "record_status", "is_root", "trace_rollup", "record_rollup", "score_rollup", "record_sample",
    "score_sample",
)  # fmt: skip

logger = logging.getLogger("records")


def recount(project_id: int, since: datetime | None = None) -> dict[str, int]:
    """Differences found, by check, over records that happened in the hour of `since` or later; all 0 when right.

    Reads every record and score in that time: for tests and for the night.
    """
    with connection.cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        return {name: step(name, since=_hour(since))[0][0] for name in CHECKS}


def repair(project_id: int, since: datetime | None = None) -> dict[str, int]:
    """Makes record_rollup and score_rollup equal to a recount from the hour of `since` on; how many rows were wrong.

    Writers need not stop: what is corrected is a difference, whatever they add meanwhile. A row whose sum of values has
    drifted only by the rounding of doubles is rewritten without being reported.
    """
    found = {}
    for rollup, statement in (("record_rollup", "repair_records"), ("score_rollup", "repair_scores")):
        with transaction.atomic(), connection.cursor() as cursor:
            step = steps(cursor, SQL, project_id)
            step("repair_lock")
            found[rollup] = step(statement, since=_hour(since))[0][0]
    if any(found.values()):
        logger.error("Roll-ups of project %s differed from a recount and were corrected: %s", project_id, found)
    return found


def _hour(since: datetime | None) -> datetime | str:
    return "-infinity" if since is None else since.replace(minute=0, second=0, microsecond=0)

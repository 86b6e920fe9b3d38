"""Pages of lists in the order of the last change, newest first, as the API gives them out."""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import TupleLessThan

from evalhub.api import Problem
from records.api.cursors import read_cursor, write_cursor

MOST_LISTED = 200


def changed_last(rows: QuerySet[Any], limit: int, cursor: str) -> tuple[list[Any], str | None]:
    """The rows, and the cursor of the next page. Raises Problem."""
    size = bounded(limit)
    if cursor:
        at, key = read_cursor(cursor, datetime.fromisoformat, int)
        rows = rows.filter(TupleLessThan((F("changed_at"), F("id")), (at, key)))
    found = list(rows.order_by("-changed_at", "-id")[: size + 1])
    if len(found) <= size:
        return found, None
    last = found[size - 1]
    return found[:size], write_cursor(last.changed_at.isoformat(), last.id)


def bounded(limit: int) -> int:
    if not 1 <= limit <= MOST_LISTED:
        message = f"From 1 to {MOST_LISTED}."
        raise Problem(400, "invalid", f"limit: {message}", [("limit", message)])
    return limit

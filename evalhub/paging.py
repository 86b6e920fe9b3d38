"""Keyset paging for lists in the order of time, newest first: a page costs the same at its millionth row."""

from datetime import UTC, datetime, timedelta

from django.core.exceptions import BadRequest
from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import TupleLessThan

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page[Row](rows: QuerySet[Row], time_field: str, after: str, size: int = 50) -> tuple[list[Row], str]:
    """The `size` rows after the cursor, and the cursor of the next page, empty when there is none.

    Sorts by `(time_field, id)`, both descending. Raises BadRequest for a cursor that no page has given out.
    """
    if after:
        rows = rows.filter(TupleLessThan((F(time_field), F("id")), _position(after)))
    found = list(rows.order_by(f"-{time_field}", "-id")[: size + 1])
    if len(found) <= size:
        return found, ""
    last = found[size - 1]
    microseconds = (getattr(last, time_field) - EPOCH) // timedelta(microseconds=1)
    return found[:size], f"{microseconds}-{last.id}"


def _position(cursor: str) -> tuple[datetime, int]:
    microseconds, _, key = cursor.partition("-")
    try:
        at, key = EPOCH + timedelta(microseconds=int(microseconds)), int(key)
    except (ValueError, OverflowError):
        raise BadRequest("This page's address was cut off or changed; start again from the first page.") from None
    if not 0 <= key < 2**63:
        raise BadRequest("This page's address was changed; start again from the first page.")
    return at, key

"""The spans below a record: what goes with it when a whole conversation is deleted."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from records.sql import load, steps

SQL = load("descendants")


def below(project_id: int, ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """For each record the spans below it at any depth, newest first; records without any are missing."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    with connection.cursor() as cursor:
        for top, id in steps(cursor, SQL, project_id)("below", ids=list(ids)):
            found[top].append(id)
    return dict(found)

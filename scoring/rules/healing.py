"""For the sweeper: rings for projects in which something waits, whoever was to ring; and tidies up."""

from django.db import connection

from evalhub.models import Project
from scoring.rules import planning, ringing, working

SLICE = 10_000

# Rows whose records are gone, in slices by their own ids.
GONE = """
WITH slice AS (SELECT id, project_id, record_id FROM unscored WHERE id > %(after)s ORDER BY id LIMIT %(limit)s),
gone AS (DELETE FROM unscored USING slice WHERE unscored.id = slice.id AND NOT EXISTS (
  SELECT FROM record r WHERE r.project_id = slice.project_id AND r.id = slice.record_id))
SELECT max(id) FROM slice
"""


def ring_lost() -> None:
    for project_id in Project.objects.order_by("id").values_list("id", flat=True):
        if working.is_waiting(project_id):
            ringing.ring(project_id)
        planning.forget_unwanted(project_id)


def delete_unscored_of_gone_records() -> None:
    after: int | None = 0
    with connection.cursor() as cursor:
        while after is not None:
            cursor.execute(GONE, {"after": after, "limit": SLICE})
            after = cursor.fetchone()[0]

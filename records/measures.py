"""What the records tell of themselves on the System page and to Prometheus."""

from django.db import connection
from django.db.models import Sum

from evalhub.system.measures import Measure
from records.models import Outbox, RecordRollup

COUNTED = 100_000  # pending scores are counted so far
# What machines are to score, along the index of pending scores.
PENDING = """SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM (
  SELECT created_at FROM score WHERE status = 0 AND source IN (1, 2) LIMIT %s) x"""


def measures() -> list[Measure]:
    """Records by project, from the roll-ups; what waits to be planned and to be scored."""
    rows = RecordRollup.objects.values("project__slug").annotate(records=Sum("n"), failed=Sum("errors"))
    found = []
    for row in rows.order_by("project__slug"):
        of = {"project": row["project__slug"]}
        found.append(Measure("records", "Records", row["records"], of))
        found.append(Measure("records_failed", "Records whose execution failed", row["failed"], of))
    with connection.cursor() as cursor:
        cursor.execute(PENDING, [COUNTED])
        pending, oldest = cursor.fetchone()
    return [
        *found,
        Measure("outbox_batches", "Batches to be planned", Outbox.objects.count()),
        Measure("scores_pending", "Scores pending", pending),
        Measure("scores_pending_oldest_seconds", "Oldest pending score", oldest, unit="s"),
    ]

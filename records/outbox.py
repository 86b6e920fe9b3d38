"""The outbox: a row for each ingest batch whose online scoring is still to be planned."""

from datetime import datetime

from records.ids import uuid7
from records.models import Outbox


def expire(project_id: int, before: datetime) -> int:
    """Deletes rows that came before; how many. What nobody has planned by then is found by scoring past records."""
    floor = uuid7(int(before.timestamp() * 1000))
    return Outbox.objects.filter(project_id=project_id, id__lt=floor).delete()[0]

"""When a record has ended, so that it can be judged: it has an end or a duration; or it was not traced, and what came
of it is known. Much that is sent over the API bears no times at all, and a span without an end still runs."""

from typing import Any

from records.models import Source

# Over `record r`.
ENDED = f"""(r.ended_at IS NOT NULL OR r.latency_ms IS NOT NULL OR r.source <> {int(Source.TRACE)} AND (r.error <> '' OR
  EXISTS (SELECT FROM payload y WHERE y.project_id = r.project_id AND y.record_id = r.id AND y.outputs IS NOT NULL)))"""


def has_ended(record: Any, outputs: Any) -> bool:
    """The same of a row or a draft."""
    if record.ended_at is not None or record.latency_ms is not None:
        return True
    return record.source != Source.TRACE and (bool(record.error) or outputs is not None)

"""What is wrong with alerts, for /readyz, and what of their history is kept no longer."""

import logging
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from scoring.models import AlertEvent

KEPT = timedelta(days=180)
LATELY = timedelta(days=1)
WRONG = """
SELECT (SELECT count(*) FROM alert WHERE enabled AND problem <> ''),
  (SELECT count(*) FROM alert_delivery WHERE status = 'failed' AND done_at >= %s)
"""

log = logging.getLogger("scoring.alerts")


def health() -> tuple[str, list[str]]:
    """A word, and warnings without anybody's names. All projects together."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRONG, [timezone.now() - LATELY])
            broken, lost = cursor.fetchone()
    except DatabaseError as problem:
        log.warning("Alerts could not be looked at: %s", problem)
        return "unknown", []
    warnings = []
    if broken:
        warnings.append(f"{broken} alert{'s' if broken > 1 else ''} cannot be measured.")
    if lost:
        warnings.append(f"{lost} message{'s' if lost > 1 else ''} of alerts could not be delivered in the last day.")
    return ("warnings" if warnings else "ok"), warnings


def forget_old() -> None:
    """Changes of state half a year ago, with the messages that told of them."""
    AlertEvent.objects.filter(at__lt=timezone.now() - KEPT).delete()

"""The sweeper's task: measures the alerts that are due, moves their states, and writes down whom to tell."""

import logging
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from records.filterlang import FilterError
from records.search import SearchTimeout
from scoring.alerts.measuring import measure
from scoring.alerts.outbox import tell
from scoring.alerts.states import Memory, Terms, read, step
from scoring.models import Alert, AlertEvent, AlertState, Certainty, NoData, Side
from scoring.stats.estimates import Estimate

SWEEP_SECONDS = 20.0  # for all alerts of one sweep; the others are first in the next
LEAST_SECONDS, SHARE_OF_WINDOW = 55, 60  # measured every minute, or sixty times a window where that is longer

log = logging.getLogger("scoring.alerts")


def evaluate_due(now: datetime | None = None) -> int:
    """How many were measured."""
    now, began, done = now or timezone.now(), time.monotonic(), 0
    due = Alert.objects.filter(enabled=True, due_at__lte=now).select_related("project", "metric").order_by("due_at")
    for alert in due.iterator(chunk_size=50):
        if time.monotonic() - began > SWEEP_SECONDS:
            log.warning("Not all alerts were measured in %s s; the others are first in the next sweep.", SWEEP_SECONDS)
            break
        try:
            evaluate(alert, now)
        except Exception:  # one alert's failure is its own: the others go on
            log.exception("The alert %s of project %s could not be measured.", alert.pk, alert.project_id)
            later = now + _pause(alert)
            Alert.objects.filter(pk=alert.pk).update(due_at=later, problem="Measuring failed: the log says why.")
        done += 1
    return done


def evaluate(alert: Alert, now: datetime) -> AlertEvent | None:
    """Measures one alert as of `now`; the event where its state has changed.

    Nothing is open in the database while it measures. What was measured for an alert that has been changed meanwhile is
    thrown away. A figure that cannot be measured changes no state and is shown as the alert's problem.
    """
    problem, found = "", None
    try:
        found = measure(alert, now)
    except FilterError as error:
        problem = f"Its filter cannot be read: {error.message}."
    except SearchTimeout:
        problem = "Measuring took too long: choose a shorter window, or a filter that an index serves."
    with transaction.atomic():
        current = Alert.objects.select_for_update().filter(pk=alert.pk, revision=alert.revision, enabled=True).first()
        if current is None:
            return None
        current.problem, current.evaluated_at = problem, now
        current.due_at = now + _pause(alert)
        event = None
        if found is not None:
            current.value, current.low, current.high, current.n = found.value, found.low, found.high, found.n
            event = _move(current, found, now)
        current.save()
        if event is not None:
            tell(current, event)
    return event


def _pause(alert: Alert) -> timedelta:
    return timedelta(seconds=max(LEAST_SECONDS, alert.window_seconds // SHARE_OF_WINDOW))


def terms_of(alert: Alert) -> Terms:
    return Terms(
        Side(alert.side), alert.threshold, Certainty(alert.certainty), alert.least, NoData(alert.no_data),
        alert.pending_seconds, alert.recovery_seconds, alert.recovery_threshold,
    )  # fmt: skip


def _move(alert: Alert, found: Estimate, now: datetime) -> AlertEvent | None:
    terms, before = terms_of(alert), AlertState(alert.state)
    memory = Memory(before, alert.state_since, alert.breached_since, alert.fine_since)
    after = step(terms, memory, read(terms, found), now)
    alert.breached_since, alert.fine_since = after.breached_since, after.fine_since
    if after.state == before:
        return None
    alert.state, alert.state_since = after.state, now
    return AlertEvent.objects.create(
        project_id=alert.project_id, alert=alert, at=now, before=before, after=after.state, value=found.value,
        low=found.low, high=found.high, n=found.n, words=found.text,
    )  # fmt: skip

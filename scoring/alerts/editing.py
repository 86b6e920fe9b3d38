"""Alerts are made, changed and deleted here alone: checked, audited, and begun anew where something else is measured.

Wrong fields raise django.core.exceptions.ValidationError with a message for each.
"""

import math
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project
from records.filterlang import FilterError, compile_sql, parse
from records.vocabulary import vocabulary_of
from scoring import secrets
from scoring.alerts.measuring import scope_of_alert
from scoring.models import OF_METRIC, Alert, AlertEvent, AlertState, Figure
from scoring.monitor.charts import has_mean, judges

MEASURED = (
    "figure", "metric", "filter", "all_spans", "window_seconds", "side", "threshold", "certainty", "least", "no_data",
    "pending_seconds", "recovery_threshold", "recovery_seconds", "enabled",
)  # fmt: skip
EDITABLE = frozenset({"name", "webhook", "emails", *MEASURED})
MOST = 100  # of a project
MOST_EMAILS = 10
SHORTEST, LONGEST = 60, 30 * 86400  # seconds, of a window; the longest also of the times to wait


@dataclass(frozen=True, slots=True)
class Saved:
    """`secret` is the webhook's, where it has just been made: it is shown this once."""

    alert: Alert
    secret: str = ""


def create_alert(project: Project, actor: object, **fields: Any) -> Saved:
    """Raises ValidationError."""
    if Alert.objects.filter(project=project).count() >= MOST:
        raise ValidationError(f"There are {MOST} alerts already: delete one first.")
    return _save(Alert(project=project, by=str(actor)), actor, "alert.create", fields, renew=False)


def change_alert(alert: Alert, actor: object, *, renew_secret: bool = False, **fields: Any) -> Saved:
    """With some fields changed; where they change what is measured, its state begins anew. Raises ValidationError."""
    current = Alert.objects.select_related("project", "metric").get(pk=alert.pk)
    return _save(current, actor, "alert.change", fields, renew_secret)


def delete_alert(alert: Alert, actor: object) -> None:
    """With its history."""
    with transaction.atomic():
        audit.note(alert.project, actor, "alert.delete", alert.name, id=alert.pk)
        Alert.objects.filter(pk=alert.pk).delete()


def checked(project: Project, **fields: Any) -> Alert:
    """What would be saved, stored nowhere: for a look at what it would measure. Raises ValidationError."""
    alert = Alert(project=project, by="")
    _take(alert, fields)
    return alert


def _save(alert: Alert, actor: object, action: str, fields: Mapping[str, Any], renew: bool) -> Saved:
    before = {name: getattr(alert, name) for name in EDITABLE}
    _take(alert, fields)
    changed = sorted(name for name in fields if getattr(alert, name) != before[name])
    secret = ""
    if not alert.webhook:
        alert.secret = ""
    elif renew or not alert.secret:
        secret = randomness.token_urlsafe(32)
        alert.secret = secrets.encrypt(secret)
    try:
        with transaction.atomic():
            if alert.pk is not None:
                _lock_and_begin_anew(alert, actor, changed)
            alert.save()
            audit.note(
                alert.project, actor, action, alert.name, id=alert.pk, fields=changed,
                **({"secret": "renewed"} if secret else {}),
            )  # fmt: skip
    except IntegrityError:
        raise ValidationError({"name": f"There is an alert named {alert.name} already."}) from None
    return Saved(alert, secret)


def _lock_and_begin_anew(alert: Alert, actor: object, changed: list[str]) -> None:
    """The sweeper may have moved the state since we read it: that stays, unless something else is measured now."""
    kept = ("state", "state_since", "breached_since", "fine_since", "evaluated_at", "due_at", "problem", "revision")
    now = Alert.objects.select_for_update().get(pk=alert.pk)
    for name in (*kept, "value", "low", "high", "n"):
        setattr(alert, name, getattr(now, name))
    if not set(changed) & set(MEASURED):
        return
    alert.revision += 1
    alert.due_at, alert.problem = timezone.now(), ""
    alert.evaluated_at = alert.value = alert.low = alert.high = alert.n = None  # of something else
    if alert.state != AlertState.OK:
        AlertEvent.objects.create(
            project_id=alert.project_id, alert=alert, at=timezone.now(), before=alert.state, after=AlertState.OK,
            words=f"begun anew: changed by {actor}",
        )  # fmt: skip
        alert.state, alert.state_since = AlertState.OK, timezone.now()
    alert.breached_since = alert.fine_since = None


def _take(alert: Alert, fields: Mapping[str, Any]) -> None:
    if strange := set(fields) - EDITABLE:
        raise ValidationError({name: "An alert has no such field." for name in sorted(strange)})
    for name, value in fields.items():
        setattr(alert, name, value.strip() if isinstance(value, str) else value)
    if fields == {"enabled": False}:
        return  # what has lost its meaning can always be switched off
    if alert.figure not in OF_METRIC:
        alert.metric = None
    if alert.figure == Figure.RECORDS:
        alert.least = 0  # that there are few is what it measures
    alert.emails = list(dict.fromkeys(email.strip() for email in alert.emails if email.strip()))
    alert.full_clean(exclude=["project", "by"], validate_constraints=False, validate_unique=False)
    if problems := _problems(alert):
        raise ValidationError(problems)


def _problems(alert: Alert) -> dict[str, str]:
    """What full_clean() cannot know, by field."""
    found: dict[str, str] = {}
    if any(character in alert.name for character in "\r\n"):
        found["name"] = "Use one line."
    if alert.figure in OF_METRIC:
        if alert.metric is None or alert.metric.project_id != alert.project_id:
            found["metric"] = "Choose the metric."
        elif alert.figure == Figure.PASSES and not judges(alert.metric):
            found["metric"] = f"{alert.metric.name} has no pass condition."
        elif alert.figure == Figure.MEAN and not has_mean(alert.metric):
            found["metric"] = f"{alert.metric.name} has no numbers to average."
    for name in ("threshold", "recovery_threshold"):
        value = getattr(alert, name)
        if value is not None and not math.isfinite(value):
            found[name] = "This is no number."
        elif value is not None and alert.figure in (Figure.PASSES, Figure.ERRORS) and not 0 <= value <= 1:
            found[name] = "A share lies between 0 and 1, that is 0 % and 100 %."
    back = alert.recovery_threshold
    if back is not None and (back < alert.threshold) == (alert.side == "below") and back != alert.threshold:
        found["recovery_threshold"] = f"It is over on the other side of the threshold: not {alert.side} it."
    if not SHORTEST <= alert.window_seconds <= LONGEST:
        found["window_seconds"] = "From a minute to thirty days."
    for name in ("pending_seconds", "recovery_seconds"):
        if getattr(alert, name) > LONGEST:
            found[name] = "At most thirty days."
    if len(alert.emails) > MOST_EMAILS:
        found["emails"] = f"At most {MOST_EMAILS}."
    if alert.webhook and (problem := _address_problem(alert.webhook)):
        found["webhook"] = problem
    if problem := _filter_problem(alert):
        found["filter"] = problem
    return found


def _filter_problem(alert: Alert) -> str:
    try:
        vocabulary = vocabulary_of(alert.project)
        search = scope_of_alert(alert, timezone.now()).search
        compile_sql(parse(alert.filter, vocabulary), vocabulary, search.now, search.zone, alert.filter)
    except FilterError as error:
        return f"{error.message} (at character {error.pos + 1})"
    return ""


def _address_problem(address: str) -> str:
    """What can be said before anybody calls there: a name's address shows only then."""
    from scoring import outbound  # aiohttp: half a second that other pages need not pay for

    try:
        outbound.check_url(address)
        host = urlsplit(address).hostname or ""
        ip_address(host)
    except outbound.Refused as refused:
        return str(refused)
    except ValueError:
        return ""
    return outbound.refusal(host) or ""

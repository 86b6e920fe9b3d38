"""What an alert says: the JSON of a webhook, and its signature; the words of an e-mail. Pure."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from scoring.alerts.measuring import shown
from scoring.models import Alert, AlertEvent, AlertState, Figure

TIMESTAMP, SIGNATURE, KEY = "EvalHub-Timestamp", "EvalHub-Signature", "EvalHub-Delivery"


@dataclass(frozen=True, slots=True)
class Message:
    """`kind`: fired, recovered or test."""

    kind: str
    title: str
    words: str
    url: str
    records: str


def message_of(alert: Alert, event: AlertEvent | None) -> Message:
    """Without an event it is a test."""
    kind = "test" if event is None else "fired" if event.after == AlertState.FIRING else "recovered"
    opening = {"fired": "Firing", "recovered": "Recovered", "test": "Test"}[kind]
    slug = alert.project.slug
    page = settings.PUBLIC_URL + reverse("scoring:alert", args=[slug, alert.pk])
    records = f"{settings.PUBLIC_URL}{records_url(alert, event.at if event is not None else None)}"
    measured = f"Measured: {event.words}." if event is not None and event.words else ""
    words = " ".join(filter(None, [f"{condition(alert)}.", measured]))
    return Message(kind, f"{opening}: {alert.name}", words, page, records)


def records_url(alert: Alert, at: datetime | None) -> str:
    """The list of the records that were measured at a time; of a rate, those that it counts against."""
    clauses = [f"({alert.filter})"] if alert.filter else []
    if at is not None:
        since = at - timedelta(seconds=alert.window_seconds)
        clauses += [f'created >= "{_stamp(since)}"', f'created < "{_stamp(at)}"']
    if alert.figure == Figure.ERRORS:
        clauses.append("error IS NOT NULL")
    elif alert.metric is not None:
        outcomes = "fail" if alert.figure == Figure.PASSES else "(pass OR fail OR none)"
        clauses.append(f"metric.{alert.metric.slug}.status:{outcomes}")
    listed = {"q": " ".join(clauses)} | ({"spans": "all"} if alert.all_spans else {})
    return f"{reverse('records:list', args=[alert.project.slug])}?{urlencode(listed)}"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(alert: Alert) -> str:
    """ "Pass rate of Factuality below 75 % over 6 h"."""
    return f"{figure_words(alert)} {alert.side} {shown(alert, alert.threshold)} over {lasting(alert.window_seconds)}"


def lasting(seconds: int) -> str:
    """The longest unit that it is a whole number of: 90 min, 6 h, 7 days."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds % size == 0 and seconds >= size and (unit != "days" or seconds > size):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def figure_words(alert: Alert) -> str:
    if alert.metric is not None:
        return f"{'Pass rate' if alert.figure == Figure.PASSES else 'Mean'} of {alert.metric.name}"
    return Figure(alert.figure).label


def body_of(alert: Alert, event: AlertEvent | None, key: str) -> bytes:
    """The webhook's JSON, in UTF-8. Numbers are in the alert's units."""
    message = message_of(alert, event)
    source: Any = event if event is not None else alert
    said = {
        "type": f"alert.{message.kind}", "delivery": key, "title": message.title, "message": message.words,
        "text": f"{message.title}. {message.words} {message.url}",  # what chat programs show
        "project": alert.project.slug,
        "alert": {
            "id": alert.pk, "name": alert.name, "figure": alert.figure,
            "metric": alert.metric.slug if alert.metric else None, "filter": alert.filter, "side": alert.side,
            "threshold": alert.threshold, "window_seconds": alert.window_seconds, "url": message.url,
        },
        "state": event.after if event is not None else alert.state,
        "at": event.at.isoformat() if event is not None else None,
        "measured": {"value": source.value, "low": source.low, "high": source.high, "n": source.n},
        "records_url": message.records,
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`v1=` and the hexadecimal HMAC-SHA256 of "<timestamp>.<body>", keyed with the secret."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def headers_of(secret: str, timestamp: int, body: bytes, key: str) -> dict[str, str]:
    """A receiver recomputes the signature and refuses a timestamp that is not of the last minutes."""
    return {
        "Content-Type": "application/json", TIMESTAMP: str(timestamp), KEY: key,
        SIGNATURE: signature(secret, timestamp, body),
    }  # fmt: skip


def mail_of(alert: Alert, event: AlertEvent | None) -> tuple[str, str]:
    """Subject, one line; and text."""
    message = message_of(alert, event)
    subject = " ".join(f"[{alert.project.name}] {message.title}".split())
    filtered = f"Records: {alert.filter}\n" if alert.filter else ""
    return subject, f"{message.words}\n\n{filtered}{message.url}\n{message.records}\n"

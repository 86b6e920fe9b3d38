"""Empties the outbox: signed webhooks through the guarded client, e-mails through Django's mailer.

No transaction is open while a message is on its way. A delivery is claimed by moving its `due_at`, so that a process
that dies with it leaves it to the next try: a message may come twice (its key tells), and is never lost unseen.
"""

import asyncio
import logging
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from scoring import outbound, secrets
from scoring.alerts.messages import body_of, headers_of, mail_of
from scoring.alerts.outbox import addresses
from scoring.models import Alert, AlertDelivery, Channel, DeliveryStatus

BOUNDS = outbound.Bounds(connect=5, headers=8, body=4, bytes=64 * 1024)
AT_ONCE = 20
LEASE = timedelta(minutes=2)
WAITS = (60, 120, 300, 900, 1800, 3600, 3600)  # seconds after each failure; then it is given up
log = logging.getLogger("scoring.alerts")

NO_MAIL = "E-mail is not set up: EMAIL_HOST names the server."


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` empty: it arrived. `again`: another try may help. `away`: nobody answers there."""

    error: str = ""
    again: bool = False
    away: bool = False


def deliver_due(now: datetime | None = None) -> int:
    """How many arrived."""
    claimed = _claim(now or timezone.now())
    if not claimed:
        return 0
    outcomes = _send_all(claimed)
    for delivery, outcome in zip(claimed, outcomes, strict=True):
        _note(delivery, outcome)
    return sum(not outcome.error for outcome in outcomes)


def send_test(alert: Alert) -> list[tuple[Channel, str, Outcome]]:
    """To every address of the alert as it is, saved or not; nothing is stored. Takes some seconds at the most."""
    tried = [
        AlertDelivery(alert=alert, project_id=alert.project_id, channel=channel, target=target)
        for channel, target in addresses(alert)
    ]
    return [(Channel(one.channel), one.target, outcome) for one, outcome in zip(tried, _send_all(tried), strict=True)]


def _claim(now: datetime) -> list[AlertDelivery]:
    waiting = AlertDelivery.objects.filter(status=DeliveryStatus.WAITING, due_at__lte=now)
    with transaction.atomic():
        locked = waiting.order_by("due_at").select_for_update(skip_locked=True)
        claimed = AlertDelivery.objects.filter(pk__in=list(locked.values_list("pk", flat=True)[:AT_ONCE]))
        claimed.update(due_at=now + LEASE)
    return list(claimed.select_related("alert__project", "alert__metric", "event").order_by("pk"))


@dataclass(frozen=True, slots=True)
class Prepared:
    url: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def _send_all(deliveries: Sequence[AlertDelivery]) -> list[Outcome]:
    """All webhooks at once, then the e-mails. In the loop there is nothing but the calls: database and cipher have had
    their say before."""
    webhooks = [one for one in deliveries if one.channel == Channel.WEBHOOK]
    answers = asyncio.run(_post_all([_prepared(one) for one in webhooks])) if webhooks else []
    found = dict(zip((one.key for one in webhooks), answers, strict=True))
    mails = iter(_mail_all([one for one in deliveries if one.channel == Channel.EMAIL]))
    return [found[one.key] if one.key in found else next(mails) for one in deliveries]


async def _post_all(messages: Sequence[Prepared]) -> list[Outcome]:
    async with outbound.session() as session:
        return await asyncio.gather(*(_post(session, one) for one in messages))


def _prepared(delivery: AlertDelivery) -> Prepared:
    body = body_of(delivery.alert, delivery.event if delivery.event_id else None, str(delivery.key))
    try:
        secret = secrets.decrypt(delivery.alert.secret)
    except secrets.UnreadableSecret:
        return Prepared(delivery.target, problem="Its secret was encrypted with another SECRET_KEY: make a new one.")
    headers = headers_of(secret, int(time.time()), body, str(delivery.key))
    return Prepared(delivery.target, body, tuple(headers.items()))


async def _post(session: object, message: Prepared) -> Outcome:
    if message.problem:
        return Outcome(message.problem)
    try:
        answer = await outbound.send(
            session, "POST", message.url, headers=dict(message.headers), body=message.body, bounds=BOUNDS
        )
    except outbound.Refused as refused:
        return Outcome(str(refused))
    except outbound.OutboundError as problem:
        return Outcome(str(problem), again=True)
    except Exception:  # whatever it is, the others' messages have arrived and are not to be sent again
        log.exception("A webhook's message failed.")
        return Outcome("The message failed: the log says why.", again=True)
    if 200 <= answer.status < 300:
        return Outcome()
    again = answer.status in (408, 409, 425, 429) or answer.status >= 500
    return Outcome(f"The webhook answered {answer.status}.", again)


def _mail_all(deliveries: Sequence[AlertDelivery]) -> list[Outcome]:
    """One after the other; where the server cannot be reached, the rest wait without trying it too."""
    outcomes: list[Outcome] = []
    away: Outcome | None = None
    for delivery in deliveries:
        outcomes.append(away or _mail(delivery))
        if outcomes[-1].away:
            away = outcomes[-1]
    return outcomes


def _mail(delivery: AlertDelivery) -> Outcome:
    if not settings.MAILS:
        return Outcome(NO_MAIL)
    subject, text = mail_of(delivery.alert, delivery.event if delivery.event_id else None)
    headers = {"X-EvalHub-Delivery": str(delivery.key)}
    try:
        EmailMessage(subject, text, to=[delivery.target], headers=headers).send()
    except smtplib.SMTPResponseException as problem:
        return Outcome(f"The mail server answered {problem.smtp_code}.", again=problem.smtp_code < 500)
    except smtplib.SMTPRecipientsRefused:
        return Outcome("The mail server refuses this address.")
    except (smtplib.SMTPException, OSError) as problem:
        return Outcome(f"No mail went out: {type(problem).__name__}.", again=True, away=True)
    except Exception:
        log.exception("An e-mail failed.")
        return Outcome("The message failed: the log says why.")
    return Outcome()


def _note(delivery: AlertDelivery, outcome: Outcome) -> None:
    now, attempts = timezone.now(), delivery.attempts + 1
    changed: dict[str, object] = {"attempts": attempts, "error": outcome.error}
    if not outcome.error:
        changed |= {"status": DeliveryStatus.SENT, "done_at": now}
    elif outcome.again and attempts <= len(WAITS):
        changed["due_at"] = now + timedelta(seconds=WAITS[attempts - 1])
    else:
        changed |= {"status": DeliveryStatus.FAILED, "done_at": now}
    AlertDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).update(**changed)

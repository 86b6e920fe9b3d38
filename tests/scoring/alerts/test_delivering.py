"""Messages of alerts: signed webhooks over real HTTP, e-mails, tries with longer and longer waits."""

import hashlib
import hmac
import json
import smtplib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.utils import timezone

from scoring import outbound
from scoring.alerts import delivering
from scoring.alerts.delivering import WAITS, deliver_due, send_test
from scoring.alerts.editing import create_alert
from scoring.alerts.outbox import tell
from scoring.models import Alert, AlertDelivery, AlertEvent, AlertState, DeliveryStatus, Figure


class Hook(HTTPServer):
    """Takes what is posted as it came; answers with the codes of `codes`, then 204."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.codes: list[int] = []
        super().__init__(("127.0.0.1", 0), Taking)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=k"


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((dict(self.headers), body))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hook(settings) -> Iterator[Hook]:
    settings.PRIVATE_ADDRESSES = True
    with Hook() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def fired(project, **fields) -> tuple[Alert, str]:
    given = {"name": "Volume", "figure": Figure.RECORDS, "threshold": 5, "filter": "model:x"} | fields
    saved = create_alert(project, "ada", **given)
    event = AlertEvent.objects.create(
        project=project, alert=saved.alert, at=timezone.now(), before=AlertState.OK, after=AlertState.FIRING, value=3,
        n=3, words="3, 3 records",
    )  # fmt: skip
    tell(saved.alert, event)
    return saved.alert, saved.secret


def test_a_webhook_is_signed_over_timestamp_and_body(project, hook):
    alert, secret = fired(project, webhook=hook.url)
    assert deliver_due() == 1
    ((headers, body),) = hook.calls
    expected = hmac.new(secret.encode(), headers["EvalHub-Timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["EvalHub-Signature"] == f"v1={expected.hexdigest()}"
    assert abs(int(headers["EvalHub-Timestamp"]) - timezone.now().timestamp()) < 60
    said = json.loads(body)
    assert (said["type"], said["alert"]["id"], said["measured"]["value"]) == ("alert.fired", alert.pk, 3)
    assert "q=%28model%3Ax%29+created+%3E%3D" in said["records_url"] and said["delivery"] == headers["EvalHub-Delivery"]
    delivery = AlertDelivery.objects.get()
    assert (delivery.status, str(delivery.key)) == (DeliveryStatus.SENT, said["delivery"])
    assert deliver_due(timezone.now() + timedelta(days=1)) == 0  # once is enough


def test_the_secret_lies_encrypted(project, hook):
    alert, secret = fired(project, webhook=hook.url)
    assert len(secret) > 30 and secret not in Alert.objects.get(pk=alert.pk).secret


def test_a_failing_webhook_is_tried_again_with_the_same_key_and_given_up_in_the_end(project, hook):
    fired(project, webhook=hook.url)
    hook.codes = [500] * (len(WAITS) + 1)
    now = timezone.now()
    for wait in (0, *WAITS):
        now += timedelta(seconds=wait + 1)
        assert deliver_due(now) == 0
        delivery = AlertDelivery.objects.get()
        assert "answered 500" in delivery.error and "key=k" not in delivery.error
        now = max(now, delivery.due_at)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, len(WAITS) + 1)
    assert len({headers["EvalHub-Delivery"] for headers, _ in hook.calls}) == 1


@pytest.mark.parametrize(("code", "status"), [(400, "failed"), (302, "failed"), (410, "failed"), (429, "waiting")])
def test_what_another_try_cannot_mend_is_not_tried_again(project, hook, code, status):
    fired(project, webhook=hook.url)
    hook.codes = [code]
    deliver_due()
    assert AlertDelivery.objects.get().status == status


def test_a_private_address_is_refused_when_it_is_called(project, hook, settings):
    """A name shows its address only then."""
    fired(project, webhook=hook.url.replace("127.0.0.1", "localhost"))
    settings.PRIVATE_ADDRESSES = False
    deliver_due()
    delivery = AlertDelivery.objects.get()
    assert not hook.calls and delivery.status == DeliveryStatus.FAILED and "private network" in delivery.error


def test_one_that_is_on_its_way_is_not_sent_by_another_process(project, hook, monkeypatch):
    fired(project, webhook=hook.url)
    send, others = outbound.send, []

    async def seen(*args, **kwargs):
        others.append(delivering.LEASE)
        return await send(*args, **kwargs)

    monkeypatch.setattr(outbound, "send", seen)
    first = delivering._claim(timezone.now())
    assert len(first) == 1 and delivering._claim(timezone.now()) == []
    assert deliver_due(timezone.now() + delivering.LEASE) == 1 and len(others) == 1  # as if the first had died


def test_an_email_says_what_was_measured_and_where_to_look(project, settings):
    settings.MAILS = True
    fired(project, emails=["ops@example.com"], name="Volume & more")
    assert deliver_due() == 1
    (message,) = mail.outbox
    assert message.to == ["ops@example.com"] and message.subject == f"[{project.name}] Firing: Volume & more"
    assert "below 5" in message.body and "3 records" in message.body
    assert f"/p/{project.slug}/monitor/alerts/" in message.body


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (smtplib.SMTPServerDisconnected("gone"), "waiting"),
        (ConnectionRefusedError(), "waiting"),
        (smtplib.SMTPDataError(450, b"later"), "waiting"),
        (smtplib.SMTPAuthenticationError(535, b"no"), "failed"),
        (smtplib.SMTPRecipientsRefused({}), "failed"),
    ],
)
def test_a_mail_that_does_not_go_out_says_why(project, settings, monkeypatch, problem, status):
    def failing(self):
        raise problem

    settings.MAILS = True
    monkeypatch.setattr("django.core.mail.EmailMessage.send", failing)
    fired(project, emails=["ops@example.com"])
    assert deliver_due() == 0
    delivery = AlertDelivery.objects.get()
    assert delivery.status == status and delivery.error


def test_where_the_mail_server_is_away_it_is_tried_once_for_all(project, settings, monkeypatch):
    tried = []

    def failing(self):
        tried.append(self.to)
        raise TimeoutError

    settings.MAILS = True
    monkeypatch.setattr("django.core.mail.EmailMessage.send", failing)
    fired(project, emails=[f"a{n}@example.com" for n in range(5)])
    deliver_due()
    assert len(tried) == 1
    assert set(AlertDelivery.objects.values_list("status", "attempts")) == {("waiting", 1)}


def test_without_a_mail_server_the_message_says_so(project, settings):
    settings.MAILS = False
    fired(project, emails=["ops@example.com"])
    deliver_due()
    assert "EMAIL_HOST" in AlertDelivery.objects.get().error and not mail.outbox


def test_a_test_goes_to_every_address_and_is_stored_nowhere(project, hook, settings):
    settings.MAILS = True
    alert = create_alert(
        project, "ada", name="Volume", figure=Figure.RECORDS, threshold=5, webhook=hook.url, emails=["ops@example.com"]
    ).alert
    hook.codes = [503]
    outcomes = send_test(alert)
    assert [(channel, bool(outcome.error)) for channel, _, outcome in outcomes] == [("webhook", True), ("email", False)]
    assert json.loads(hook.calls[0][1])["type"] == "alert.test" and mail.outbox[0].subject.endswith("Test: Volume")
    assert not AlertDelivery.objects.exists() and not AlertEvent.objects.exists()

"""Alerts measured for real: figures, states in the database, changes meanwhile, and what cannot be measured."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from evalhub.models import AuditEvent, Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Metric, Source
from scoring.alerts import evaluating, tidying
from scoring.alerts.editing import change_alert, create_alert, delete_alert
from scoring.alerts.evaluating import evaluate, evaluate_due
from scoring.alerts.messages import records_url
from scoring.models import Alert, AlertDelivery, AlertEvent, AlertState, Figure
from tests import factories


def sent(project, passes: int, fails: int, prefix: str = "r", **fields) -> None:
    scores = [0.9] * passes + [0.1] * fails
    at = timezone.now() - timedelta(minutes=1)
    drafts = [
        RecordDraft(
            f"{prefix}{n}", Source.API, at, latency_ms=1000 + n, error="boom" if value < 0.5 else "", tokens=10,
            scores=[ScoreDraft("quality", {"numerical_value": value})], **fields,
        )
        for n, value in enumerate(scores)
    ]  # fmt: skip
    ingest(project, drafts, "ci")


@pytest.fixture
def metric(project):
    return factories.metric(project, "quality")


def made(project, **fields) -> Alert:
    metric = Metric.objects.filter(project=project, slug="quality").first()
    given = {"name": "Quality", "figure": Figure.PASSES, "metric": metric, "threshold": 0.75}
    return create_alert(project, "ada", **given | fields).alert


def stands(alert: Alert) -> Alert:
    return Alert.objects.select_related("project", "metric").get(pk=alert.pk)


def test_an_alert_fires_and_is_over_again_and_tells_both(project, metric):
    alert = made(project, emails=["ops@example.com"], webhook="https://example.com/hook")
    sent(project, 20, 40)
    assert evaluate_due() == 1
    alert = stands(alert)
    assert (alert.state, alert.n) == (AlertState.FIRING, 60) and alert.high < 0.75
    assert evaluate_due() == 0  # not due again yet
    sent(project, 400, 0, prefix="better")
    assert evaluate_due(timezone.now() + timedelta(minutes=1)) == 1
    assert [event.after for event in alert.events.all()] == [AlertState.OK, AlertState.FIRING]
    told = AlertDelivery.objects.order_by("pk").values_list("event__after", "channel", "target")
    assert sorted(told) == sorted(
        (after, channel, target)
        for after in ("firing", "ok")
        for channel, target in (("email", "ops@example.com"), ("webhook", "https://example.com/hook"))
    )


@pytest.mark.parametrize(
    ("figure", "side", "threshold", "state"),
    [
        (Figure.RECORDS, "below", 61, "firing"),
        (Figure.RECORDS, "above", 60, "ok"),
        (Figure.ERRORS, "above", 0.4, "firing"),
        (Figure.ERRORS, "above", 0.6, "ok"),
        (Figure.TOKENS, "above", 599, "firing"),
        (Figure.COST, "above", 0, "ok"),
        (Figure.LATENCY_P50, "above", 1.0, "firing"),
        (Figure.LATENCY_P95, "above", 1.06, "ok"),
        (Figure.MEAN, "below", 0.5, "firing"),
        (Figure.PASSES, "below", 0.1, "ok"),
    ],
)
def test_each_figure_is_compared_in_its_own_unit(project, metric, figure, side, threshold, state):
    alert = made(project, figure=figure, side=side, threshold=threshold)
    sent(project, 20, 40)
    evaluate(stands(alert), timezone.now())
    assert stands(alert).state == state


def test_silence_is_seen_as_few_records(project, metric):
    alert = made(project, figure=Figure.RECORDS, side="below", threshold=1)
    evaluate(stands(alert), timezone.now())
    assert stands(alert).state == AlertState.FIRING


def test_only_the_records_of_its_filter_and_window_count(project, metric):
    alert = made(project, filter="environment:live", window_seconds=3600)
    sent(project, 0, 40, environment="test")
    evaluate(stands(alert), timezone.now())
    assert (stands(alert).state, stands(alert).n) == (AlertState.OK, 0)
    sent(project, 0, 40, prefix="live", environment="live")
    evaluate(stands(alert), timezone.now() + timedelta(hours=2))
    assert stands(alert).n == 0
    evaluate(stands(alert), timezone.now())
    assert stands(alert).state == AlertState.FIRING


def test_what_was_measured_for_an_alert_changed_meanwhile_is_thrown_away(project, metric, monkeypatch):
    alert = made(project)
    sent(project, 0, 40)
    measure = evaluating.measure

    def changed_meanwhile(alert, now):
        found = measure(alert, now)
        change_alert(alert, "eve", threshold=0.0)
        return found

    monkeypatch.setattr(evaluating, "measure", changed_meanwhile)
    assert evaluate(stands(alert), timezone.now()) is None
    assert stands(alert).state == AlertState.OK and not AlertEvent.objects.exists()


def test_a_change_begins_a_firing_alert_anew_and_a_new_address_does_not(project, metric):
    alert = made(project)
    sent(project, 0, 40)
    evaluate(stands(alert), timezone.now())
    change_alert(stands(alert), "eve", emails=["ops@example.com"])
    assert stands(alert).state == AlertState.FIRING
    change_alert(stands(alert), "eve", threshold=0.0)
    assert stands(alert).state == AlertState.OK
    assert "changed by eve" in alert.events.first().words
    assert not AlertDelivery.objects.exists()  # nothing has recovered


def test_one_that_is_off_is_not_measured(project, metric):
    alert = made(project, enabled=False)
    sent(project, 0, 40)
    assert evaluate_due() == 0 and evaluate(stands(alert), timezone.now()) is None


def test_what_cannot_be_measured_changes_no_state_and_says_why(project, metric, monkeypatch):
    from records.search import SearchTimeout

    def slow(alert, now):
        raise SearchTimeout

    broken = made(project, name="Broken")
    Alert.objects.filter(pk=broken.pk).update(filter="metric.gone:>1")  # as if the metric had gone
    alert = made(project)
    sent(project, 0, 40)
    assert evaluate_due() == 2
    assert "no metric 'gone'" in stands(broken).problem and stands(broken).state == AlertState.OK
    assert stands(alert).state == AlertState.FIRING  # the others go on
    monkeypatch.setattr(evaluating, "measure", slow)
    evaluate(stands(alert), timezone.now())
    assert "too long" in stands(alert).problem and stands(alert).state == AlertState.FIRING


def test_what_is_wrong_is_a_warning_without_names_and_old_history_is_forgotten(project, metric):
    assert tidying.health() == ("ok", [])
    alert = made(project, name="Private name", emails=["ops@example.com"])
    Alert.objects.filter(pk=alert.pk).update(problem="Its filter cannot be read.")
    old, now = timezone.now() - timedelta(days=200), timezone.now()
    for at in (old, now):
        event = AlertEvent.objects.create(project=project, alert=alert, at=at, before="ok", after="firing", words="")
        AlertDelivery.objects.create(
            project=project, alert=alert, event=event, channel="email", target="x", status="failed", done_at=at
        )
    word, warnings = tidying.health()
    assert word == "warnings" and len(warnings) == 2 and "1 message of alerts" in warnings[1]
    assert "Private" not in str(warnings)
    tidying.forget_old()
    assert AlertEvent.objects.count() == AlertDelivery.objects.count() == 1


def test_one_that_breaks_does_not_stop_the_others(project, metric, monkeypatch, caplog):
    first, second = made(project, name="First"), made(project, name="Second")
    measure = evaluating.measure

    def breaking(alert, now):
        if alert.pk == first.pk:
            raise ZeroDivisionError
        return measure(alert, now)

    monkeypatch.setattr(evaluating, "measure", breaking)
    sent(project, 0, 40)
    assert evaluate_due() == 2 and evaluate_due() == 0
    assert "log says why" in stands(first).problem and "ZeroDivisionError" in caplog.text
    assert stands(second).state == AlertState.FIRING


def test_the_records_behind_an_alert_are_those_of_its_window_and_its_filter(client, project, metric):
    sent(project, 3, 5, environment="live")
    sent(project, 0, 4, prefix="test", environment="test")
    alert = made(project, filter="environment:live OR environment:nowhere")
    client.force_login(factories.member(project, Role.VIEWER))
    for at, count in ((timezone.now(), "5"), (timezone.now() - timedelta(hours=2), "0")):
        url = records_url(alert, at).replace("/records/?", "/records/count?")
        assert f"<strong>{count}" in client.get(url).content.decode()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"filter": "modle:x"}, "filter"),
        ({"figure": Figure.PASSES, "metric": None}, "metric"),
        ({"threshold": float("nan")}, "threshold"),
        ({"threshold": 75}, "threshold"),
        ({"recovery_threshold": 0.5}, "recovery_threshold"),
        ({"window_seconds": 5}, "window_seconds"),
        ({"pending_seconds": 10**8}, "pending_seconds"),
        ({"emails": ["nobody"]}, "emails"),
        ({"emails": [f"a{n}@example.com" for n in range(11)]}, "emails"),
        ({"webhook": "ftp://example.com"}, "webhook"),
        ({"webhook": "https://user:pw@example.com/x"}, "webhook"),
        ({"webhook": "http://169.254.169.254/latest"}, "webhook"),
        ({"name": "two\nlines"}, "name"),
        ({"name": ""}, "name"),
        ({"side": "beside"}, "side"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(project, metric, fields, wrong):
    with pytest.raises(ValidationError) as refused:
        made(project, **fields)
    assert wrong in refused.value.message_dict and not Alert.objects.exists()


def test_a_private_address_needs_the_setting(project, metric, settings):
    settings.PRIVATE_ADDRESSES = False
    with pytest.raises(ValidationError, match="private network"):
        made(project, webhook="http://10.0.0.1/hook")
    settings.PRIVATE_ADDRESSES = True
    assert made(project, webhook="http://10.0.0.1/hook").webhook


def test_a_name_stands_once_and_everything_is_audited_without_the_secret(project, metric):
    saved = create_alert(
        project, "ada", name="Volume", figure=Figure.RECORDS, threshold=5, webhook="https://example.com/hook"
    )
    with pytest.raises(ValidationError, match="named volume already"):
        made(project, name="volume")
    renewed = change_alert(saved.alert, "eve", renew_secret=True)
    assert saved.secret and renewed.secret and renewed.secret != saved.secret
    delete_alert(renewed.alert, "eve")
    events = AuditEvent.objects.filter(project=project).order_by("pk")
    assert [(event.actor, event.action) for event in events] == [
        ("ada", "alert.create"), ("eve", "alert.change"), ("eve", "alert.delete"),
    ]  # fmt: skip
    assert not any(secret in str(event.detail) for event in events for secret in (saved.secret, renewed.secret))
    stored = Alert(secret="")
    assert stored.secret == "" and not Alert.objects.exists()

"""Alerts on their pages, in the admin and over the API."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub import apikeys
from evalhub.models import AuditEvent, Role, Scope
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from scoring.alerts.editing import create_alert
from scoring.alerts.evaluating import evaluate
from scoring.models import Alert, AlertState, Figure
from tests import factories

FORM = {
    "name": "Quality", "what": "passes.quality", "filter": "", "window_seconds": "3600", "side": "below",
    "threshold": "75 %", "certainty": "sure", "least": "15", "no_data": "keep", "pending_seconds": "0",
    "recovery_seconds": "0", "recovery_threshold": "", "emails": "a@example.com, b@example.com", "webhook": "",
    "enabled": "on",
}  # fmt: skip


@pytest.fixture
def editor(client, project):
    factories.metric(project, "quality")
    person = factories.member(project, Role.EDITOR)
    client.force_login(person)
    return person


def url(name, project, *args):
    return reverse(f"scoring:{name}", args=[project.slug, *args])


def judged(project, n: int = 40, value: float = 0.1) -> None:
    at = timezone.now() - timedelta(minutes=1)
    scores = [ScoreDraft("quality", {"numerical_value": value})]
    ingest(project, [RecordDraft(f"r{k}", Source.API, at, scores=scores) for k in range(n)], "ci")


def test_the_form_makes_an_alert_in_people_s_words(client, project, editor):
    answer = client.post(url("alert-new", project), FORM)
    alert = Alert.objects.get(project=project)
    assert answer.status_code == 302 and answer.url == url("alert", project, alert.pk)
    assert (alert.figure, alert.metric.slug, alert.threshold) == ("passes", "quality", 0.75)
    assert alert.emails == ["a@example.com", "b@example.com"] and alert.by == editor.username
    text = client.get(url("alert", project, alert.pk)).content.decode()
    assert "Pass rate of Quality below 75 % over 1 h" in text and "not measured yet" in text


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("threshold", "much", "Enter a number"),
        ("threshold", "75", "between 0 and 1"),
        ("filter", "modle:x", "unknown field"),
        ("emails", "nobody", "valid email"),
        ("what", "passes.gone", "not one of the available choices"),
        ("webhook", "http://169.254.169.254/", "never called"),
        ("recovery_threshold", "10 %", "other side"),
    ],
)
def test_a_slip_is_said_beside_its_field_and_keeps_what_was_entered(client, project, editor, field, value, says):
    answer = client.post(url("alert-new", project), FORM | {field: value})
    text = answer.content.decode()
    assert answer.status_code == 422 and says in text and 'value="Quality"' in text
    assert not Alert.objects.exists()


def test_a_chart_s_bell_begins_the_form_with_what_it_shows(client, project, editor):
    text = client.get(url("alert-new", project), {"what": "passes.quality", "q": "model:x"}).content.decode()
    assert '<option value="passes.quality" selected>' in text and 'value="model:x"' in text


def test_measure_now_says_what_would_follow_and_stores_nothing(client, project, editor):
    judged(project)
    text = client.post(url("alert-measure", project), FORM | {"name": ""}).content.decode()
    assert "40 cases" in text and "It would fire." in text
    assert client.post(url("alert-measure", project), FORM | {"filter": "modle:x"}).status_code == 422
    refused = client.post(url("alert-measure", project), FORM | {"threshold": "", "least": ""}).content.decode()
    assert "Threshold: This field is required." in refused and "Least cases: This field is required." in refused
    assert not Alert.objects.exists()


def test_a_webhook_s_secret_is_shown_once(client, project, editor):
    answer = client.post(url("alert-new", project), FORM | {"webhook": "https://example.com/hook"})
    alert = Alert.objects.get()
    assert answer.status_code == 200 and 'id="new-secret"' in answer.content.decode()
    for name in ("alert", "alert-edit"):
        assert "new-secret" not in client.get(url(name, project, alert.pk)).content.decode()
    before = alert.secret
    client.post(url("alert-edit", project, alert.pk), FORM | {"webhook": "https://example.com/other"})
    assert Alert.objects.get().secret == before
    again = client.post(
        url("alert-edit", project, alert.pk), FORM | {"webhook": "https://example.com/other", "renew_secret": "on"}
    )
    assert 'id="new-secret"' in again.content.decode() and Alert.objects.get().secret != before


def test_a_firing_alert_is_seen_on_the_monitor_in_the_list_and_on_its_page(client, project, editor):
    judged(project)
    client.post(url("alert-new", project), FORM)
    evaluate(Alert.objects.select_related("project", "metric").get(), timezone.now())
    alert = Alert.objects.get()
    assert alert.state == AlertState.FIRING
    monitor = client.get(url("monitor", project)).content.decode()
    assert "1 firing" in monitor and url("alert", project, alert.pk) in monitor
    assert "firing" in client.get(url("alerts", project)).content.decode()
    page = client.get(url("alert", project, alert.pk)).content.decode()
    assert "firing" in page and "waiting" in page and "a@example.com" in page and "EMAIL_HOST" in page


def test_what_was_measured_before_a_change_is_not_shown_as_the_new_figure(client, project, editor):
    judged(project)
    client.post(url("alert-new", project), FORM)
    evaluate(Alert.objects.select_related("project", "metric").get(), timezone.now())
    alert = Alert.objects.get()
    assert alert.value == 0
    client.post(url("alert-edit", project, alert.pk), FORM | {"what": "latency_p95", "threshold": "2", "side": "above"})
    assert Alert.objects.get().value is None
    page = client.get(url("alert", project, alert.pk)).content.decode()
    assert "not measured yet" in page and "0 s" not in page


def test_hostile_names_stay_text(client, project, editor):
    client.post(url("alert-new", project), FORM | {"name": "<script>alert(1)</script>"})
    for address in (url("alerts", project), url("alert", project, Alert.objects.get().pk)):
        assert "<script>alert" not in client.get(address).content.decode()


def test_another_project_s_alert_does_not_exist_here(client, project, editor):
    other = factories.project()
    alert = create_alert(other, "x", name="Theirs", figure=Figure.RECORDS, threshold=1).alert
    for name in ("alert", "alert-edit"):
        assert client.get(url(name, project, alert.pk)).status_code == 404
    assert client.post(url("alert-delete", project, alert.pk)).status_code == 404
    assert Alert.objects.filter(pk=alert.pk).exists()


def test_deleting_and_testing_from_the_page(client, project, editor, settings):
    settings.MAILS = True
    client.post(url("alert-new", project), FORM)
    alert = Alert.objects.get()
    tested = client.post(url("alert-test", project, alert.pk)).content.decode()
    assert tested.count("sent") == 2 and "a@example.com" in tested
    assert client.post(url("alert-delete", project, alert.pk)).url == url("alerts", project)
    assert not Alert.objects.exists()


@pytest.mark.parametrize("rows", [1, 20])
def test_the_number_of_queries_is_pinned(client, project, editor, query_budget, rows):
    for n in range(rows):
        alert = create_alert(project, "x", name=f"A{n}", figure=Figure.RECORDS, threshold=1).alert
    with query_budget("scoring:alerts"):
        assert client.get(url("alerts", project)).status_code == 200
    with query_budget("scoring:alert"):
        assert client.get(url("alert", project, alert.pk)).status_code == 200


def test_the_admin_switches_and_shows_no_secret(client, project):
    saved = create_alert(
        project, "x", name="Volume", figure=Figure.RECORDS, threshold=1, webhook="https://example.com/hook"
    )
    client.force_login(factories.member(project, Role.EDITOR))
    address = f"/admin/scoring/alert/{saved.alert.pk}/change/"
    person = client.get(address)
    if person.status_code == 302:  # editors reach the admin as staff
        from evalhub.models import User

        User.objects.update(is_staff=True)
        person = client.get(address)
    text = person.content.decode()
    assert person.status_code == 200 and "Volume" in text
    assert saved.secret not in text and Alert.objects.get().secret not in text
    client.post("/admin/scoring/alert/", {"action": "disable", "_selected_action": [saved.alert.pk]})
    assert Alert.objects.get().enabled is False
    client.post("/admin/scoring/alert/", {"action": "delete_selected", "_selected_action": [saved.alert.pk], "post": 1})
    assert not Alert.objects.exists()
    assert list(AuditEvent.objects.filter(project=project).order_by("pk").values_list("action", flat=True))[-2:] == [
        "alert.change", "alert.delete",
    ]  # fmt: skip


def test_an_alert_whose_filter_has_lost_its_meaning_can_be_switched_off_and_not_on(client, project):
    metric = factories.metric(project, "gone")
    alert = create_alert(
        project, "x", name="A", figure=Figure.RECORDS, threshold=1, filter="metric.gone.status:pass"
    ).alert
    metric.delete()
    person = factories.member(project, Role.EDITOR)
    type(person).objects.update(is_staff=True)
    client.force_login(person)
    for action in ("disable", "enable"):
        data = {"action": action, "_selected_action": [alert.pk]}
        answer = client.post("/admin/scoring/alert/", data, follow=True)
        assert answer.status_code == 200 and Alert.objects.get().enabled is False, action
    assert "A stays as it is: " in answer.content.decode()


@pytest.fixture
def call(client, project):
    factories.metric(project, "quality")
    _, key = apikeys.create(project, "ci", [Scope.READ, Scope.WRITE])

    def send(method: str, path: str = "", body: object = None, key: str = key):
        headers = {"Authorization": f"Bearer {key}"}
        return client.generic(
            method, f"/api/v1/alerts{path}", json.dumps(body) if body is not None else b"",
            content_type="application/json", headers=headers,
        )  # fmt: skip

    return send


ALERT = {"name": "Quality", "figure": "passes", "metric": "quality", "threshold": 0.75}


def test_an_alert_over_the_api_from_making_to_deleting(call, project):
    made = call("POST", "", ALERT | {"webhook": "https://example.com/hook"})
    assert made.status_code == 201 and made.json()["secret"] and made.json()["state"] == "ok"
    path = f"/{made.json()['id']}"
    read = call("GET", path).json()
    assert read["secret"] is None and read["metric"] == "quality" and read["by"] == "key ci"
    changed = call("PATCH", path, {"threshold": 0.8, "enabled": False}).json()
    assert (changed["threshold"], changed["enabled"], changed["secret"]) == (0.8, False, None)
    assert call("PATCH", path, {"renew_secret": True}).json()["secret"]
    assert [item["name"] for item in call("GET").json()["items"]] == ["Quality"]
    assert call("GET", f"{path}/history").json() == {"events": [], "deliveries": []}
    assert call("DELETE", path).status_code == 204 and call("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (ALERT | {"metric": "gone"}, "metric"),
        (ALERT | {"filter": "modle:x"}, "filter"),
        (ALERT | {"threshold": 75}, "threshold"),
        (ALERT | {"emails": ["nobody"]}, "emails"),
        (ALERT | {"colour": "red"}, "colour"),
        (ALERT | {"side": "beside"}, "side"),
        ({"name": "x", "figure": "records"}, "threshold"),
    ],
)
def test_the_api_names_a_wrong_field(call, body, path):
    answer = call("POST", "", body)
    assert answer.status_code == 400 and answer.json()["error"]["fields"][0]["path"] == path
    assert not Alert.objects.exists()


def test_a_webhook_s_address_is_whole_for_those_alone_who_may_change_it(call, client, project):
    made = call("POST", "", ALERT | {"webhook": "https://hooks.example.com/T0/secret?key=k"}).json()
    _, reading = apikeys.create(project, "looker", [Scope.READ])
    assert made["webhook"].endswith("secret?key=k")
    assert call("GET", f"/{made['id']}", key=reading).json()["webhook"] == "https://hooks.example.com/…"
    client.force_login(factories.member(project, Role.VIEWER))
    text = client.get(url("alert", project, made["id"])).content.decode()
    assert "hooks.example.com" in text and "secret?key" not in text


def test_a_reading_key_writes_nothing_and_another_project_s_alert_is_not_there(call, project):
    _, reading = apikeys.create(project, "reader", [Scope.READ])
    assert call("POST", "", ALERT, key=reading).status_code == 403
    theirs = create_alert(factories.project(), "x", name="T", figure=Figure.RECORDS, threshold=1).alert
    assert [call(m, f"/{theirs.pk}", {} if m == "PATCH" else None).status_code for m in ("GET", "PATCH", "DELETE")] == [
        404
    ] * 3

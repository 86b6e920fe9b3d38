"""Rules in the admin: made, changed and deleted by the service, within the projects of who is there."""

import pytest

from evalhub.models import AuditEvent, Role
from scoring.models import Rule
from tests import factories
from tests.scoring.admin.forms import errors, staff
from tests.scoring.rules.made import rule
from tests.scoring.running import exact

ADD = "/admin/scoring/rule/add/"


@pytest.fixture
def editor(client, project):
    person = staff(project)
    client.force_login(person)
    return person


def form(project, evaluator, /, **change: object) -> dict[str, object]:
    sent = {
        "project": project.pk, "name": "Support", "description": "", "filter": "model:gpt", "scope": "span",
        "spans_mode": "named", "span_names": "answer\r\ndraft", "quiet_seconds": "60", "rate": "0.1",
        "evaluators": [evaluator.pk], "budget_usd_day": "2", "budget_calls_day": "", "enabled": "on",
    } | change  # fmt: skip
    return {name: value for name, value in sent.items() if value is not None}


def test_a_rule_is_made_and_changed_with_a_version_each(client, project, editor):
    evaluator = exact(project)
    assert client.post(ADD, form(project, evaluator)).status_code == 302
    made = Rule.objects.get()
    assert (made.span_names, made.rate, made.at_work, made.version) == (["answer", "draft"], 0.1, True, 1)
    assert list(made.evaluators.all()) == [evaluator]
    change = f"/admin/scoring/rule/{made.pk}/change/"
    assert client.get(change).status_code == 200
    assert client.post(change, form(project, evaluator, project=None, rate="0.5", enabled=None)).status_code == 302
    made.refresh_from_db()
    assert (made.rate, made.enabled, made.version) == (0.5, False, 2)
    assert [*AuditEvent.objects.filter(action__startswith="rule.").order_by("id").values_list("action", flat=True)] == [
        "rule.create", "rule.change",
    ]  # fmt: skip


def test_what_the_service_refuses_stands_at_its_field(client, project, editor):
    evaluator = exact(project)
    found = errors(client.post(ADD, form(project, evaluator, filter="modle:x", span_names="")))
    assert "did you mean 'model'" in found["filter"][0] and "(at character 1)" in found["filter"][0]
    assert found["span_names"] == ["Name at least one span."] and not Rule.objects.exists()


def test_the_list_enables_pauses_and_deletes_and_names_the_page(client, project, editor):
    made = rule(project, exact(project))
    html = client.get("/admin/scoring/rule/").content.decode()
    assert f"/p/{project.slug}/rules/{made.slug}/" in html
    act = {"_selected_action": [made.pk]}
    client.post("/admin/scoring/rule/", {"action": "pause"} | act)
    assert not Rule.objects.get().enabled
    client.post("/admin/scoring/rule/", {"action": "enable"} | act)
    assert Rule.objects.get().at_work
    client.post(f"/admin/scoring/rule/{made.pk}/delete/", {"post": "yes"})
    assert not Rule.objects.exists() and AuditEvent.objects.filter(action="rule.delete").exists()


def test_only_rules_and_evaluators_of_ones_own_projects_are_there(client, project, editor):
    other = factories.project()
    foreign = exact(other)
    made = rule(other, foreign)
    assert client.get(f"/admin/scoring/rule/{made.pk}/change/").status_code in (302, 404)
    assert made.name not in client.get("/admin/scoring/rule/").content.decode()
    found = errors(client.post(ADD, form(project, foreign)))
    assert "evaluators" in found
    client.force_login(staff(project, Role.REVIEWER))
    assert client.get("/admin/scoring/rule/").status_code == 403

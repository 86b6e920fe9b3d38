"""The page of API keys: a key is in one answer only, and can be revoked by the project's admins alone."""

import re

from evalhub import apikeys
from evalhub.models import ApiKey, AuditEvent, Role
from tests import factories

KEY = re.compile(r"ehk_[A-Za-z0-9]{8}_[A-Za-z0-9]{32}")


def post(client, project, path="", **data):
    return client.post(f"/p/{project.slug}/settings/keys/{path}", data)


def test_a_key_is_shown_once_and_works(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    answer = post(client, project, name="checkout", scopes=["ingest", "read"], expires="30")
    (plain,) = set(KEY.findall(answer.content.decode()))
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    assert apikeys.authenticate(f"Bearer {plain}").project == project
    again = client.get(f"/p/{project.slug}/settings/keys/").content.decode()
    assert not KEY.search(again) and "checkout" in again
    assert plain not in str(list(AuditEvent.objects.values()))


def test_its_examples_can_be_copied_as_they_are(client, project, settings):
    settings.PUBLIC_URL = "https://hub.example.org"
    client.force_login(factories.member(project, Role.ADMIN))
    html = post(client, project, name="checkout", scopes=["ingest"], expires="").content.decode()
    plain = KEY.search(html)[0]
    assert "curl https://hub.example.org/api/v1/records" in html
    assert f"authorization=Bearer%20{plain}" in html and "OTEL_EXPORTER_OTLP_ENDPOINT=https://hub.example.org" in html


def test_a_refused_form_makes_no_key_and_answers_422(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    apikeys.create(project, "taken", ["read"])
    for data in [
        {"name": "", "scopes": ["read"]},
        {"name": "a"},
        {"name": "a", "scopes": ["root"]},
        {"name": "taken", "scopes": ["read"]},
    ]:
        assert post(client, project, **data).status_code == 422
    assert ApiKey.objects.count() == 1


def test_a_revoked_key_opens_nothing_and_stays_listed(client, project):
    key, plain = apikeys.create(project, "leaked", ["read"])
    admin = factories.member(project, Role.ADMIN)
    client.force_login(admin)
    assert post(client, project, f"{key.pk}/revoke").status_code == 302
    assert apikeys.authenticate(f"Bearer {plain}") is None
    html = client.get(f"/p/{project.slug}/settings/keys/").content.decode()
    assert "leaked" in html and "revoked" in html
    assert AuditEvent.objects.get(action="key.revoke").actor == str(admin)


def test_a_key_of_another_project_is_not_there(client, project):
    key, plain = apikeys.create(factories.project(), "theirs", ["read"])
    client.force_login(factories.member(project, Role.ADMIN))
    assert post(client, project, f"{key.pk}/revoke").status_code == 404
    assert apikeys.authenticate(f"Bearer {plain}")

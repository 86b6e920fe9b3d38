"""Providers in the admin: keys go in and never come out; a project's admins and superusers alone."""

import pytest
from django.contrib.admin.models import LogEntry

from evalhub.models import AuditEvent, Role
from scoring.models import Provider
from scoring.providers import create_provider, key_of
from tests import factories
from tests.model_server import model_server, status
from tests.scoring.admin.forms import errors, staff

pytestmark = pytest.mark.django_db
ADD, CONNECT = "/admin/scoring/provider/add/", "/admin/scoring/provider/connection/"
KEY = "sk-very-secret"


def form(project, /, **change: object) -> dict[str, object]:
    sent = {
        "project": project and project.pk, "name": "Main", "kind": "openai", "base_url": "", "key": KEY,
        "model_names": "m1\r\nm2\r\n", "concurrency": "8", "prices": "{}",
    } | change  # fmt: skip
    return {name: value for name, value in sent.items() if value is not None}


@pytest.fixture
def boss(client, project):
    person = staff(project, Role.ADMIN)
    client.force_login(person)
    return person


def change(provider: Provider) -> str:
    return f"/admin/scoring/provider/{provider.pk}/change/"


def test_an_admin_of_the_project_sets_up_a_provider(client, project, boss):
    assert client.post(ADD, form(project)).status_code == 302
    provider = Provider.objects.get()
    assert (provider.project, provider.model_names, provider.concurrency) == (project, ["m1", "m2"], 8)
    assert key_of(provider) == KEY
    assert AuditEvent.objects.get().action == "provider.create"


def test_a_key_is_in_no_page_no_history_and_no_trail(client, project, boss):
    client.post(ADD, form(project))
    provider = Provider.objects.get()
    client.post(change(provider), form(project, key="sk-second", name="Other"))
    refused = client.post(change(provider), form(project, key="sk-third", name=""))
    pages = [
        refused,
        *(client.get(url) for url in (change(provider), "/admin/scoring/provider/", f"{change(provider)}../history/")),
    ]
    provider.refresh_from_db()
    said = "".join(page.content.decode() for page in pages)
    said += str(list(AuditEvent.objects.values())) + str(list(LogEntry.objects.values()))
    for secret in (KEY, "sk-second", "sk-third", provider.secret):
        assert secret not in said
    assert key_of(provider) == "sk-second"


def test_a_key_stays_where_none_is_entered_and_goes_when_it_is_to(client, project, boss):
    provider = create_provider(project, "x", key=KEY, name="Main")
    assert client.post(change(provider), form(project, key="")).status_code == 302
    provider.refresh_from_db()
    assert key_of(provider) == KEY
    client.post(change(provider), form(project, key="", remove_key="on"))
    provider.refresh_from_db()
    assert provider.secret == ""


def test_a_key_is_asked_for_again_when_the_address_changes(client, project, boss):
    provider = create_provider(project, "x", key=KEY, name="Main")
    assert "key" in errors(client.post(change(provider), form(project, key="", base_url="https://evil.example.com")))
    sent = form(project, key="", base_url="https://evil.example.com", connection_object_id=provider.pk)
    assert "enter the key again" in client.post(CONNECT, sent).content.decode()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": ""}, "name"), ({"base_url": "ftp://x"}, "base_url"), ({"kind": "azure"}, "base_url"),
        ({"prices": '{"m": 1}'}, "prices"), ({"prices": "{"}, "prices"), ({"concurrency": "0"}, "concurrency"),
        ({"requests_per_minute": "0"}, "requests_per_minute"), ({"project": None}, "project"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(client, project, boss, sent, field):
    assert field in errors(client.post(ADD, form(project, **sent)))
    assert not Provider.objects.exists()


def test_only_superusers_reach_the_shared_ones(client, project, boss):
    shared = create_provider(None, "root", key=KEY, name="Shared")
    assert client.get(change(shared)).status_code == 302
    assert client.post(CONNECT, form(None, connection_object_id=shared.pk)).status_code == 404
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    assert client.get(change(shared)).status_code == 200
    assert client.post(ADD, form(None, name="Another")).status_code == 302
    assert Provider.objects.get(name="Another").project is None


def test_nobody_below_an_admin_of_the_project_reaches_providers(client, project):
    provider = create_provider(project, "x", key=KEY, name="Main")
    other = staff(factories.project(), Role.ADMIN)
    people = {staff(project, role): 403 for role in (Role.VIEWER, Role.REVIEWER, Role.EDITOR)} | {other: 404}
    for person, refused in people.items():
        client.force_login(person)
        assert client.get(change(provider)).status_code in (403, 302)
        assert client.post(change(provider), form(project, name="Mine")).status_code in (403, 302)
        assert client.post(CONNECT, form(project, connection_object_id=provider.pk)).status_code == refused
        assert client.get("/admin/scoring/provider/").status_code == (200 if person == other else 403)
    provider.refresh_from_db()
    assert provider.name == "Main"


def test_the_connection_is_tested_with_what_the_form_says(client, project, boss):
    with model_server() as server:
        sent = form(project, base_url=server.url, connection_model="")
        page = client.post(CONNECT, sent, headers={"HX-Request": "true"}).content.decode()
        assert "works" in page and "<html" not in page
        assert server.requests[0].body["model"] == "m1"
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        provider = create_provider(project, "x", key="sk-stored", name="Stored", base_url=server.url)
        stored = form(project, key="", base_url=server.url, connection_object_id=provider.pk, connection_model="m9")
        assert b"<html" in client.post(CONNECT, stored).content
        assert server.requests[1].headers["authorization"] == "Bearer sk-stored"
        assert server.requests[1].body["model"] == "m9"
        server.answers.append(status(401))
        refused = client.post(CONNECT, sent).content.decode()
        assert "does not work" in refused and KEY not in refused
    assert "does not work" in client.post(CONNECT, form(project, base_url="http://127.0.0.1:9")).content.decode()
    assert "Name a model" in client.post(CONNECT, form(project, model_names="")).content.decode()
    assert not Provider.objects.filter(name="Main").exists() and client.get(CONNECT).status_code == 405


def test_providers_are_archived_and_restored(client, project, boss):
    provider = create_provider(project, "x", name="Main")
    for action in ("archive", "restore"):
        client.post("/admin/scoring/provider/", {"action": action, "_selected_action": [provider.pk]})
        provider.refresh_from_db()
        assert bool(provider.archived_at) == (action == "archive")
    assert client.post(f"/admin/scoring/provider/{provider.pk}/delete/", {"post": "yes"}).status_code == 403

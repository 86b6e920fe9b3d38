"""Signing in and out, the profile and the password."""

from evalhub.models import AuditEvent, Role
from tests import factories


def test_a_stranger_is_sent_to_sign_in_and_back(client, project):
    user = factories.member(project, Role.ADMIN)
    page = f"/p/{project.slug}/settings/"
    assert client.get(page).url == f"/sign-in?next={page}"
    answer = client.post("/sign-in", {"username": user.username, "password": "secret", "next": page})
    assert answer.url == page and client.get(page).status_code == 200


def test_a_fragment_without_a_session_sends_the_whole_page_to_sign_in(client, project):
    page = f"/p/{project.slug}/settings/audit/?after=1"
    headers = {"HX-Request": "true", "HX-Current-URL": f"https://hub.example.org{page}"}
    answer = client.get(f"/p/{project.slug}/settings/audit/", headers=headers)
    assert answer["HX-Redirect"] == f"/sign-in?next=%2Fp%2F{project.slug}%2Fsettings%2Faudit%2F%3Fafter%3D1"
    user = factories.member(project, Role.ADMIN)
    signed_in = client.post(answer["HX-Redirect"], {"username": user.username, "password": "secret", "next": page})
    assert signed_in.url == page


def test_a_wrong_password_answers_422_and_names_neither_part(client, db):
    user = factories.user()
    wrong = client.post("/sign-in", {"username": user.username, "password": "wrong"})
    unknown = client.post("/sign-in", {"username": "nobody", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 422
    words = "Please enter a correct username and password"
    assert words in wrong.content.decode() and words in unknown.content.decode()


def test_signing_in_never_leads_to_another_site(client, db):
    user = factories.user()
    for target in ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]:
        assert client.post("/sign-in", {"username": user.username, "password": "secret", "next": target}).url == "/"
        client.logout()


def test_signing_out_takes_a_post(client, db):
    client.force_login(factories.user())
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").url == "/sign-in"
    assert client.get("/").status_code == 302


def test_the_profile_keeps_name_and_zone_and_refuses_an_unknown_zone(client, db):
    user = factories.user()
    client.force_login(user)
    wrong = client.post("/profile", {"first_name": "Ines", "time_zone": "Mars/Olympus"})
    assert wrong.status_code == 422
    user.refresh_from_db()
    assert user.first_name == ""
    assert client.post("/profile", {"first_name": "Ines", "time_zone": "Europe/Berlin"}).status_code == 302
    user.refresh_from_db()
    assert (user.first_name, user.time_zone) == ("Ines", "Europe/Berlin")
    assert AuditEvent.objects.get(action="user.change").detail == {"fields": ["first_name", "time_zone"]}


def test_times_are_shown_in_the_zone_of_whoever_looks(client, project):
    admin = factories.member(project, Role.ADMIN)
    AuditEvent.objects.create(project=project, actor="a", action="b.c", at="2026-01-01T23:30:00Z")
    client.force_login(admin)
    audit = f"/p/{project.slug}/settings/audit/"
    assert "1 Jan 2026, 23:30" in client.get(audit).content.decode()
    project.__class__.objects.update(time_zone="Europe/Berlin")
    assert "2 Jan 2026, 00:30" in client.get(audit).content.decode()
    admin.__class__.objects.update(time_zone="America/New_York")
    assert "1 Jan 2026, 18:30" in client.get(audit).content.decode()


def test_a_zone_that_this_machine_does_not_know_breaks_no_page(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    project.__class__.objects.update(time_zone="Mars/Olympus")
    assert client.get(f"/p/{project.slug}/settings/audit/").status_code == 200


def test_a_new_password_signs_out_other_browsers_but_not_this_one(client, db):
    from django.test import Client

    user = factories.user()
    other = Client()
    client.force_login(user), other.force_login(user)
    new = {"old_password": "secret", "new_password1": "tall-orange-43", "new_password2": "tall-orange-43"}
    assert client.post("/profile/password", new | {"old_password": "no"}).status_code == 422
    assert client.post("/profile/password", new).status_code == 302
    assert client.get("/").status_code == 200 and other.get("/").status_code == 302

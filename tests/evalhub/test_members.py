"""Members: added by name or e-mail, created with a password for one sign-in, and never without an admin."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from evalhub import members
from evalhub.models import AuditEvent, Membership, Role, User
from tests import factories


def url(project, path=""):
    return f"/p/{project.slug}/settings/members/{path}"


def as_admin(client, project) -> User:
    admin = factories.member(project, Role.ADMIN)
    client.force_login(admin)
    return admin


def test_an_existing_user_is_added_by_name_or_email(client, project):
    as_admin(client, project)
    ada, bob = factories.user("ada"), factories.user("bob", email="bob@example.org")
    client.post(url(project), {"who": "ADA", "role": Role.EDITOR})
    client.post(url(project), {"who": "bob@example.org", "role": Role.VIEWER})
    assert Membership.objects.get(project=project, user=ada).role == Role.EDITOR
    assert Membership.objects.get(project=project, user=bob).role == Role.VIEWER
    assert list(AuditEvent.objects.filter(action="member.add").values_list("target", flat=True)) == ["bob", "ada"]


def test_what_cannot_be_added_answers_422_and_says_why(client, project):
    admin = as_admin(client, project)
    factories.user("x1", email="same@example.org"), factories.user("x2", email="same@example.org")
    factories.user("gone", is_active=False)
    for who, words in [
        ("nobody", "no such user"), ("same@example.org", "Several users"), (admin.username, "a member already"),
        ("gone", "may not sign in"), ("", "required"),
    ]:  # fmt: skip
        answer = client.post(url(project), {"who": who, "role": Role.VIEWER})
        assert answer.status_code == 422 and words in answer.content.decode(), who
    assert client.post(url(project), {"who": "not a name!", "role": 1, "create": "on"}).status_code == 422
    assert client.post(url(project), {"who": "x1", "role": 9}).status_code == 422
    assert project.memberships.count() == 1


def test_a_new_user_signs_in_once_and_then_chooses_a_password(client, project):
    as_admin(client, project)
    answer = client.post(url(project), {"who": "eve@example.org", "role": Role.REVIEWER, "create": "on"})
    password = re.search(r'id="new-password">([^<]+)<', answer.content.decode())[1]
    assert answer["Cache-Control"] == "no-store"
    assert password not in client.get(url(project)).content.decode()
    assert password not in str(list(AuditEvent.objects.values()))
    eve = User.objects.get(username="eve@example.org")
    assert eve.email == "eve@example.org" and eve.memberships.get().role == Role.REVIEWER

    client.logout()
    assert client.post("/sign-in", {"username": "eve@example.org", "password": password}).status_code == 302
    for path in ["/", "/profile", url(project)]:
        assert client.get(path).url == "/profile/password"
    new = {"old_password": password, "new_password1": "tall-orange-43", "new_password2": "tall-orange-43"}
    assert client.post("/profile/password", new).status_code == 302
    assert client.get("/").status_code == 200


def test_a_role_is_changed_and_audited(client, project):
    admin, other = as_admin(client, project), factories.member(project)
    assert client.post(url(project, f"{other.pk}/role"), {"role": Role.EDITOR}).status_code == 302
    assert project.memberships.get(user=other).role == Role.EDITOR
    event = AuditEvent.objects.get(action="member.role")
    assert (event.actor, event.target, event.detail) == (
        str(admin),
        str(other),
        {"before": "Viewer", "after": "Editor"},
    )


def test_the_last_admin_can_neither_leave_nor_step_down(client, project):
    admin = as_admin(client, project)
    inactive = factories.member(project, Role.ADMIN)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    for path, data in [("remove", {}), ("role", {"role": Role.EDITOR})]:
        answer = client.post(url(project, f"{admin.pk}/{path}"), data)
        assert answer.status_code == 422 and "A project needs an admin" in answer.content.decode()
    assert project.memberships.get(user=admin).role == Role.ADMIN
    factories.member(project, Role.ADMIN)
    answer = client.post(url(project, f"{admin.pk}/remove"), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/"  # the page is not theirs any more
    assert not project.memberships.filter(user=admin).exists()


def test_a_member_of_another_project_is_not_found(client, project):
    as_admin(client, project)
    stranger = factories.member(factories.project(), Role.EDITOR)
    for path, data in [("remove", {}), ("role", {"role": Role.VIEWER})]:
        assert client.post(url(project, f"{stranger.pk}/{path}"), data).status_code == 404
    assert stranger.memberships.get().role == Role.EDITOR


def test_htmx_gets_the_list_anew_with_a_toast(client, project):
    as_admin(client, project)
    other = factories.member(project, name="zoe")
    answer = client.post(url(project, f"{other.pk}/remove"), headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "zoe is removed" in answer["HX-Trigger"]
    html = answer.content.decode()
    assert html.lstrip().startswith("<div") and "<html" not in html


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_remove_each_other_at_once_leave_one():
    project = factories.project()
    ann, bob = factories.member(project, Role.ADMIN), factories.member(project, Role.ADMIN)
    start = Barrier(2)

    def remove(actor: User, other: User) -> bool:
        start.wait()
        try:
            members.remove(project, other.pk, actor)
        except members.LastAdmin:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(remove, [ann, bob], [bob, ann]))
    assert sorted(done) == [False, True] and project.memberships.count() == 1

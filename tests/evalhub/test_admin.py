"""The Django admin: editors reach their own projects' rows without being superusers, and nobody else's."""

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django_rq.models import Dashboard

from evalhub import apikeys
from evalhub.models import ApiKey, AuditEvent, Membership, Project, Role, User
from evalhub.projectadmin import ProjectAdmin
from records.models import Metric, ModelPrice, ValueType
from tests import factories

METRIC = {
    "slug": "tone", "name": "Tone", "value_type": "numerical", "min_score": "0", "max_score": "1",
    "passing_score": "0.5", "direction": "higher", "categorical_choices": "[]", "position": "0",
}  # fmt: skip


def staff(project: Project, role: Role) -> User:
    person = factories.member(project, role)
    person.is_staff = True
    person.save()
    return person


def rows(answer) -> set[int]:
    return {row.pk for row in answer.context["cl"].result_list}


@pytest.fixture
def other(db) -> Project:
    return factories.project("other-project")


def test_who_is_not_staff_does_not_enter(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    assert client.get("/admin/").status_code == 302


def test_an_editor_lists_the_metrics_of_their_projects_alone(client, project, other):
    mine, theirs = factories.metric(project), factories.metric(other)
    client.force_login(staff(project, Role.EDITOR))
    answer = client.get("/admin/records/metric/")
    assert rows(answer) == {mine.pk}
    assert other.name not in answer.content.decode()  # not even among the filter's choices
    assert client.get(f"/admin/records/metric/{mine.pk}/change/").status_code == 200
    for page in ["change", "history", "delete"]:
        assert client.get(f"/admin/records/metric/{theirs.pk}/{page}/").status_code in (302, 403)
    assert theirs.pk not in rows(client.get(f"/admin/records/metric/?project__id__exact={other.pk}"))


def test_what_is_wrong_is_named_before_the_fields_also_in_a_pop_up(client, project):
    client.force_login(staff(project, Role.EDITOR))
    wrong = METRIC | {"project": project.pk, "slug": "Not a slug", "max_score": "-1"}
    page = client.post("/admin/records/metric/add/?_popup=1", wrong | {"_popup": "1"}).content.decode()
    said = page[page.index('class="wrong"') : page.index('name="slug"')]
    assert '<a href="#id_slug">' in said and 'role="alert"' in said
    assert 'class="wrong"' not in client.get("/admin/records/metric/add/").content.decode()


def test_the_queues_have_a_name_for_people(client, db):
    client.force_login(User.objects.create_superuser("root", password="secret"))
    page = client.get("/admin/").content.decode()
    assert "Django_Rq" not in page and "Queues" in page


def test_reviewers_and_viewers_who_are_staff_reach_nothing(client, project):
    metric = factories.metric(project)
    for role in (Role.VIEWER, Role.REVIEWER):
        client.force_login(staff(project, role))
        assert client.get("/admin/records/metric/").status_code == 403
        assert client.get(f"/admin/records/metric/{metric.pk}/change/").status_code in (302, 403)
        assert client.post("/admin/records/metric/add/", METRIC | {"project": project.pk}).status_code == 403


def test_an_editor_adds_a_metric_to_their_project_and_to_no_other(client, project, other):
    client.force_login(staff(project, Role.EDITOR))
    answer = client.post("/admin/records/metric/add/", METRIC | {"project": other.pk})
    assert answer.status_code == 200 and "project" in answer.context["adminform"].form.errors
    assert client.post("/admin/records/metric/add/", METRIC | {"project": project.pk}).status_code == 302
    assert Metric.objects.get(slug="tone").project == project
    assert AuditEvent.objects.get(action="metric.add").project == project


def test_what_the_metric_service_refuses_is_an_error_of_the_form(client, project):
    client.force_login(staff(project, Role.EDITOR))
    wrong = METRIC | {"project": project.pk, "min_score": "5", "max_score": "1"}
    answer = client.post("/admin/records/metric/add/", wrong)
    assert answer.status_code == 200 and answer.context["adminform"].form.errors
    assert not Metric.objects.filter(slug="tone").exists()


def test_a_changed_pass_condition_is_a_new_version(client, project):
    metric = factories.metric(project, "tone", ValueType.NUMERICAL)
    client.force_login(staff(project, Role.EDITOR))
    url = f"/admin/records/metric/{metric.pk}/change/"
    assert client.post(url, METRIC | {"name": metric.name, "passing_score": "0.8"}).status_code == 302
    metric.refresh_from_db()
    assert (metric.passing_score, metric.version) == (0.8, 2)
    assert AuditEvent.objects.get(action="metric.change").project == project


def test_an_action_touches_no_row_of_another_project(client, project, other):
    mine, theirs = factories.metric(project), factories.metric(other)
    client.force_login(staff(project, Role.EDITOR))
    client.post("/admin/records/metric/", {"action": "archive", "_selected_action": [mine.pk, theirs.pk]})
    mine.refresh_from_db(), theirs.refresh_from_db()
    assert mine.archived_at and not theirs.archived_at


def test_keys_members_and_the_audit_trail_take_a_project_admin(client, project, other):
    key, plain = apikeys.create(project, "ours", ["read"])
    apikeys.create(other, "theirs", ["read"])
    pages = ["apikey", "membership", "auditevent", "project"]
    client.force_login(staff(project, Role.EDITOR))
    for page in pages:
        assert client.get(f"/admin/evalhub/{page}/").status_code == 403, page
    client.force_login(staff(project, Role.ADMIN))
    for page in pages:
        html = client.get(f"/admin/evalhub/{page}/").content.decode()
        assert "theirs" not in html and other.name not in html, page
    for page in ["", f"{key.pk}/change/"]:
        html = client.get(f"/admin/evalhub/apikey/{page}").content.decode()
        assert key.lookup in html and key.digest not in html and plain not in html


def test_keys_are_revoked_but_neither_made_nor_changed(client, project):
    key, plain = apikeys.create(project, "ours", ["read"])
    client.force_login(staff(project, Role.ADMIN))
    assert client.get("/admin/evalhub/apikey/add/").status_code == 403
    assert client.post(f"/admin/evalhub/apikey/{key.pk}/change/", {"name": "x"}).status_code == 403
    client.post("/admin/evalhub/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
    assert apikeys.authenticate(f"Bearer {plain}") is None and ApiKey.objects.get().name == "ours"


def test_the_audit_trail_cannot_be_changed_even_by_a_superuser(client, project):
    event = AuditEvent.objects.create(project=project, actor="a", action="b.c")
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    url = f"/admin/evalhub/auditevent/{event.pk}"
    assert client.get(f"{url}/change/").status_code == 200
    assert client.post(f"{url}/change/", {"actor": "x"}).status_code == 403
    assert client.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/evalhub/auditevent/", {"action": "delete_selected", "_selected_action": [event.pk], "post": 1})
    assert AuditEvent.objects.get(pk=event.pk).actor == "a"


def test_the_last_admin_stays_in_the_admin_too(client, project):
    boss = staff(project, Role.ADMIN)
    client.force_login(boss)
    member = Membership.objects.get(user=boss)
    answer = client.post(f"/admin/evalhub/membership/{member.pk}/change/", {"role": Role.VIEWER})
    assert answer.status_code == 200 and "needs an admin" in answer.content.decode()
    assert client.post(f"/admin/evalhub/membership/{member.pk}/delete/", {"post": "yes"}).status_code == 403
    factories.member(project, Role.ADMIN)
    assert client.post(f"/admin/evalhub/membership/{member.pk}/change/", {"role": Role.VIEWER}).status_code == 302
    assert AuditEvent.objects.filter(action="member.role").count() == 1


def test_users_and_prices_are_for_superusers(client, project):
    client.force_login(staff(project, Role.ADMIN))
    me = User.objects.get(pk=client.session["_auth_user_id"])
    for page in [
        "evalhub/user/",
        f"evalhub/user/{me.pk}/change/",
        f"evalhub/user/{me.pk}/password/",
        "records/modelprice/",
    ]:
        assert client.get(f"/admin/{page}").status_code == 403, page
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    assert client.get("/admin/evalhub/user/").status_code == 200
    price = {"model": "gpt-4o*", "provider": "", "input": "2.5", "output": "10"}
    assert client.post("/admin/records/modelprice/add/", price).status_code == 302
    assert ModelPrice.objects.get().input == 2.5 and AuditEvent.objects.get(action="price.add").target == "gpt-4o*"


def test_every_page_of_the_admin_opens_for_a_superuser(client, project):
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    factories.metric(project), factories.member(project), apikeys.create(project, "k", ["read"])
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in ("evalhub", "records", "scoring", "experiments"):
            continue
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{base}_changelist") + "?q=a").status_code == 200, model
        if (first := model._default_manager.first()) is not None:
            assert client.get(reverse(f"{base}_change", args=[first.pk])).status_code == 200, model
        may_add = model_admin.has_add_permission(type("R", (), {"user": User.objects.get(is_superuser=True)})())
        assert client.get(reverse(f"{base}_add")).status_code == (200 if may_add else 403), model


def test_the_queues_of_all_projects_are_for_superusers(client, rf, project):
    client.force_login(staff(project, Role.ADMIN))
    for path in ["", "stats.json/", "queues/0/", "queues/0/some-job/"]:
        assert client.get(f"/admin/django_rq/dashboard/{path}").status_code == 403, path
    request = rf.post("/")
    request.user = staff(project, Role.ADMIN)
    for url in admin.site._registry[Dashboard].get_urls():
        with pytest.raises(PermissionDenied):
            url.callback(request)
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    assert client.get("/admin/django_rq/dashboard/").status_code == 200


def test_whatever_belongs_to_a_project_is_registered_with_the_admin_that_limits_it():
    for model, model_admin in admin.site._registry.items():
        if any(field.name == "project" for field in model._meta.fields):
            assert isinstance(model_admin, ProjectAdmin), model


def test_a_superuser_adds_a_member_and_an_editor_a_tag_each_with_a_line_in_the_audit_trail(client, project):
    person = factories.user()
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    data = {"project": project.pk, "user": person.pk, "role": Role.EDITOR}
    assert client.post("/admin/evalhub/membership/add/", data).status_code == 302
    assert client.post("/admin/evalhub/membership/add/", data).status_code == 200  # they are a member already
    assert person.memberships.get().role == Role.EDITOR
    client.force_login(staff(project, Role.EDITOR))
    assert client.post("/admin/records/tag/add/", {"project": project.pk, "name": "billing"}).status_code == 302
    trail = set(AuditEvent.objects.filter(project=project).values_list("action", flat=True))
    assert {"member.add", "tag.add"} <= trail

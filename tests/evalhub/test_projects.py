"""The list of projects, creating one, its settings and its audit trail."""

from datetime import timedelta

from django.utils import timezone

from evalhub.models import AuditEvent, Project, Role
from records.models import Metric
from tests import factories


def test_one_sees_ones_own_projects_and_a_superuser_all(client, project):
    theirs = factories.project("their-secret")
    client.force_login(factories.member(project))
    for path in ["/", "/projects/menu"]:
        html = client.get(path).content.decode()
        assert project.name in html and theirs.name not in html
    client.force_login(factories.user(is_superuser=True))
    assert theirs.name in client.get("/").content.decode()


def test_without_a_project_the_page_says_what_to_do(client, db):
    client.force_login(factories.user("lonely"))
    html = client.get("/").content.decode()
    assert "You belong to no project yet" in html and "lonely" in html


def test_staff_create_a_project_with_its_metrics_and_become_its_admin(client, db):
    staff = factories.user(is_staff=True)
    client.force_login(staff)
    answer = client.post("/projects/new", {"name": "Help desk", "slug": "help-desk", "time_zone": "Europe/Berlin"})
    assert answer.url == "/p/help-desk/settings/keys/"
    project = Project.objects.get(slug="help-desk")
    assert project.memberships.get().role == Role.ADMIN and project.time_zone == "Europe/Berlin"
    assert {"note", "feedback"} <= set(Metric.objects.filter(project=project).values_list("slug", flat=True))
    assert AuditEvent.objects.get(action="project.create").actor == str(staff)


def test_who_is_not_staff_creates_none(client, db):
    client.force_login(factories.user())
    assert client.post("/projects/new", {"name": "A", "slug": "a", "time_zone": "UTC"}).status_code == 403
    assert not Project.objects.exists()


def test_a_wrong_new_project_answers_422(client, project):
    client.force_login(factories.user(is_staff=True))
    for slug in ["", "Upper", "a b", "-x", "a/b", project.slug, "x" * 64]:
        assert client.post("/projects/new", {"name": "A", "slug": slug, "time_zone": "UTC"}).status_code == 422, slug
    assert Project.objects.count() == 1


def test_settings_are_changed_and_audited(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    url = f"/p/{project.slug}/settings/"
    good = {"name": "New name", "time_zone": "Asia/Tokyo", "reviewer_cost_limit": "2.50"}
    for wrong in [{"name": ""}, {"time_zone": "Mars/X"}, {"reviewer_cost_limit": "-1"}]:
        assert client.post(url, good | wrong).status_code == 422
    assert client.post(url, good | {"slug": "other"}).status_code == 302
    changed = Project.objects.get(pk=project.pk)
    assert (changed.name, changed.slug, changed.time_zone) == ("New name", project.slug, "Asia/Tokyo")
    assert AuditEvent.objects.get(action="project.change").detail == {
        "fields": ["name", "time_zone", "reviewer_cost_limit"]
    }


def test_the_audit_trail_is_paged_newest_first_without_gap_or_repeat(client, project):
    now = timezone.now()
    AuditEvent.objects.bulk_create(
        AuditEvent(project=project, actor="a", action="x.y", target=f"event-{n}-", at=now - timedelta(seconds=n // 4))
        for n in range(120)
    )
    AuditEvent.objects.create(project=factories.project(), actor="a", action="x.y", target="theirs")
    client.force_login(factories.member(project, Role.ADMIN))
    seen, after = [], ""
    while True:
        answer = client.get(f"/p/{project.slug}/settings/audit/", {"after": after})
        seen += [row.record.target for row in answer.context["table"].rows]
        if not (after := answer.context["older"]):
            break
    expected = project.audit_events.order_by("-at", "-id").values_list("target", flat=True)
    assert seen == list(expected) and len(set(seen)) == 120


def test_a_cursor_that_no_page_gave_out_is_refused(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    for after in ["x", "1", "1-", "-5", "1-9" + "9" * 30, "9" * 40 + "-1", "\x00"]:
        assert client.get(f"/p/{project.slug}/settings/audit/", {"after": after}).status_code == 400, after


def test_hostile_names_are_text(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    AuditEvent.objects.create(
        project=project, actor="<script>a", action="<b>", target="<img src=x>", detail={"<i>": ["<u>", 1], "n": None}
    )
    html = client.get(f"/p/{project.slug}/settings/audit/").content.decode()
    assert not any(tag in html for tag in ["<script>a", "<code><b>", "<img", "<i>", "<u>"]) and "&lt;u&gt;, 1" in html

"""The demo's projects: made once, recognised by their audit event, and deleted only when they bear it."""

from typing import Any

from django.db import connection, transaction

from evalhub import audit
from evalhub.models import AuditEvent, Membership, Project, Role, User
from experiments.demo.stories import DemoProject, Plan
from records.metrics import change_metric, create_metric, metric_for, set_primary_evaluator
from records.projects import open_project

ACTOR = "command line"
BEGUN, FILLED = "demo.begin", "demo.fill"
# Who they are in the demo: nobody can sign in as them.
PEOPLE = {"ina": Role.REVIEWER, "marco": Role.EDITOR, "lee": Role.VIEWER}
HOT_TABLES = (
    "score_detail", "score_sample", "score_rollup", "score", "payload", "blob", "blob_use", "outbox", "record_sample",
    "record_rollup", "record",
)  # fmt: skip


def is_ours(project: Project) -> bool:
    return AuditEvent.objects.filter(project=project, action=BEGUN).exists()


def is_filled(project: Project) -> bool:
    return AuditEvent.objects.filter(project=project, action=FILLED).exists()


@transaction.atomic
def begin(demo: DemoProject, plan: Plan) -> Project:
    """The empty project: metrics, and members. Administrators of the installation become its admins."""
    project = open_project(demo.SLUG, demo.NAME, description=demo.DESCRIPTION)
    audit.note(project, ACTOR, BEGUN, demo.SLUG, seed=plan.seed, records=plan.records, now=plan.now.isoformat())
    for position, fields in enumerate(demo.METRICS):
        _create_metric(project, position, dict(fields))
    for position, slug in enumerate(("note", "feedback"), len(demo.METRICS)):
        change_metric(metric_for(project, slug), position=position)
    members = {user: Role.ADMIN for user in User.objects.filter(is_superuser=True, is_active=True)}
    members |= {user: role for name, role in PEOPLE.items() if (user := _person(name))}
    Membership.objects.bulk_create(Membership(project=project, user=user, role=role) for user, role in members.items())
    return project


def _create_metric(project: Project, position: int, fields: dict[str, Any]) -> None:
    evaluator = fields.pop("evaluator", "")
    metric = create_metric(project, position=position, **fields)
    if evaluator:
        set_primary_evaluator(metric, evaluator)


def _person(name: str) -> User | None:
    """The demo's user of that name; None when a real person bears it, who did not ask for these projects."""
    user = User.objects.filter(username=name).first()
    if user is None:
        return User.objects.create_user(name)  # without a password there is no signing in
    return None if user.has_usable_password() else user


def remove(project: Project) -> None:
    """Deletes a demo project with all that is in it. The hot tables go by project, which their indexes begin with."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for table in HOT_TABLES:
                cursor.execute(f"DELETE FROM {table} WHERE project_id = %s", [project.id])  # noqa: S608 - our own names
        slug = project.slug
        project.delete()
        audit.note(None, ACTOR, "demo.reset", slug)

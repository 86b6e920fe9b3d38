"""Opening a project: the tenant itself, and what every project starts with."""

from django.core.exceptions import ValidationError
from django.db import transaction

from evalhub import audit
from evalhub.models import Membership, Project, Role, User
from records.metrics import create_default_metrics


@transaction.atomic
def open_project(slug: str, name: str, owner: User | None = None, **fields: object) -> Project:
    """A new project with its default metrics, and `owner` its admin. Raises ValidationError by field."""
    project = Project(slug=slug, name=name or slug.replace("-", " ").capitalize(), **fields)
    project.full_clean()
    project.save()
    if owner is not None:
        Membership.objects.create(project=project, user=owner, role=Role.ADMIN)
    create_default_metrics(project)
    audit.note(project, owner or "command line", "project.create", slug)
    return project


def owner_named(username: str) -> User:
    """The active user of that name, or ValidationError."""
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise ValidationError({"owner": f"There is no active user {username!r}."})
    return user

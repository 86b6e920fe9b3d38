"""Plain functions that make one valid thing each; every argument has a default."""

from itertools import count

from django.utils import timezone

from evalhub.models import Membership, Project, Role, User
from records.ids import uuid7
from records.models import Metric, Payload, Record, Source, ValueType

_n = count(1)


def user(name: str = "", **fields: object) -> User:
    return User.objects.create_user(name or f"user{next(_n)}", password="secret", **fields)


def project(slug: str = "", **fields: object) -> Project:
    slug = slug or f"project-{next(_n)}"
    return Project.objects.create(slug=slug, name=fields.pop("name", slug.replace("-", " ").title()), **fields)


def member(project: Project, role: Role = Role.VIEWER, name: str = "") -> User:
    person = user(name)
    Membership.objects.create(project=project, user=person, role=role)
    return person


def metric(project: Project, slug: str = "", value_type: ValueType = ValueType.NUMERICAL, **fields: object) -> Metric:
    if value_type == ValueType.NUMERICAL:
        fields = {"min_score": 0, "max_score": 1, "passing_score": 0.5} | fields
    slug = slug or f"metric_{next(_n)}"
    return Metric.objects.create(project=project, slug=slug, name=slug.title(), value_type=value_type, **fields)


def record(project: Project, inputs: object = None, outputs: object = None, **fields: object) -> Record:
    """A row and its payload alone, without roll-ups: what goes through ingest has those."""
    id = fields.setdefault("id", uuid7())
    fields = {"created_at": timezone.now(), "source": Source.API, "is_root": True, "external_id": str(id)} | fields
    made = Record.objects.create(project=project, **fields)
    Payload.objects.create(project=project, record_id=id, inputs=inputs, outputs=outputs)
    return made

"""Plain functions that make one valid thing each; every argument has a default."""

from itertools import count

from evalhub.models import Membership, Project, Role, User
from records.models import Metric, ValueType

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

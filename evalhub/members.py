"""Who belongs to a project. Every change is one transaction with its line in the audit trail.

The project's row is locked first, so that two admins who remove each other at once do not leave it without one.
"""

import secrets

from django.conf import settings
from django.db import transaction

from evalhub import audit
from evalhub.models import Membership, Project, Role, User


class LastAdmin(ValueError):
    """The change would leave the project without an admin."""

    def __init__(self) -> None:
        super().__init__("A project needs an admin: make somebody else one first.")


@transaction.atomic
def add(project: Project, user: User, role: Role, actor: User) -> Membership:
    """Raises IntegrityError when the user is a member already."""
    member = Membership.objects.create(project=project, user=user, role=role)
    audit.note(project, actor, "member.add", user, role=role.label)
    return member


@transaction.atomic
def invite(project: Project, name: str, role: Role, actor: User) -> tuple[Membership, str]:
    """Creates a user of this name (its e-mail too, if it is one) and returns its password for the first sign-in.

    None ("") where the e-mail's owner comes by OpenID Connect: nobody else is to have a way into their account.
    """
    email = name if "@" in name else ""
    password = "" if email and settings.OIDC_ISSUER else secrets.token_urlsafe(12)
    user = User.objects.create_user(name, email, password or None, must_change_password=bool(password))
    audit.note(project, actor, "user.create", user)
    return add(project, user, role, actor), password


@transaction.atomic
def change_role(project: Project, user_id: int, role: Role, actor: User) -> Membership:
    """Raises Membership.DoesNotExist or LastAdmin."""
    member = _locked(project, user_id)
    if member.role == role:
        return member
    _keep_an_admin(member)
    before, member.role = Role(member.role), role
    member.save(update_fields=["role"])
    audit.note(project, actor, "member.role", member.user, before=before.label, after=role.label)
    return member


@transaction.atomic
def remove(project: Project, user_id: int, actor: User) -> Membership:
    """Raises Membership.DoesNotExist or LastAdmin."""
    member = _locked(project, user_id)
    _keep_an_admin(member)
    member.delete()
    audit.note(project, actor, "member.remove", member.user, role=Role(member.role).label)
    return member


def _locked(project: Project, user_id: int) -> Membership:
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    return Membership.objects.select_related("user").get(project=project, user_id=user_id)


def is_last_admin(member: Membership) -> bool:
    others = Membership.objects.filter(project=member.project_id, role=Role.ADMIN, user__is_active=True)
    return member.role == Role.ADMIN and not others.exclude(pk=member.pk).exists()


def _keep_an_admin(member: Membership) -> None:
    """Call with the project locked, before `member` stops being what they are."""
    if is_last_admin(member):
        raise LastAdmin

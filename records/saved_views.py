"""Saved views: whose they are, who may change them, and how one is stored."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from evalhub.models import Project, Role, User
from records.models import SavedView

PARTS = ("q", "spans", "sort", "columns")  # of the list's URL
MOST = 50  # shared ones of a project, and private ones of a user in it


class ViewProblem(ValueError):
    """A view that cannot be stored, in words for the reader."""


def views_of(project: Project, user: User) -> QuerySet[SavedView]:
    """The shared ones and the user's own: the default first, then as they were made."""
    return SavedView.objects.filter(Q(shared=True) | Q(owner=user), project=project)


def may_change(view: SavedView, user: User, role: Role) -> bool:
    """A private view is its owner's; a shared one its owner's who still may share, and the editors'."""
    if view.shared and role >= Role.EDITOR:
        return True
    return view.owner_id == user.pk and not view.is_default and (not view.shared or role >= Role.REVIEWER)


def query_of(parameters: Mapping[str, str]) -> str:
    """What a view keeps of the list's parameters, always in the same order."""
    return urlencode({name: parameters[name] for name in PARTS if parameters.get(name)})


def save_view(view: SavedView) -> SavedView:
    """Stores it; a default takes the place of the one before. Raises ViewProblem."""
    beside = SavedView.objects.filter(project=view.project, shared=view.shared).exclude(pk=view.pk)
    if (beside if view.shared else beside.filter(owner=view.owner)).count() >= MOST:
        raise ViewProblem(f"There are {MOST} views already: delete one first.")
    try:
        with transaction.atomic():
            if view.is_default:
                beside.filter(is_default=True).update(is_default=False)
            view.save()
    except IntegrityError:
        raise ViewProblem(f"There is a view named {view.name} already.") from None
    return view

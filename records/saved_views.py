"""Saved views: whose they are, who may change them, and how one is stored. What a page above keeps under a name in the
same way, such as a dashboard, is a model with the same fields."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.db.models import Model, Q, QuerySet

from evalhub.models import Project, Role, User
from records.models import SavedView

PARTS = ("q", "spans", "sort", "columns")  # of the list's URL
MOST = 50  # shared ones of a project, and private ones of a user in it


class ViewProblem(ValueError):
    """A view that cannot be stored, in words for the reader."""


def views_of[M: Model](project: Project, user: User, model: type[M] = SavedView) -> QuerySet[M]:
    """The shared ones and the user's own: the default first, then as they were made."""
    return model.objects.filter(Q(shared=True) | Q(owner=user), project=project)


def may_change(view: SavedView, user: User, role: Role) -> bool:
    """A private view is its owner's; a shared one its owner's who still may share, and the editors'."""
    if view.shared and role >= Role.EDITOR:
        return True
    return view.owner_id == user.pk and not view.is_default and (not view.shared or role >= Role.REVIEWER)


def query_of(parameters: Mapping[str, str], parts: Sequence[str] = PARTS) -> str:
    """What a view keeps of its page's parameters, always in the same order."""
    return urlencode({name: parameters[name] for name in parts if parameters.get(name)})


def save_view[M: Model](view: M) -> M:
    """Stores it; a default takes the place of the one before. Raises ViewProblem."""
    noun, others = view._meta.verbose_name, type(view).objects.exclude(pk=view.pk)
    beside = others.filter(project=view.project, shared=view.shared)
    if (beside if view.shared else beside.filter(owner=view.owner)).count() >= MOST:
        raise ViewProblem(f"There are {MOST} {noun}s already: delete one first.")
    try:
        with transaction.atomic():
            if view.is_default:
                beside.filter(is_default=True).update(is_default=False)
            view.save()
    except IntegrityError:
        raise ViewProblem(f"There is a {noun} named {view.name} already.") from None
    return view

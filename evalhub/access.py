"""The only door to a project: every page and every look-up starts from the project that this module hands over.

Outsiders get 404, as if the project did not exist; members whose role is too weak get 403.
"""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from evalhub import zones
from evalhub.models import Membership, Project, Role, User

View = Callable[..., HttpResponse]


def project_for(user: User, slug: str) -> tuple[Project, Role]:
    """The project and the user's role in it, in one query. Raises Http404 for outsiders, as if there were none."""
    if user.is_superuser:
        return get_object_or_404(Project, slug=slug), Role.ADMIN
    member = Membership.objects.select_related("project").filter(project__slug=slug, user=user).first()
    if member is None:
        raise Http404("No such project.")
    return member.project, Role(member.role)


def projects_of(user: User):
    return Project.objects.all() if user.is_superuser else Project.objects.filter(memberships__user=user)


def project_page(*methods: str, role: Role = Role.VIEWER) -> Callable[[View], View]:
    """Turns `view(request, project, ...)` into a view of a URL with `<slug:slug>`; the role is on `request.role`.

    Times are shown, and words like "today" read, in the user's zone (`zones.zone_of`) while the view runs.
    """

    def decorate(view: View) -> View:
        @require_http_methods(methods)
        @wraps(view)
        def wrapper(request: HttpRequest, slug: str, *args: object, **kwargs: object) -> HttpResponse:
            project, held = project_for(request.user, slug)
            if held < role:
                raise PermissionDenied(f"This needs the role {role.label.lower()} in {project.name}.")
            request.project, request.role = project, held
            with timezone.override(zones.zone_of(request.user, project)):
                return view(request, project, *args, **kwargs)

        wrapper.required_role = role
        return wrapper

    return decorate


def superuser_page(*methods: str) -> Callable[[View], View]:
    """For pages of the whole installation: anybody else who is signed in gets 403."""

    def decorate(view: View) -> View:
        @require_http_methods(methods)
        @wraps(view)
        def wrapper(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not request.user.is_superuser:
                raise PermissionDenied("This is for superusers.")
            return view(request, *args, **kwargs)

        return wrapper

    return decorate

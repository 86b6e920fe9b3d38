"""The only door to a project: every page and every look-up starts from the project that this module hands over.

Outsiders get 404, as if the project did not exist; members whose role is too weak get 403.
"""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from evalhub import zones
from evalhub.models import Membership, Project, Role, User

View = Callable[..., HttpResponse]


def role_of(user: User, project: Project) -> Role | None:
    """The user's role in the project; a superuser is an admin everywhere."""
    if user.is_superuser:
        return Role.ADMIN
    role = Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


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
            project = Project.objects.filter(slug=slug).first()
            held = project and role_of(request.user, project)
            if not held:
                raise Http404("No such project.")
            if held < role:
                raise PermissionDenied(f"This needs the role {role.label.lower()} in {project.name}.")
            request.project, request.role = project, held
            with timezone.override(zones.zone_of(request.user, project)):
                return view(request, project, *args, **kwargs)

        wrapper.required_role = role
        return wrapper

    return decorate

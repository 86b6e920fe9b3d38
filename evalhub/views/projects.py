"""The projects somebody may enter: the first page after signing in, and the menu in the top bar."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evalhub.access import projects_of
from evalhub.models import Membership

IN_MENU = 12  # more are found on the page, where the browser's own search reaches all of them


@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    roles = {held.project_id: held.get_role_display() for held in Membership.objects.filter(user=request.user)}
    projects = list(projects_of(request.user))
    for project in projects:
        project.held_role = roles.get(project.pk, "Superuser")
    return render(request, "evalhub/projects.html", {"projects": projects})


@require_GET
def project_menu(request: HttpRequest) -> HttpResponse:
    projects = list(projects_of(request.user)[: IN_MENU + 1])
    context = {"projects": projects[:IN_MENU], "more": len(projects) > IN_MENU, "current": request.GET.get("current")}
    return render(request, "evalhub/_project_menu.html", context)

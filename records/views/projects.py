"""Creating a project: here, and not with the other project pages, because a project starts with metrics."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from evalhub.forms import NewProjectForm
from records.projects import open_project


@require_http_methods(["GET", "POST"])
def create_project(request: HttpRequest) -> HttpResponse:
    """Staff alone; whoever creates a project is its first admin, and goes on to make its first key."""
    if not request.user.is_staff:
        raise PermissionDenied("Projects are created by staff.")
    form = NewProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = open_project(owner=request.user, **form.cleaned_data)
        messages.success(request, f"{project.name} is open.")
        return redirect("project-keys", project.slug)
    return render(request, "evalhub/create_project.html", {"form": form}, status=422 if form.errors else 200)

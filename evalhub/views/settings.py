"""A project's own settings, and what was done in it."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from evalhub import audit, htmx, paging
from evalhub.access import project_page
from evalhub.forms import ProjectForm
from evalhub.models import Project, Role
from evalhub.tables import AuditTable


@project_page("GET", "POST", role=Role.ADMIN)
def general(request: HttpRequest, project: Project) -> HttpResponse:
    form = ProjectForm(request.POST or None, instance=Project.objects.get(pk=project.pk))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            audit.note(project, request.user, "project.change", project.slug, fields=form.changed_data)
        messages.success(request, "Saved.")
        return redirect("project-settings", project.slug)
    return render(request, "evalhub/settings/general.html", {"form": form}, status=422 if form.errors else 200)


@project_page("GET", role=Role.ADMIN)
def audit_trail(request: HttpRequest, project: Project) -> HttpResponse:
    after = request.GET.get("after", "")
    events, older = paging.page(project.audit_events.all(), "at", after)
    context = {"table": AuditTable(events), "older": older, "first_page": not after}
    return htmx.render_page(request, "evalhub/settings/audit.html", "trail", context)

"""How long a project keeps records and their payloads, and what would go."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from evalhub import audit
from evalhub.access import project_page
from evalhub.forms import RetentionForm
from evalhub.models import Project, Role
from records.retention import COUNTED, due


@project_page("GET", "POST", role=Role.ADMIN)
def retention(request: HttpRequest, project: Project) -> HttpResponse:
    form = RetentionForm(request.POST or None, instance=Project.objects.get(pk=project.pk))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            days = {name: form.cleaned_data[name] for name in form.Meta.fields}
            audit.note(project, request.user, "retention.change", project.slug, **days)
        messages.success(request, "Saved. What is past its days goes within minutes, a little at a time.")
        return redirect("records:retention", project.slug)
    return render(request, "records/retention.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@project_page("GET", role=Role.ADMIN)
def retention_preview(request: HttpRequest, project: Project) -> HttpResponse:
    """What would go with the days that stand in the form, saved or not."""
    form = RetentionForm(request.GET, instance=Project(pk=project.pk))
    context = {"form": form, "most": COUNTED}
    if form.is_valid():
        days = form.cleaned_data
        context["due"] = due(project, days["record_days"], days["payload_days"], timezone.now())
    return render(request, "records/_retention_preview.html", context)

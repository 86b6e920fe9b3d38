"""Dialogs that save, change and delete a dashboard."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseLocation

from evalhub.access import project_page
from evalhub.models import Project
from records.saved_views import ViewProblem, may_change, save_view
from records.views.saved_views import NamedForm, changeable, number_of
from scoring.models import Dashboard
from scoring.monitor.asked import Asked
from scoring.monitor.dashboards import dashboards_of, query_of
from scoring.views.monitor import url_of


@never_cache
@project_page("GET", "POST")
def dashboard_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Saves the monitor of this very URL under a name, or in place of the dashboard that it came from (`replace`)."""
    came_from = dashboards_of(project, request.user).filter(pk=number_of(request.GET.get("dashboard", ""))).first()
    if came_from and not may_change(came_from, request.user, request.role):
        came_from = None
    if request.method == "GET":
        return _dialog(request, NamedForm(role=request.role), came_from=came_from)
    form = NamedForm(request.POST, role=request.role)
    replaces = came_from is not None and request.POST.get("replace") == str(came_from.pk)
    if replaces:
        form.fields["name"].required = False
    if form.is_valid():
        dashboard = came_from if replaces else form.fill(Dashboard(project=project, owner=request.user), request.user)
        dashboard.query = query_of(request.GET.dict())
        asked = Asked(request.GET, project, request.user)
        try:
            if asked.error is not None or asked.problem:
                raise ViewProblem("What this page asks for cannot be read: mend it first.")
            return _to(request, url_of(_page(project), save_view(dashboard)))
        except ViewProblem as problem:
            form.add_error("name", str(problem))
    return _dialog(request, form, came_from=came_from)


@never_cache
@project_page("GET", "POST")
def dashboard_edit(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    """Its name, and whose it is."""
    dashboard = changeable(request, dashboards_of(project, request.user), id)
    if request.method == "GET":
        initial = {"name": dashboard.name, "shared": dashboard.shared}
        return _dialog(request, NamedForm(role=request.role, initial=initial), changes=id)
    form = NamedForm(request.POST, role=request.role)
    if form.is_valid():
        form.fill(dashboard, request.user)
        try:
            return _to(request, url_of(_page(project), save_view(dashboard)))
        except ViewProblem as problem:
            form.add_error("name", str(problem))
    return _dialog(request, form, changes=id)


@project_page("POST")
def dashboard_delete(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    changeable(request, dashboards_of(project, request.user), id).delete()
    return _to(request, _page(project))


def _page(project: Project) -> str:
    return reverse("scoring:monitor", args=[project.slug])


def _to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseLocation(url, target="#monitor", swap="innerHTML") if request.htmx else redirect(url)


def _dialog(request: HttpRequest, form: NamedForm, **context: Any) -> HttpResponse:
    context |= {"form": form, "query": request.GET.urlencode()}
    return render(request, "scoring/_save_dashboard.html", context, status=422 if form.errors else 200)

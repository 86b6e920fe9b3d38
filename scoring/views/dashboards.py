"""Dialogs that save, change and delete a dashboard."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseLocation

from evalhub.access import project_page
from evalhub.models import Project, Role
from records.views.saved_views import number_of
from scoring.models import Dashboard
from scoring.monitor.asked import Asked
from scoring.monitor.dashboards import DashboardProblem, dashboards_of, may_change, query_of, save_dashboard
from scoring.views.monitor import url_of


class DashboardForm(forms.Form):
    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}))
    shared = forms.BooleanField(required=False, label="Shared with everybody in the project")

    def __init__(self, *args: Any, role: Role, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if role < Role.REVIEWER:
            if self.data.get("shared"):
                raise PermissionDenied("This needs the role reviewer.")
            del self.fields["shared"]

    def fill(self, dashboard: Dashboard) -> Dashboard:
        dashboard.name = self.cleaned_data["name"]
        dashboard.shared = self.cleaned_data.get("shared", dashboard.shared)
        return dashboard


@never_cache
@project_page("GET", "POST")
def dashboard_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Saves the monitor of this very URL under a name, or in place of the dashboard that it came from (`replace`)."""
    came_from = dashboards_of(project, request.user).filter(pk=number_of(request.GET.get("dashboard", ""))).first()
    if came_from and not may_change(came_from, request.user, request.role):
        came_from = None
    if request.method == "GET":
        return _dialog(request, DashboardForm(role=request.role), came_from=came_from)
    form = DashboardForm(request.POST, role=request.role)
    replaces = came_from is not None and request.POST.get("replace") == str(came_from.pk)
    if replaces:
        form.fields["name"].required = False
    if form.is_valid():
        dashboard = came_from if replaces else form.fill(Dashboard(project=project, owner=request.user))
        dashboard.query = query_of(request.GET.dict())
        asked = Asked(request.GET, project, request.user)
        try:
            if asked.error is not None or asked.problem:
                raise DashboardProblem("What this page asks for cannot be read: mend it first.")
            return _to(request, url_of(_page(project), save_dashboard(dashboard)))
        except DashboardProblem as problem:
            form.add_error("name", str(problem))
    return _dialog(request, form, came_from=came_from)


@never_cache
@project_page("GET", "POST")
def dashboard_edit(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    """Its name, and whose it is."""
    dashboard = _changeable(request, project, id)
    if request.method == "GET":
        initial = {"name": dashboard.name, "shared": dashboard.shared}
        return _dialog(request, DashboardForm(role=request.role, initial=initial), changes=id)
    form = DashboardForm(request.POST, role=request.role)
    if form.is_valid():
        form.fill(dashboard)
        if not dashboard.shared and dashboard.owner_id != request.user.pk:
            dashboard.owner = request.user  # nobody else would see it again
        try:
            return _to(request, url_of(_page(project), save_dashboard(dashboard)))
        except DashboardProblem as problem:
            form.add_error("name", str(problem))
    return _dialog(request, form, changes=id)


@project_page("POST")
def dashboard_delete(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    _changeable(request, project, id).delete()
    return _to(request, _page(project))


def _changeable(request: HttpRequest, project: Project, id: int) -> Dashboard:
    dashboard = dashboards_of(project, request.user).filter(pk=id).first()
    if dashboard is None:
        raise Http404("No such dashboard.")
    if not may_change(dashboard, request.user, request.role):
        raise PermissionDenied("This dashboard is its owner's and the editors' to change.")
    return dashboard


def _page(project: Project) -> str:
    return reverse("scoring:monitor", args=[project.slug])


def _to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseLocation(url, target="#monitor", swap="innerHTML") if request.htmx else redirect(url)


def _dialog(request: HttpRequest, form: DashboardForm, **context: Any) -> HttpResponse:
    context |= {"form": form, "query": request.GET.urlencode()}
    return render(request, "scoring/_save_dashboard.html", context, status=422 if form.errors else 200)

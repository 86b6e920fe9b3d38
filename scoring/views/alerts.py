"""Alerts: the list, one with its history and its messages, the form, and a test of where messages go."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django_htmx.http import HttpResponseClientRedirect

from evalhub.access import project_page
from evalhub.htmx import wants_fragment
from evalhub.models import Project, Role
from records.search import SearchTimeout
from scoring.alerts import editing
from scoring.alerts.evaluating import terms_of
from scoring.alerts.form import AlertForm
from scoring.alerts.measuring import measure, shown
from scoring.alerts.messages import condition, records_url
from scoring.alerts.outbox import addresses, masked
from scoring.alerts.states import read
from scoring.models import Alert, AlertDelivery, AlertState, DeliveryStatus

NEWEST = 50  # changes of state and messages shown
ORDER = {AlertState.FIRING: 0, AlertState.PENDING: 1, AlertState.OK: 2}


@never_cache
@project_page("GET")
def alert_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those that fire first."""
    lately = timezone.now() - timedelta(days=1)
    lost = AlertDelivery.objects.filter(alert=OuterRef("pk"), status=DeliveryStatus.FAILED, created_at__gte=lately)
    alerts = list(Alert.objects.filter(project=project).select_related("metric").annotate(lost=Exists(lost)))
    alerts.sort(key=lambda alert: (not alert.enabled, ORDER[AlertState(alert.state)], alert.name.lower()))
    context = {"rows": [_row(alert) for alert in alerts], "may_edit": request.role >= Role.EDITOR}
    return render(request, "scoring/alerts/list.html", context)


@never_cache
@project_page("GET")
def alert(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    return _page(request, _found(project, id))


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
@sensitive_variables("saved")
def alert_new(request: HttpRequest, project: Project) -> HttpResponse:
    """`?what=` and `?q=` begin it with what a chart of the monitor shows."""
    if request.method == "GET":
        given = {"what": request.GET.get("what", ""), "filter": request.GET.get("q", "")}
        initial = {name: value for name, value in given.items() if value}
        form = AlertForm(project=project, initial=initial | {"all_spans": request.GET.get("spans") == "all"})
        return _form(request, form)
    form = AlertForm(request.POST, project=project)
    saved = form.save(request.user) if form.is_valid() else None
    if saved is None:
        return _form(request, form)
    if saved.secret:  # shown this once, so there is no redirect
        return _page(request, _found(project, saved.alert.pk), secret=saved.secret)
    messages.success(request, f"{saved.alert.name} is measured within a minute.")
    return redirect("scoring:alert", project.slug, saved.alert.pk)


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
@sensitive_variables("saved")
def alert_edit(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    found = _found(project, id)
    form = AlertForm(request.POST if request.method == "POST" else None, project=project, alert=found)
    saved = form.save(request.user) if request.method == "POST" and form.is_valid() else None
    if saved is None:
        return _form(request, form)
    if saved.secret:
        return _page(request, _found(project, id), secret=saved.secret)
    messages.success(request, f"{saved.alert.name} is saved.")
    return redirect("scoring:alert", project.slug, id)


@project_page("POST", role=Role.EDITOR)
def alert_measure(request: HttpRequest, project: Project) -> HttpResponse:
    """What the form as it is would measure now, and what would follow; stored nowhere."""
    form = AlertForm(request.POST, project=project)
    if not request.POST.get("name"):
        form.data = form.data.copy()
        form.data["name"] = "-"  # it measures the same without a name
    looked = form.look() if form.is_valid() else None
    context: dict[str, Any] = {"form": form, "alert": looked}
    if looked is not None:
        try:
            found = measure(looked, timezone.now())
            context |= {"found": found, "reading": read(terms_of(looked), found).value, "says": condition(looked)}
        except SearchTimeout as problem:
            context["problem"] = str(problem)
    return render(request, "scoring/alerts/_measured.html", context, status=422 if form.errors else 200)


@project_page("POST", role=Role.EDITOR)
def alert_test(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    """Sends a test to every address of the alert, and says what came of it."""
    from scoring.alerts.delivering import send_test  # aiohttp: half a second that other pages need not pay for

    found = _found(project, id)
    outcomes = [(masked(target), outcome) for _, target, outcome in send_test(found)]
    context = {"outcomes": outcomes, "alert": found}
    return render(request, "scoring/alerts/_tested.html", context)


@project_page("POST", role=Role.EDITOR)
def alert_delete(request: HttpRequest, project: Project, id: int) -> HttpResponse:
    found = _found(project, id)
    editing.delete_alert(found, request.user)
    messages.success(request, f"{found.name} is deleted.")
    address = reverse("scoring:alerts", args=[project.slug])
    return HttpResponseClientRedirect(address) if wants_fragment(request) else redirect(address)


def _found(project: Project, id: int) -> Alert:
    return get_object_or_404(Alert.objects.select_related("project", "metric"), project=project, pk=id)


def _row(alert: Alert) -> dict[str, Any]:
    """An alert as list and page show it."""
    return {
        "alert": alert, "condition": condition(alert),
        "measured": None if alert.value is None else shown(alert, alert.value),
        "interval": f"{shown(alert, alert.low)} to {shown(alert, alert.high)}" if alert.low is not None else "",
        "awaited": alert.enabled and alert.evaluated_at is None,
    }  # fmt: skip


@sensitive_variables("secret")
def _page(request: HttpRequest, alert: Alert, secret: str = "") -> HttpResponse:
    context = _row(alert) | {
        "events": [(event, records_url(alert, event.at)) for event in alert.events.all()[:NEWEST]],
        "deliveries": [(one, masked(one.target)) for one in alert.deliveries.select_related("event")[:NEWEST]],
        "told": [masked(target) for _, target in addresses(alert)],
        "may_edit": request.role >= Role.EDITOR, "secret": secret,
        "recovers_at": None if alert.recovery_threshold is None else shown(alert, alert.recovery_threshold),
        "no_mail": bool(alert.emails) and not settings.MAILS,
    }  # fmt: skip
    return render(request, "scoring/alerts/detail.html", context)


def _form(request: HttpRequest, form: AlertForm) -> HttpResponse:
    context = {"form": form, "alert": form.alert, "mails": settings.MAILS}
    return render(request, "scoring/alerts/form.html", context, status=422 if form.errors else 200)

"""Alerts in the admin: looked at, switched on and off, and deleted; they are written on the project's own pages."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from evalhub.projectadmin import ProjectAdmin, ReadOnly
from scoring.alerts.editing import change_alert, delete_alert
from scoring.models import Alert, Dashboard


@admin.register(Alert)
class AlertAdmin(ProjectAdmin):
    """`scoring.alerts` writes and audits. The webhook's secret shows nowhere."""

    list_display = ["name", "figure", "metric", "side", "threshold", "state", "state_since", "enabled", "project"]
    list_filter = [*ProjectAdmin.list_filter, "state", "enabled", "figure"]
    list_select_related = ["project", "metric"]
    search_fields = ["name"]
    actions = ["enable", "disable"]
    exclude = ["secret"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [field.name for field in Alert._meta.fields if field.name != "secret"]

    def delete_model(self, request: HttpRequest, obj: Alert) -> None:
        delete_alert(obj, request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        for alert in queryset.select_related("project"):
            delete_alert(alert, request.user)

    def _note(self, *args: Any, **kwargs: Any) -> None:
        """The service has noted it."""

    @admin.action(description="Switch the selected alerts on")
    def enable(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._switch(request, queryset, True)

    @admin.action(description="Switch the selected alerts off")
    def disable(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._switch(request, queryset, False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Alert], enabled: bool) -> None:
        switched = 0
        for alert in queryset.exclude(enabled=enabled):
            try:
                change_alert(alert, request.user, enabled=enabled)
                switched += 1
            except ValidationError as problem:  # what it watches is no more as it was when it was saved
                messages.error(request, f"{alert.name} stays as it is: {' '.join(problem.messages)}")
        messages.success(request, f"Switched {switched}.")


@admin.register(Dashboard)
class DashboardAdmin(ReadOnly, ProjectAdmin):
    """Shared dashboards; private ones are their owners'."""

    list_display = ["name", "owner", "project"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dashboard]:
        return super().get_queryset(request).filter(shared=True)

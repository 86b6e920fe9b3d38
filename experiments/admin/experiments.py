"""Experiments in the admin: to be looked at, and put in order. They are begun and steered on their pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from evalhub.projectadmin import ProjectAdmin
from experiments.models import Experiment, ExperimentEvaluator
from experiments.running.counting import Totals, totals_of
from experiments.running.editing import EDITABLE


class FrozenInline(TabularInline):
    model = ExperimentEvaluator
    verbose_name_plural = "Frozen evaluators"
    fields = readonly_fields = ["set_number", "evaluator_version", "metric"]
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever sees the experiment

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Experiment)
class ExperimentAdmin(ProjectAdmin):
    """Name, description and baseline may be changed; what was run stays. Deleted they are on their pages."""

    list_display = ["name", "slug", "workflow", "state", "dataset", "created_by", "created_at", "project"]
    list_filter = [*ProjectAdmin.list_filter, "workflow", "state"]
    list_select_related = ["project", "dataset"]
    search_fields = ["slug", "name"]
    ordering = ["-created_at", "-id"]
    inlines = [FrozenInline]
    fields = [
        "page", "project", "name", "description", "baseline", "slug", "workflow", "state", "reason", "dataset",
        "dataset_revision", "split", "prompt_version", "provider", "model", "parameters", "filter", "epochs",
        "concurrency", "timeout", "expires_at", "rows", "cost", "created_by", "created_at", "started_at", "finished_at",
    ]  # fmt: skip
    readonly_fields = [name for name in fields if name not in EDITABLE]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Experiment]:
        return super().get_queryset(request).select_related("prompt_version__prompt", "provider", "baseline")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A baseline is of the same project."""
        if db_field.name == "baseline" and (id := request.resolver_match.kwargs.get("object_id")):
            its = Experiment.objects.filter(pk=id if id.isdecimal() else 0).values("project")
            kwargs["queryset"] = Experiment.objects.filter(project__in=its).exclude(pk=id)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Experiment, form: ModelForm, change: bool) -> None:
        obj.save(update_fields=[name for name in form.changed_data if name in EDITABLE])

    @admin.display(description="page")
    def page(self, experiment: Experiment) -> SafeString:
        address = reverse("experiments:experiment", args=[experiment.project.slug, experiment.slug])
        return format_html('<a href="{}">{}</a>', address, address)

    @admin.display(description="rows")
    def rows(self, experiment: Experiment) -> str:
        totals = self._totals(experiment)
        return ", ".join(f"{n:,} {state}" for state, n in totals.states.items()) or "none"

    @admin.display(description="cost (USD)")
    def cost(self, experiment: Experiment) -> str:
        totals = self._totals(experiment)
        making = "not known" if totals.cost is None else f"{totals.cost:.4f}"
        return f"{making} for making the outputs, {totals.judging_cost:.4f} for judging them"

    def _totals(self, experiment: Experiment) -> Totals:
        return totals_of([experiment])[experiment.pk]

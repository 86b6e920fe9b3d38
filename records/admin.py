"""Metrics, tags and prices in the Django admin."""

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from evalhub import audit
from evalhub.projectadmin import ProjectAdmin, ServiceForm
from records import metrics
from records.models import Metric, ModelPrice, Tag


class MetricForm(ServiceForm):
    """What may change, and when, is known to `records.metrics`."""

    class Meta:
        model = Metric
        fields = ["project", *sorted(metrics.EDITABLE)]

    def apply(self) -> Metric:
        """Creates or changes the metric. Raises ValidationError."""
        if self.instance.pk:
            stored = Metric.objects.get(pk=self.instance.pk)
            changed = {name: self.cleaned_data[name] for name in self.changed_data if name in metrics.EDITABLE}
            return metrics.change_metric(stored, **changed)
        fields = {name: value for name, value in self.cleaned_data.items() if name in metrics.EDITABLE}
        return metrics.create_metric(self.cleaned_data["project"], **fields)


@admin.register(Metric)
class MetricAdmin(ProjectAdmin):
    """Metrics are archived, never deleted: what was scored keeps its meaning."""

    form = MetricForm
    list_display = ["slug", "name", "project", "value_type", "version", "is_archived"]
    list_filter = [*ProjectAdmin.list_filter, "value_type"]
    search_fields = ["slug", "name"]
    actions = ["archive", "restore"]
    readonly_fields = ["version", "primary_evaluator", "automatic", "archived_at"]
    fields = [
        "project", "slug", "name", "description", "value_type",
        "min_score", "max_score", "passing_score", "direction",
        "passing_value",
        "categorical_choices", "several", "passing_choices",
        "position", "version", "primary_evaluator", "automatic", "archived_at",
    ]  # fmt: skip
    conditional_fields = (
        dict.fromkeys(["min_score", "max_score", "passing_score", "direction"], "value_type == 'numerical'")
        | {"passing_value": "value_type == 'boolean'"}
        | dict.fromkeys(["categorical_choices", "several", "passing_choices"], "value_type == 'categorical'")
    )

    @admin.display(boolean=True, description="archived")
    def is_archived(self, metric: Metric) -> bool:
        return metric.archived_at is not None

    def has_delete_permission(self, request: HttpRequest, obj: Metric | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Metric, form: MetricForm, change: bool) -> None:
        obj.pk = form.apply().pk
        obj.refresh_from_db()

    @admin.action(description="Archive the selected metrics")
    def archive(self, request: HttpRequest, queryset: QuerySet[Metric]) -> None:
        self._for_each(request, queryset.filter(archived_at=None), metrics.archive_metric, "archive")

    @admin.action(description="Restore the selected metrics")
    def restore(self, request: HttpRequest, queryset: QuerySet[Metric]) -> None:
        self._for_each(request, queryset.exclude(archived_at=None), metrics.restore_metric, "restore")

    def _for_each(self, request: HttpRequest, queryset: QuerySet[Metric], service: object, verb: str) -> None:
        done = list(queryset.select_related("project"))
        with transaction.atomic():
            for metric in done:
                service(metric)
                audit.note(metric.project, request.user, f"metric.{verb}", metric.slug)
        messages.success(request, f"Done: {', '.join(metric.slug for metric in done) or 'nothing was to do'}.")


@admin.register(Tag)
class TagAdmin(ProjectAdmin):
    """The tags that are offered for completion; the ones on records stay when a tag is deleted here."""

    list_display = ["name", "project"]
    search_fields = ["name"]
    fields = ["project", "name"]


@admin.register(ModelPrice)
class ModelPriceAdmin(ModelAdmin):
    """Prices hold for every project, so they follow Django's own permissions: superusers, unless given."""

    list_display = ["model", "provider", "input", "output", "cached_input"]
    search_fields = ["model", "provider"]

    def log_addition(self, request: HttpRequest, obj: ModelPrice, message: object) -> object:
        audit.note(None, request.user, "price.add", obj, provider=obj.provider)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: ModelPrice, message: object) -> object:
        audit.note(None, request.user, "price.change", obj, provider=obj.provider)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[ModelPrice]) -> object:
        for price in queryset:
            audit.note(None, request.user, "price.delete", price, provider=price.provider)
        return super().log_deletions(request, queryset)

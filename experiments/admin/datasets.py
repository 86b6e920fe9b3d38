"""Datasets in the admin: what they are called and what their inputs must be. Items are edited on the dataset's page."""

from typing import Any

from django import forms
from django.contrib import admin

from evalhub.projectadmin import ServiceForm
from experiments.admin.archiving import ArchivedAdmin, Listed
from experiments.datasets.making import archive_dataset, change_dataset, create_dataset, restore_dataset
from experiments.models import Dataset, DatasetRevision
from scoring.admin.widgets import EditorWidget

SHOWN_REVISIONS = 20


class DatasetForm(ServiceForm):
    actor: object = ""

    slug = forms.SlugField(max_length=63, required=False, help_text="Made of the name where it is empty; stays.")
    inputs_schema = forms.JSONField(
        required=False, widget=EditorWidget(10), label="JSON Schema for the inputs",
        help_text="Items that do not keep to it are refused. Empty: any inputs.",
    )  # fmt: skip

    class Meta:
        model = Dataset
        fields = ["project", "name", "slug", "description", "inputs_schema"]

    def apply(self) -> Dataset:
        """Raises ValidationError."""
        data: dict[str, Any] = self.cleaned_data
        details = {name: data[name] for name in ("name", "description", "inputs_schema")}
        if self.instance.pk:
            stored = Dataset.objects.select_related("project").get(pk=self.instance.pk)
            change_dataset(stored, self.actor, **details)
            return stored
        return create_dataset(data["project"], self.actor, slug=data["slug"], **details)


class RevisionInline(Listed):
    """The newest ones; the dataset's page lists all."""

    model = DatasetRevision
    fields = ["number", "words", "added", "changed", "removed", "size", "created_by", "created_at"]
    readonly_fields = fields

    def get_queryset(self, request: Any) -> Any:
        newest = DatasetRevision.objects.order_by("dataset", "-number")
        key = request.resolver_match.kwargs.get("object_id")
        first = newest.filter(dataset_id=key).values_list("number", flat=True).first() if str(key).isdecimal() else 0
        return super().get_queryset(request).filter(number__gt=(first or 0) - SHOWN_REVISIONS)


@admin.register(Dataset)
class DatasetAdmin(ArchivedAdmin):
    form = DatasetForm
    page = "experiments:dataset"
    archived_by, restored_by = archive_dataset, restore_dataset
    list_display = ["name", "on_its_page", "size", "revision", "project", "in_use"]
    fields = ["project", "name", "slug", "description", "inputs_schema", "size", "revision"]
    readonly_fields = ["size", "revision"]
    inlines = [RevisionInline]
    warn_unsaved_form = True

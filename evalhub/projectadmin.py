"""The admin of rows that belong to a project: whoever edits a project reaches its rows, and no others, without being a
superuser. Django's own permissions play no part; the role in the project decides.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from evalhub import audit
from evalhub.access import projects_of
from evalhub.models import Membership, Project, Role


class ServiceForm(ModelForm):
    """The form of a row that a service writes: what may be saved is asked of the service by trying, and taken back."""

    trying = False  # the values are only looked at, not saved: the service is not asked

    def apply(self) -> Model:
        """Creates or changes the row. Raises ValidationError."""
        raise NotImplementedError

    def explain(self, problem: ValidationError) -> None:
        self.add_error(None, problem)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.errors and not self.trying:
            try:
                with transaction.atomic():
                    self.apply()
                    transaction.set_rollback(True)
            except ValidationError as problem:
                self.explain(problem)
        return data


class ProjectAdmin(ModelAdmin):
    """Limits rows, foreign-key choices, list filters, autocomplete and history to projects where the role suffices.

    Every addition, change and deletion is also a line in the project's audit trail.
    """

    required_role = Role.EDITOR
    list_filter = [("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project"]
    show_full_result_count = False
    change_form_before_template = "evalhub/admin/_errors.html"

    class Media:
        css = {"all": ["css/admin.css"]}

    def project_of(self, obj: Model) -> Project | None:
        return obj.project

    def projects(self, request: HttpRequest) -> QuerySet[Project]:
        if request.user.is_superuser:
            return projects_of(request.user)
        held = Membership.objects.filter(user=request.user, role__gte=self.required_role)
        return Project.objects.filter(pk__in=held.values("project"))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(project__in=self.projects(request))

    def holds(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if request.user.is_superuser:
            return True
        allowed = self.projects(request)
        if obj is None:
            return allowed.exists()
        project = self.project_of(obj)
        return project is not None and allowed.filter(pk=project.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.holds(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.holds(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.holds(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """A row never moves to another project."""
        readonly = [*super().get_readonly_fields(request, obj)]
        return [*readonly, "project"] if obj else readonly

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: object
    ) -> ModelChoiceField | None:
        target = db_field.remote_field.model
        if target is Project:
            kwargs["queryset"] = self.projects(request)
        elif any(field.name == "project" for field in target._meta.fields):
            kwargs["queryset"] = target._default_manager.filter(project__in=self.projects(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def log_addition(self, request: HttpRequest, obj: Model, message: object) -> object:
        self._note(request, "add", [obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: object) -> object:
        self._note(request, "change", [obj], message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> object:
        self._note(request, "delete", queryset)
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, verb: str, rows: Iterable[Model], message: object = None) -> None:
        changed = [part["changed"].get("fields", []) for part in message or [] if "changed" in part]
        fields = sorted({field for fields in changed for field in fields}) or None
        for row in rows:
            audit.note(
                self.project_of(row), request.user, f"{self.opts.model_name}.{verb}", row, id=row.pk, fields=fields
            )


class ReadOnly:
    """To be mixed in before an admin class whose rows are looked at and changed elsewhere, or never."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

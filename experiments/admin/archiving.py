"""What the admin of datasets and that of prompts have in common: both are archived, never deleted."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline

from evalhub.projectadmin import ProjectAdmin


class Listed(TabularInline):
    """Rows that are looked at below the one that they belong to: who may see that one sees them."""

    extra = 0
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ArchivedAdmin(ProjectAdmin):
    """Rows that a service writes and audits: `archived_by` and `restored_by` put one away and take it out again; its
    page of the project has the URL name `page`. Its form is told the `actor` and the actor's `projects`."""

    archived_by: Callable[[Any, object], None]
    restored_by: Callable[[Any, object], None]
    page: str
    list_filter = [*ProjectAdmin.list_filter, ("archived_at", admin.EmptyFieldListFilter)]
    search_fields = ["slug", "name"]
    actions = ["archive", "restore"]

    @admin.display(description="in use", boolean=True)
    def in_use(self, row: Any) -> bool:
        return row.archived_at is None

    @admin.display(description="page")
    def on_its_page(self, row: Any) -> str:
        return format_html('<a href="{}">{}</a>', reverse(self.page, args=[row.project.slug, row.slug]), row.slug)

    def get_form(self, request: HttpRequest, obj: Any | None = None, **kwargs: Any) -> type[ModelForm]:
        form = super().get_form(request, obj, **kwargs)
        form.actor, form.projects = request.user, self.projects(request)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        readonly = super().get_readonly_fields(request, obj)
        return [*readonly, "slug"] if obj else readonly

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.pk = form.apply().pk
        obj.refresh_from_db()

    def _note(self, *args: object, **kwargs: object) -> None:
        """The service has noted it, with more to say."""

    @admin.action(description="Archive what is selected")
    def archive(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._for_each(request, queryset.filter(archived_at=None), type(self).archived_by)

    @admin.action(description="Take what is selected out of the archive")
    def restore(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._for_each(request, queryset.exclude(archived_at=None), type(self).restored_by)

    def _for_each(self, request: HttpRequest, queryset: QuerySet, service: Callable[[Any, object], None]) -> None:
        done = list(queryset.select_related("project"))
        with transaction.atomic():
            for row in done:
                service(row, request.user)
        messages.success(request, f"Done: {', '.join(row.slug for row in done) or 'nothing was to do'}.")

"""Users, projects, members, keys and the audit trail in the Django admin."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.decorators import user_passes_test
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django_rq.admin import QueueAdmin
from django_rq.models import Dashboard
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from evalhub import apikeys, audit, members, zones
from evalhub.forms import ProjectForm
from evalhub.models import ApiKey, AuditEvent, Membership, Project, Role, User
from evalhub.projectadmin import ProjectAdmin, ReadOnly

admin.site.unregister(Dashboard)
admin.site.unregister(Group)  # roles in projects decide; groups would look as if they did


def superuser(user: User) -> bool:
    if user.is_active and user.is_superuser:
        return True
    raise PermissionDenied("This is for superusers.")


@admin.register(Dashboard)
class QueueDashboard(QueueAdmin):
    """django-rq lets any staff see and clear the queues; they hold the jobs of every project."""

    def get_urls(self) -> list[URLPattern]:
        urls = super().get_urls()
        for url in urls:
            url.callback = user_passes_test(superuser)(url.callback)
        return urls

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser


class PersonForm(UserChangeForm):
    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: [("", "Each project's own"), *((name, name) for name in zones.names())],
        widget=UnfoldAdminSelectWidget,
    )


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):
    """Superusers only: whoever may change users may become anybody. Users are switched off, not deleted."""

    form, add_form, change_password_form = PersonForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    fieldsets = [
        (None, {"fields": ["username", "password", "must_change_password"]}),
        ("Person", {"fields": ["first_name", "last_name", "email", "time_zone"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Since", {"fields": ["last_login", "date_joined"]}),
    ]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = []

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser

    has_change_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: User, message: object) -> object:
        audit.note(None, request.user, "user.create", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: User, message: object) -> object:
        audit.note(None, request.user, "user.change", obj)
        return super().log_change(request, obj, message)


@admin.register(Project)
class TenantAdmin(ProjectAdmin):
    """Projects are created on their own page, which gives them their metrics and an admin."""

    required_role = Role.ADMIN
    form = ProjectForm
    list_display = ["name", "slug", "time_zone", "created_at"]
    list_filter = []
    list_select_related = False
    search_fields = ["name", "slug"]
    fields = ["name", "slug", "description", "time_zone", "reviewer_cost_limit", "created_at"]
    readonly_fields = ["slug", "created_at"]

    def project_of(self, obj: Project) -> Project:
        return obj

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return self.projects(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return self.readonly_fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False


class MembershipForm(forms.ModelForm):
    class Meta:
        model = Membership
        fields = ["project", "user", "role"]

    def clean_role(self) -> Role:
        role = Role(self.cleaned_data["role"])
        if (
            self.instance.pk
            and role < Role.ADMIN
            and members.is_last_admin(Membership.objects.get(pk=self.instance.pk))
        ):
            raise forms.ValidationError(str(members.LastAdmin()))
        return role


@admin.register(Membership)
class MemberAdmin(ProjectAdmin):
    required_role = Role.ADMIN
    form = MembershipForm
    list_display = ["user", "project", "role", "created_at"]
    list_filter = [*ProjectAdmin.list_filter, "role"]
    list_select_related = ["project", "user"]
    search_fields = ["user__username", "user__email"]
    actions = None  # one by one, so that the last admin stays

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> list[str]:
        return ["project", "user"] if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The choice of users would show everybody to a project's admin; they add people by name on their page."""
        return request.user.is_superuser

    def save_model(self, request: HttpRequest, obj: Membership, form: MembershipForm, change: bool) -> None:
        if change:
            members.change_role(obj.project, obj.user_id, Role(obj.role), request.user)
        else:
            obj.pk = members.add(obj.project, obj.user, Role(obj.role), request.user).pk

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        members.remove(obj.project, obj.user_id, request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return self.holds(request, obj) and not (obj and members.is_last_admin(obj))


@admin.register(ApiKey)
class KeyAdmin(ReadOnly, ProjectAdmin):
    """Neither the key nor what is kept of it is shown; keys are made on the project's page, which shows them once."""

    required_role = Role.ADMIN
    list_display = ["name", "project", "lookup", "scopes", "last_used_at", "expires_at", "revoked_at"]
    list_select_related = ["project", "created_by"]
    search_fields = ["name", "lookup"]
    fields = [
        "project",
        "name",
        "lookup",
        "scopes",
        "created_by",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ]
    actions = ["revoke"]

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys = list(queryset.filter(revoked_at=None))
        for key in keys:
            apikeys.revoke(key, request.user)
        messages.success(
            request, f"Revoked: {', '.join(key.name for key in keys) or 'none, all of them were already'}."
        )


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, ProjectAdmin):
    required_role = Role.ADMIN
    list_display = ["at", "project", "actor", "action", "target"]
    list_filter = [*ProjectAdmin.list_filter, "action"]
    search_fields = ["actor", "action", "target"]
    ordering = ["-at", "-id"]
    fields = ["at", "project", "actor", "action", "target", "detail"]

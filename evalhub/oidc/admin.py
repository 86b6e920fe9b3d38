"""Whose account is connected with whom at the provider: superusers look, and take a connection apart."""

from collections.abc import Iterable

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from evalhub import audit
from evalhub.projectadmin import ReadOnly

for unused in (EmailAddress, SocialApp, SocialToken, SocialAccount):
    admin.site.unregister(unused)


@admin.register(SocialAccount)
class ConnectionAdmin(ReadOnly, ModelAdmin):
    list_display = ["user", "provider", "uid", "date_joined", "last_login"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "uid"]
    fields = ["user", "provider", "uid", "extra_data", "date_joined", "last_login"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        return request.user.is_superuser

    has_delete_permission = has_view_permission

    def log_deletions(self, request: HttpRequest, queryset: Iterable[SocialAccount]) -> object:
        for row in queryset:
            audit.note(None, request.user, "user.disconnect", row.user, subject=row.uid, issuer=row.provider)
        return super().log_deletions(request, queryset)

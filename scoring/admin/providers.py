"""Providers in the admin: keys go in and are never shown again. A project's admins set up its own, superusers those
that all projects share."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from evalhub.models import Role
from evalhub.projectadmin import ProjectAdmin, ServiceForm
from scoring.admin.widgets import LinesField
from scoring.models import Provider
from scoring.providers import (
    EDITABLE,
    archive_provider,
    change_provider,
    checked,
    config_of,
    create_provider,
    restore_provider,
)
from scoring.secrets import UnreadableSecret

hides_key = sensitive_post_parameters("key")


class ProviderForm(ServiceForm):
    """`actor` is set by the admin, for each request. What may be saved is `scoring.providers`' to say."""

    actor: object = ""

    key = forms.CharField(
        label="API key", required=False, widget=UnfoldAdminPasswordWidget({"autocomplete": "new-password"}),
        help_text="Kept encrypted and never shown again.",
    )  # fmt: skip
    remove_key = forms.BooleanField(label="Remove the key", required=False, widget=UnfoldBooleanSwitchWidget)
    model_names = LinesField(
        label="Models", help_text="One a line: what judges are offered. They may name others, too."
    )
    prices = forms.JSONField(
        required=False, initial=dict, widget=UnfoldAdminTextareaWidget({"rows": 4, "class": "editor"}),
        help_text='USD per million tokens, before the price list: {"my-model": {"input": 0.1, "output": 0.4, '
        '"cached_input": 0.05}}.',
    )  # fmt: skip

    class Meta:
        model = Provider
        fields = ["project", *sorted(EDITABLE)]
        labels = {"base_url": "Base URL"}
        widgets = {"base_url": UnfoldAdminTextInputWidget({"type": "url"})}

    def __init__(self, *args: Any, trying: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trying = trying
        if self.instance.pk and self.instance.secret:
            self.fields["key"].help_text = "There is one. Enter another to replace it; it is never shown."
        else:
            del self.fields["remove_key"]

    @property
    def key_sent(self) -> str | None:
        """None: leave the key as it is."""
        if self.cleaned_data.get("remove_key"):
            return ""
        return self.cleaned_data.get("key", "").strip() or None

    def sent(self) -> dict[str, Any]:
        """The fields as the form has them; prices left empty are none."""
        sent = {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}
        return sent | {"prices": sent.get("prices") or {}, "model_names": sent.get("model_names") or []}

    def apply(self) -> Provider:
        """Raises ValidationError."""
        if self.instance.pk:
            return change_provider(self.instance, self.actor, key=self.key_sent, **self.sent())
        return create_provider(self.cleaned_data.get("project"), self.actor, key=self.key_sent or "", **self.sent())


@admin.register(Provider)
class ProviderAdmin(ProjectAdmin):
    """Archived, never deleted: versions of evaluators name them. `scoring.providers` audits."""

    required_role = Role.ADMIN
    form = ProviderForm
    list_display = ["name", "kind", "project", "has_key", "paused_reason", "in_use"]
    list_filter = [*ProjectAdmin.list_filter, "kind"]
    search_fields = ["name", "base_url"]
    actions = ["archive", "restore"]
    readonly_fields = ["paused_reason"]
    fieldsets = [
        (None, {"fields": ["project", "name", "kind", "base_url", "api_version", "key", "remove_key", "model_names"]}),
        ("Limits", {"fields": ["requests_per_minute", "tokens_per_minute", "concurrency", "paused_reason"]}),
        ("Prices", {"fields": ["prices"]}),
    ]
    conditional_fields = {"api_version": "kind == 'azure'"}
    warn_unsaved_form = True
    change_form_after_template = "scoring/admin/_connection.html"

    @admin.display(description="key", boolean=True)
    def has_key(self, provider: Provider) -> bool:
        return bool(provider.secret)

    @admin.display(description="in use", boolean=True)
    def in_use(self, provider: Provider) -> bool:
        return provider.archived_at is None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Provider | None = None, **kwargs: Any) -> type[ModelForm]:
        form = super().get_form(request, obj, **kwargs)
        form.actor = request.user
        if "project" in form.base_fields:
            form.base_fields["project"].required = not request.user.is_superuser
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Provider | None = None) -> list:
        """Without the switch that removes a key where there is none."""
        if obj and obj.secret:
            return self.fieldsets
        (title, common), *others = self.fieldsets
        return [(title, {"fields": [name for name in common["fields"] if name != "remove_key"]}), *others]

    @method_decorator(hides_key)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Provider, form: ProviderForm, change: bool) -> None:
        obj.pk = form.apply().pk
        obj.refresh_from_db()

    def _note(self, *args: object, **kwargs: object) -> None:
        """The service has noted it."""

    @admin.action(description="Archive the selected providers")
    def archive(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        for provider in queryset.filter(archived_at=None):
            archive_provider(provider, request.user)
        messages.success(request, "Archived: judges can no longer call them.")

    @admin.action(description="Restore the selected providers")
    def restore(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        for provider in queryset.exclude(archived_at=None):
            restore_provider(provider, request.user)
        messages.success(request, "Restored.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(hides_key(self.connection_view)))
        return [path("connection/", view, name="scoring_provider_connection"), *super().get_urls()]

    def connection_view(self, request: HttpRequest) -> HttpResponse:
        """Asks a model of the provider as the form has it, saved or not; nothing is stored."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        stored = None
        if given := request.POST.get("connection_object_id"):
            stored = self.get_queryset(request).filter(pk=given).first() if given.isdecimal() else None
            if stored is None:
                raise Http404("There is no such provider.")
        form = self.get_form(request, stored, change=stored is not None)(request.POST, instance=stored, trying=True)
        context: dict[str, Any] = {"model": request.POST.get("connection_model", "").strip()}
        form.is_valid()
        try:
            provider = checked(stored, form.key_sent, **form.sent())
            context["model"] = context["model"] or next(iter(provider.model_names), "")
            if not context["model"]:
                raise ValidationError("Name a model to ask.")
            from scoring.connection import test_connection  # aiohttp: half a second that no other page needs

            context["connection"] = test_connection(config_of(provider), context["model"])
        except ValidationError as problem:
            found = getattr(problem, "message_dict", {"": problem.messages})
            context["problems"] = [
                f"{name}: {text}" if name else text for name, texts in found.items() for text in texts
            ]
        except UnreadableSecret as problem:
            context["problems"] = [str(problem)]
        template = (
            "scoring/admin/_connected.html" if "HX-Request" in request.headers else "scoring/admin/connected.html"
        )
        return TemplateResponse(request, template, self.admin_site.each_context(request) | context)

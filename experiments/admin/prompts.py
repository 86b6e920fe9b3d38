"""Prompts in the admin: made with a first version, renamed, archived; their versions are listed. What a version says is
written on the prompt's page, with its variables and a preview in sight."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from evalhub.models import Project
from evalhub.projectadmin import ServiceForm
from experiments.admin.archiving import ArchivedAdmin, Listed
from experiments.models import Prompt, PromptVersion
from experiments.prompts.versions import archive_prompt, change_prompt, create_prompt, restore_prompt
from scoring.admin.widgets import EditorWidget
from scoring.models import Provider

FIRST = ("system", "user", "provider", "model")
SHOWN_AS = {"provider_id": "provider", "messages": "user"}


class PromptForm(ServiceForm):
    """A new prompt has a first version; later ones are written on its page."""

    actor: object = ""
    projects: QuerySet[Project]

    slug = forms.SlugField(max_length=63, required=False, help_text="Made of the name where it is empty; stays.")
    system = forms.CharField(required=False, widget=EditorWidget(5, wrap=True), help_text="Jinja; empty: none.")
    user = forms.CharField(required=False, widget=EditorWidget(8, wrap=True), help_text="Jinja: {{ variable }}.")
    provider = forms.ModelChoiceField(Provider.objects.none(), required=False, widget=UnfoldAdminSelectWidget)
    model = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Prompt
        fields = ["project", "name", "slug", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name in FIRST:
                self.fields.pop(name, None)
        else:
            usable = Q(project__in=self.projects) | Q(project=None)
            self.fields["provider"].queryset = Provider.objects.filter(usable, archived_at=None)

    def apply(self) -> Prompt:
        """Raises ValidationError."""
        data = self.cleaned_data
        if self.instance.pk:
            stored = Prompt.objects.select_related("project").get(pk=self.instance.pk)
            change_prompt(stored, self.actor, name=data["name"], description=data["description"])
            return stored
        texts = [(role, data[role].replace("\r\n", "\n")) for role in ("system", "user")]
        provider = data.get("provider")
        return create_prompt(
            data["project"], self.actor, name=data["name"], slug=data["slug"], description=data["description"],
            messages=[{"role": role, "content": text} for role, text in texts if text.strip()],
            provider_id=provider.pk if provider else None, model=data["model"],
        )  # fmt: skip

    def explain(self, problem: ValidationError) -> None:
        """Each message at the field that it speaks of."""
        if not hasattr(problem, "error_dict"):
            self.add_error(None, problem)
            return
        for name, texts in problem.message_dict.items():
            place = SHOWN_AS.get(name.partition(".")[0], name)
            for text in texts:
                self.add_error(place if place in self.fields else None, text)


class VersionInline(Listed):
    model = PromptVersion
    fields = ["number", "state", "deployed", "model", "note", "created_by", "created_at"]
    readonly_fields = fields


@admin.register(Prompt)
class PromptAdmin(ArchivedAdmin):
    form = PromptForm
    page = "experiments:prompt"
    archived_by, restored_by = archive_prompt, restore_prompt
    list_display = ["name", "on_its_page", "deployed", "project", "in_use"]
    inlines = [VersionInline]
    warn_unsaved_form = True

    @admin.display(description="deployed")
    def deployed(self, prompt: Prompt) -> str:
        number = prompt.versions.filter(deployed=True).values_list("number", flat=True).first()
        return f"v{number}" if number else ""

    def get_fields(self, request: HttpRequest, obj: Prompt | None = None) -> list[str]:
        own = ["project", "name", "slug", "description"]
        return own if obj else [*own, *FIRST]

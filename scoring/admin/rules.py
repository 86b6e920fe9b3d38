"""Rules in the admin: the same terms as on the project's page, saved by the same service."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from evalhub.models import Project
from evalhub.projectadmin import ProjectAdmin, ServiceForm
from scoring.admin.widgets import LinesField
from scoring.models import Evaluator, EvaluatorType, Rule
from scoring.rules.editing import EDITABLE, delete_rule, save_rule, set_enabled


class RuleAdminForm(ServiceForm):
    """`projects` and `actor` are set by the admin, for each request."""

    projects: QuerySet[Project]
    actor: object = ""

    span_names = LinesField(label="Names of spans", help_text="One a line.")

    class Meta:
        model = Rule
        fields = [
            "project", "name", "description", "filter", "scope", "quiet_seconds", "spans_mode", "span_names",
            "evaluators", "rate", "budget_usd_day", "budget_calls_day", "judge_again", "include_experiments", "enabled",
        ]  # fmt: skip
        labels = {"rate": "Sampling rate", "spans_mode": "Apply to spans", "scope": "What is judged"}
        help_texts = {"include_experiments": "Records of experiments and of the playground too."}
        widgets = {
            "filter": UnfoldAdminTextInputWidget({"spellcheck": "false", "autocomplete": "off"}),
            "enabled": UnfoldBooleanSwitchWidget,
            "judge_again": UnfoldBooleanSwitchWidget,
            "include_experiments": UnfoldBooleanSwitchWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["evaluators"]
        project = self.instance.project if self.instance.pk else None
        field.queryset = Evaluator.objects.filter(
            project__in=[project] if project else self.projects, archived_at=None
        ).exclude(type=EvaluatorType.HUMAN)
        field.label_from_instance = lambda evaluator: (
            evaluator.name if project else f"{evaluator.name} in {evaluator.project}"
        )
        field.queryset = field.queryset.select_related("project")

    def _post_clean(self) -> None:
        """The instance stays as it is stored: the service reads it, changes it and says what is wrong."""

    def apply(self) -> Rule:
        """Raises ValidationError."""
        sent = {name: self.cleaned_data[name] for name in EDITABLE if name in self.cleaned_data}
        sent["evaluators"] = list(sent.get("evaluators", ()))
        if self.instance.pk:
            return save_rule(self.instance.project, self.actor, rule=self.instance, **sent)
        return save_rule(self.cleaned_data["project"], self.actor, **sent)

    def explain(self, problem: ValidationError) -> None:
        """Each message at its field; that of the filter says where it goes wrong."""
        if not hasattr(problem, "error_dict"):
            self.add_error(None, problem)
            return
        for name, errors in problem.error_dict.items():
            for error in errors:
                said = error.message if not error.params else f"{error.message} (at character {_place(error)})"
                self.add_error(name if name in self.fields else None, said)


def _place(error: ValidationError) -> object:
    found = error.params.get("error")
    return found.place if found else "?"


@admin.register(Rule)
class RuleAdmin(ProjectAdmin):
    """`scoring.rules.editing` audits. Deleting a rule keeps its scores."""

    form = RuleAdminForm
    list_display = ["name", "project", "at_work", "rate", "spans_mode", "version", "page"]
    list_filter = [*ProjectAdmin.list_filter, "enabled"]
    search_fields = ["name", "slug"]
    actions = ["enable", "pause"]
    fieldsets = [
        (None, {"fields": ["project", "name", "description", "enabled"]}),
        ("Which records", {"fields": ["filter", "scope", "spans_mode", "span_names", "quiet_seconds", "rate"]}),
        ("What is done", {"fields": ["evaluators", "budget_usd_day", "budget_calls_day"]}),
        ("Also", {"fields": ["judge_again", "include_experiments"]}),
    ]
    conditional_fields = {
        "spans_mode": "scope == 'span'", "span_names": "scope == 'span' && spans_mode == 'named'",
        "quiet_seconds": "scope == 'trace'",
    }  # fmt: skip
    warn_unsaved_form = True

    class Media:
        css = {"all": ["css/admin.css"]}

    @admin.display(description="at work", boolean=True)
    def at_work(self, rule: Rule) -> bool:
        return rule.at_work

    @admin.display(description="")
    def page(self, rule: Rule) -> str:
        return format_html('<a href="{}">Funnel and test</a>', _page_of(rule))

    def get_form(self, request: HttpRequest, obj: Rule | None = None, **kwargs: Any) -> type[ModelForm]:
        form = super().get_form(request, obj, **kwargs)
        form.projects, form.actor = self.projects(request), request.user
        return form

    def get_view_on_site_url(self, obj: Rule | None = None) -> str | None:
        return _page_of(obj) if obj else None

    def save_model(self, request: HttpRequest, obj: Rule, form: RuleAdminForm, change: bool) -> None:
        obj.pk = form.apply().pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: RuleAdminForm, formsets: Any, change: bool) -> None:
        """The evaluators went with the rule."""

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        delete_rule(obj, request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        for rule in queryset.select_related("project"):
            delete_rule(rule, request.user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """The rules alone: versions and counts are theirs, and nobody has to be asked for them."""
        return [str(rule) for rule in objs], {}, set(), []

    def _note(self, *args: object, **kwargs: object) -> None:
        """The service has noted it, with more to say."""

    @admin.action(description="Enable the selected rules")
    def enable(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._set(request, queryset, True)

    @admin.action(description="Pause the selected rules")
    def pause(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        self._set(request, queryset, False)

    def _set(self, request: HttpRequest, queryset: QuerySet[Rule], enabled: bool) -> None:
        for rule in queryset.select_related("project"):
            try:
                set_enabled(rule, request.user, enabled)
            except ValidationError as problem:
                messages.error(request, f"{rule.name}: {problem.messages[0]}")
            else:
                messages.success(request, f"{rule.name} is {'at work' if enabled else 'paused'}.")


def _page_of(rule: Rule) -> str:
    return reverse("scoring:rule", args=[rule.project.slug, rule.slug])

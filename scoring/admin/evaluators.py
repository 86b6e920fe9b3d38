"""Evaluators in the admin: a form that shows what the type needs, a test before saving, versions with their diffs."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from evalhub import errands
from evalhub.models import Project
from evalhub.projectadmin import ProjectAdmin
from records.models import Metric
from records.search import SearchTimeout
from scoring import metrics_made
from scoring.admin.evaluator_form import CONDITIONS, TYPE_FIELDS, EvaluatorForm
from scoring.admin.trying import TryForm, rows_for
from scoring.builtins import BUILTINS
from scoring.evaluators import archive_evaluator, checked_definition, restore_evaluator, save_version
from scoring.judge_templates import JUDGE_TEMPLATES
from scoring.models import Evaluator, EvaluatorType
from scoring.primaries import NotRanked, make_primary
from scoring.trial import Row, try_definition
from scoring.version_diffs import version_history


@admin.register(Evaluator)
class EvaluatorAdmin(ProjectAdmin):
    """Evaluators are archived, never deleted: what they scored keeps its origin. `scoring.evaluators` audits."""

    form = EvaluatorForm
    list_display = ["name", "slug", "type", "measures", "version", "is_primary", "project", "in_use"]
    list_filter = [*ProjectAdmin.list_filter, "type", ("archived_at", admin.EmptyFieldListFilter)]
    list_select_related = ["project", "metric", "current"]
    search_fields = ["slug", "name"]
    actions = ["archive", "restore", "make_primary"]
    fieldsets = [
        (None, {"fields": ["template", "project", "name", "slug", "description", "metric", "type"]}),
        ("What it does", {"fields": [name for names in TYPE_FIELDS.values() for name in names]}),
        ("This version", {"fields": ["note"]}),
    ]
    conditional_fields = CONDITIONS
    warn_unsaved_form = True
    change_form_outer_before_template = "scoring/admin/_start_from.html"
    change_form_after_template = "scoring/admin/_try.html"
    change_form_outer_after_template = "scoring/admin/_versions_link.html"

    @admin.display(description="metric", ordering="metric__slug")
    def measures(self, evaluator: Evaluator) -> str:
        return evaluator.metric.slug

    @admin.display(description="version")
    def version(self, evaluator: Evaluator) -> int | None:
        return evaluator.current.number if evaluator.current else None

    @admin.display(description="in use", boolean=True)
    def in_use(self, evaluator: Evaluator) -> bool:
        return evaluator.archived_at is None

    @admin.display(description="primary")
    def is_primary(self, evaluator: Evaluator) -> str:
        return "primary" if evaluator.metric.primary_evaluator == evaluator.slug else ""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evaluator]:
        return super().get_queryset(request).select_related("project", "metric", "current")

    def get_form(self, request: HttpRequest, obj: Evaluator | None = None, **kwargs: Any) -> type[ModelForm]:
        form = super().get_form(request, obj, **kwargs)
        form.projects, form.actor = self.projects(request), request.user
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """`?template=` starts from a judge's template, `?builtin=` from a built-in evaluator."""
        initial = super().get_changeform_initial_data(request)
        template, builtin = JUDGE_TEMPLATES.get(initial.get("template", "")), BUILTINS.get(initial.get("builtin", ""))
        if template:
            fitting = metrics_made.fitting_metric(Metric.objects.filter(project__in=self.projects(request)), template)
            initial |= {
                "type": EvaluatorType.LLM, "name": template.name, "slug": template.key,
                "description": template.description, "evaluator_definition": template.evaluator_definition,
                "rubric": template.rubric, "metric": fitting and fitting.pk,
            }  # fmt: skip
        elif builtin:
            initial |= {
                "type": EvaluatorType.CODE, "name": builtin.name, "slug": builtin.key,
                "description": builtin.description,
            }  # fmt: skip
        return initial

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:  # fmt: skip
        started = request.GET.get("template") or request.GET.get("builtin")
        context = {"adding": object_id is None, "try_form": TryForm(), "started_from": started}
        if object_id is None:
            context |= {"judge_templates": JUDGE_TEMPLATES.values(), "builtins": BUILTINS.values()}
        else:
            context["try_object_id"] = object_id
        return super().changeform_view(request, object_id, form_url, context | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: Evaluator, form: EvaluatorForm, change: bool) -> None:
        obj.pk = form.apply().pk
        obj.refresh_from_db()

    def _note(self, *args: object, **kwargs: object) -> None:
        """The service has noted it, with more to say."""

    @admin.action(description="Archive the selected evaluators")
    def archive(self, request: HttpRequest, queryset: QuerySet[Evaluator]) -> None:
        self._for_each(request, queryset.filter(archived_at=None), archive_evaluator)

    @admin.action(description="Restore the selected evaluators")
    def restore(self, request: HttpRequest, queryset: QuerySet[Evaluator]) -> None:
        self._for_each(request, queryset.exclude(archived_at=None), restore_evaluator)

    @admin.action(description="Let their metric's column show the selected evaluators")
    def make_primary(self, request: HttpRequest, queryset: QuerySet[Evaluator]) -> None:
        evaluators = list(queryset)
        if len({evaluator.metric_id for evaluator in evaluators}) < len(evaluators):
            messages.error(request, "A metric's column shows one evaluator: select one a metric.")
            return
        for evaluator in evaluators:
            try:
                make_primary(evaluator, request.user)
            except ValidationError as problem:
                messages.error(request, f"{evaluator.name}: {problem.messages[0]}")
            except NotRanked as problem:
                messages.warning(request, f"{evaluator.name}: {problem}")
            else:
                messages.success(
                    request, f"{evaluator.metric.name} shows {evaluator.name}; earlier scores follow soon."
                )

    def _for_each(self, request: HttpRequest, queryset: QuerySet[Evaluator], service: Callable[..., None]) -> None:
        done = list(queryset)
        with transaction.atomic():
            for evaluator in done:
                service(evaluator, request.user)
        messages.success(request, f"Done: {', '.join(evaluator.slug for evaluator in done) or 'nothing was to do'}.")

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(view)

        return [
            path("try/", page(require_POST(self.try_view)), name="scoring_evaluator_try"),
            path("tried/<str:errand>/", page(require_GET(self.tried_view)), name="scoring_evaluator_tried"),
            path("<int:id>/versions/", page(require_GET(self.versions_view)), name="scoring_evaluator_versions"),
            path("<int:id>/archive/", page(require_POST(self.archive_view)), name="scoring_evaluator_archive"),
            path(
                "<int:id>/versions/<int:number>/take-up/", page(require_POST(self.take_up_view)),
                name="scoring_evaluator_take_up",
            ),
            *super().get_urls(),
        ]  # fmt: skip

    def _found(self, request: HttpRequest, id: int | str) -> Evaluator:
        """404 for what is in none of the user's projects, as if there were none."""
        if not self.has_module_permission(request):
            raise PermissionDenied
        evaluator = self.get_queryset(request).filter(pk=id).first() if str(id).isdecimal() else None
        if evaluator is None:
            raise Http404("There is no such evaluator.")
        return evaluator

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """What the form's unsaved evaluator gives for recent records or values typed in; nothing is stored."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        stored = self._found(request, request.POST["try_object_id"]) if request.POST.get("try_object_id") else None
        trying = TryForm(request.POST)
        form = self.get_form(request, stored, change=stored is not None)(request.POST, instance=stored, trying=True)
        context: dict[str, Any] = {"trying": trying}
        if trying.is_valid():
            form.is_valid()
            try:
                project, metric = form.measured()
                rows = rows_for(trying, project, request.user)
                context["project"] = project
                what = (project, form.cleaned_data["type"], metric, form.definition())
                context["errand"] = self._leave_to_a_worker(request, *what, rows)
                if context["errand"] is None:
                    context["trials"] = try_definition(*what, rows)
            except ValidationError as problem:
                context["problems"] = form.in_words(problem)
            except SearchTimeout as problem:
                context["problems"] = [str(problem)]
        template = "scoring/admin/_trials.html" if "HX-Request" in request.headers else "scoring/admin/trials.html"
        return TemplateResponse(request, template, self.admin_site.each_context(request) | context)

    def _leave_to_a_worker(
        self, request: HttpRequest, project: Project, type: str, metric: Metric, definition: dict[str, Any],
        rows: Sequence[Row],
    ) -> str | None:  # fmt: skip
        """The errand, once the definition is one that could be saved; None where this process does it itself: no worker
        is there, or the page cannot ask again."""
        checked_definition(project, type, metric, definition)
        if "HX-Request" not in request.headers:
            return None
        ids = [row.record_id for row in rows if row.record_id]
        typed = None if ids else dict(rows[0].inputs)
        return errands.begin(
            "scoring.jobs.try_evaluator", request.user, project.pk, type, metric, definition, ids, typed
        )

    def tried_view(self, request: HttpRequest, errand: str) -> HttpResponse:
        """What came of a test that a worker runs; nothing new while it does."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = errands.outcome(errand, request.user)
        if not found.done:
            return HttpResponse(status=204)
        if found.value is None:
            context: dict[str, Any] = {"problems": [found.problem]}
        else:
            project = get_object_or_404(self.projects(request), pk=found.value.project_id)
            context = {"project": project, "trials": found.value.trials, "problems": found.value.problems}
        return TemplateResponse(request, "scoring/admin/_trials.html", context)

    def versions_view(self, request: HttpRequest, id: int) -> HttpResponse:
        evaluator = self._found(request, id)
        context = self.admin_site.each_context(request) | {
            "title": f"Versions of {evaluator.name}", "opts": self.opts, "evaluator": evaluator,
            "history": version_history(evaluator),
        }  # fmt: skip
        return TemplateResponse(request, "scoring/admin/versions.html", context)

    def take_up_view(self, request: HttpRequest, id: int, number: int) -> HttpResponse:
        """What a former version did becomes the newest one."""
        evaluator = self._found(request, id)
        version = evaluator.versions.filter(number=number).first()
        if version is None:
            raise Http404("There is no such version.")
        new = save_version(evaluator, request.user, version.definition, f"As version {number}.")
        messages.success(request, f"Version {new.number} does what version {number} did.")
        return redirect("admin:scoring_evaluator_versions", evaluator.pk)

    def archive_view(self, request: HttpRequest, id: int) -> HttpResponse:
        evaluator = self._found(request, id)
        if evaluator.archived_at:
            restore_evaluator(evaluator, request.user)
        else:
            archive_evaluator(evaluator, request.user)
        messages.success(request, f"{evaluator.name} is {'archived' if evaluator.archived_at else 'in use again'}.")
        return redirect(reverse("admin:scoring_evaluator_change", args=[evaluator.pk]))

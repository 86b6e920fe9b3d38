"""The dialog that scores past records by a rule."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from evalhub import errands
from evalhub.access import project_page
from evalhub.models import Project, Role
from records.filterlang import FilterError
from records.search import SearchTimeout
from records.views.bulk import refused
from scoring.models import Rule, RunMode
from scoring.rules.matching import selection_of
from scoring.rules.past import FIRST_LIMIT, evaluators_of, expected_past, score_past
from scoring.runs.rescoring import Expected
from scoring.runs.starting import RunProblem
from scoring.views.rescore import MOMENT, limit_problem


class PastForm(forms.Form):
    """`limit` empty: all that match."""

    mode = forms.ChoiceField(choices=RunMode.choices)
    limit = forms.IntegerField(required=False, min_value=1, max_value=2_000_000_000, label="How many")


@project_page("GET", "POST", role=Role.REVIEWER)
def rule_past(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    """GET: the dialog. POST: begins, and goes on to the run's page."""
    found, zone = _found(project, rule), timezone.get_current_timezone()
    try:
        if request.method == "POST":
            run = score_past(found, request.user, request.role, zone, **_sent(request))
            return HttpResponseClientRedirect(reverse("scoring:run", args=[project.slug, run.number]))
        words, evaluators = selection_of(found, request.user, zone).condition, evaluators_of(found)
    except (RunProblem, SearchTimeout) as problem:
        return refused(str(problem))
    except FilterError as error:
        return refused(f"The rule's filter can no longer be read: {error.message}")
    context = {
        "rule": found, "words": words, "evaluators": evaluators, "limit": FIRST_LIMIT, "modes": RunMode.choices,
        "mode": RunMode.STALE,
    }  # fmt: skip
    return render(request, "scoring/_rule_past.html", context)


@project_page("POST", role=Role.REVIEWER)
def rule_past_estimate(request: HttpRequest, project: Project, rule: str) -> HttpResponse:
    """What it would take. Stores nothing. What a moment is too short for a worker counts on."""
    found, zone, errand = _found(project, rule), timezone.get_current_timezone(), None
    try:
        sent = _sent(request)
    except RunProblem as problem:
        return _estimated(request, project, Expected(problem=str(problem)))
    expected = expected_past(found, request.user, zone, sent["mode"], sent["limit"], MOMENT)
    if expected.estimate is not None and not expected.estimate.exact:
        asked = (found.pk, request.user.pk, sent["mode"], sent["limit"], str(zone))
        errand = errands.begin("scoring.jobs.estimate_past", request.user, *asked)
    return _estimated(request, project, expected, errand)


@never_cache
@project_page("GET", role=Role.REVIEWER)
def rule_past_estimated(request: HttpRequest, project: Project, errand: str) -> HttpResponse:
    """What the worker has counted; nothing new while it counts."""
    found = errands.outcome(errand, request.user)
    if not found.done:
        return HttpResponse(status=204)
    return _estimated(request, project, found.value or Expected(problem=found.problem))


def _estimated(request: HttpRequest, project: Project, found: Expected, errand: str | None = None) -> HttpResponse:
    context: dict[str, object] = {"problem": found.problem}
    if errand:
        context |= {"errand": reverse("scoring:rule-past-estimated", args=[project.slug, errand])}
    if found.estimate is not None:
        context |= {"expected": found.estimate, "limit": limit_problem(request, project, found.estimate)}
    return render(request, "scoring/_rule_past_estimate.html", context)


def _found(project: Project, slug: str) -> Rule:
    return get_object_or_404(Rule.objects.select_related("project"), project=project, slug=slug)


def _sent(request: HttpRequest) -> dict[str, object]:
    """Raises RunProblem."""
    form = PastForm(request.POST)
    if not form.is_valid():
        raise RunProblem(" ".join(f"{form[name].label}: {' '.join(errors)}" for name, errors in form.errors.items()))
    return form.cleaned_data

"""The dialog that re-scores what is selected: on the Records page, and of one record."""

from dataclasses import dataclass
from itertools import groupby

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from evalhub import htmx
from evalhub.access import project_page
from evalhub.models import Project, Role
from records.filterlang import FilterError
from records.models import Metric
from records.search import Count, SearchTimeout, ceiling_of
from records.selection import Selection, SelectionProblem, read_selection
from records.views.bulk import refused
from scoring.models import Evaluator, RunMode, ScoringRun
from scoring.runs.estimate import Estimate, estimate
from scoring.runs.starting import RunProblem, evaluators_named, machine_evaluators, start_run

TICKS = ("primary", "all", "none")


class RescoreForm(forms.Form):
    mode = forms.ChoiceField(choices=RunMode.choices, initial=RunMode.ALL)
    limit = forms.IntegerField(required=False, min_value=1, max_value=2_000_000_000, label="Only the newest")


@dataclass(frozen=True, slots=True)
class Choice:
    """A metric, and which of its evaluators are ticked."""

    metric: Metric
    evaluators: list[tuple[Evaluator, bool]]


@project_page("GET", "POST", role=Role.REVIEWER)
def rescore(request: HttpRequest, project: Project) -> HttpResponse:
    """GET: the dialog, for `n` ticked rows, one of `ids`, or all `matching`. POST: begins.

    With `evaluator` it is asked for by an evaluator's page, which has no form of its own: that one is ticked, and the
    dialog's own fields say the selection.
    """
    if request.method == "POST":
        return _begin(request, project)
    try:
        words, exact = asked(request.GET, request, project)
    except SelectionProblem as problem:
        return refused(str(problem))
    context = {
        "words": words, "exact": exact, "ceiling": ceiling_of(), "matching": bool(request.GET.get("matching")),
        "ids": request.GET.getlist("ids"), "modes": RunMode.choices, "mode": RunMode.ALL,
        "choices": choices(project, "primary"),
    }  # fmt: skip
    if evaluator := request.GET.get("evaluator"):
        context |= {"choices": choices(project, evaluator), "own": True, "q": request.GET.get("q", "")}
        context["mode"] = RunMode.STALE
    return render(request, "scoring/_rescore.html", context)


@project_page("GET", role=Role.REVIEWER)
def rescore_ticks(request: HttpRequest, project: Project) -> HttpResponse:
    """The list of evaluators again, with the primary ones, all or none of them ticked."""
    tick = request.GET.get("tick")
    return render(
        request,
        "scoring/_rescore_evaluators.html",
        {"choices": choices(project, tick if tick in TICKS else "primary")},
    )


@project_page("POST", role=Role.REVIEWER)
def rescore_estimate(request: HttpRequest, project: Project) -> HttpResponse:
    """What it would take. Stores nothing; a POST because the ids of many rows do not fit an address."""
    try:
        selection, evaluators, form = _read(request, project)
        expected = estimate(selection, evaluators, **form.cleaned_data)
    except (SelectionProblem, RunProblem, SearchTimeout) as problem:
        return render(request, "scoring/_rescore_estimate.html", {"problem": str(problem)})
    except FilterError as error:
        return render(request, "scoring/_rescore_estimate.html", {"problem": error.message})
    context = {"expected": expected, "limit": _limit_problem(request, project, expected)}
    return render(request, "scoring/_rescore_estimate.html", context)


def choices(project: Project, tick: str) -> list[Choice]:
    """All metrics that a machine can measure, also those never applied; `tick` one of TICKS, or an evaluator's slug."""

    def ticked(evaluator: Evaluator) -> bool:
        return tick in ("all", evaluator.slug) or (
            tick == "primary" and evaluator.metric.primary_evaluator == evaluator.slug
        )

    return [
        Choice(metric, [(evaluator, ticked(evaluator)) for evaluator in group])
        for metric, group in groupby(machine_evaluators(project), key=lambda evaluator: evaluator.metric)
    ]


def _begin(request: HttpRequest, project: Project) -> HttpResponse:
    """Few rows: the page stays, and its cells show it. All that match: on to the run's page."""
    try:
        selection, evaluators, form = _read(request, project)
        expected = None
        if request.role < Role.EDITOR:
            expected = estimate(selection, evaluators, **form.cleaned_data)
        run = start_run(
            selection, evaluators, request.user, request.role, **form.cleaned_data,
            estimate=expected.as_json() if expected else None,
        )  # fmt: skip
    except (SelectionProblem, RunProblem, SearchTimeout) as problem:
        return refused(str(problem))
    except FilterError as error:
        return refused(error.message)
    if selection.search is not None:
        return HttpResponseClientRedirect(reverse("scoring:run", args=[project.slug, run.number]))
    return _stays(run)


def _stays(run: ScoringRun) -> HttpResponse:
    """An empty dialog, and what the page should know."""
    response = htmx.toast(HttpResponse(), f"Run {run.number}: {run.planned:,} scores wait for a worker.", "pass")
    return trigger_client_event(response, "records-changed", {})


def _read(request: HttpRequest, project: Project) -> tuple[Selection, list[Evaluator], RescoreForm]:
    """Raises SelectionProblem, RunProblem."""
    form = RescoreForm(request.POST)
    if not form.is_valid():
        raise RunProblem(" ".join(f"{name}: {' '.join(errors)}" for name, errors in form.errors.items()))
    selection = read_selection(request.POST, project, request.user)
    return selection, evaluators_named(project, request.POST.getlist("evaluator")), form


def asked(data: QueryDict, request: HttpRequest, project: Project) -> tuple[str, bool]:
    """The selection in words, and whether its number is known."""
    if data.get("matching") or "ids" in data:
        selection = read_selection(data, project, request.user)
        try:
            counted: Count | None = selection.count()
        except SearchTimeout:
            counted = None
        return selection.words(counted), counted is not None and counted.kind == "exact"
    n = data.get("n", "")
    if not n.isdecimal() or int(n[:9]) == 0:
        raise SelectionProblem("Nothing is selected.")
    count = int(n[:9])
    noun = "span" if data.get("spans") == "all" else "record"
    return f"{count:,} {noun}{'' if count == 1 else 's'}", True


def _limit_problem(request: HttpRequest, project: Project, expected: Estimate) -> str:
    """What a reviewer's limit means for this run; empty for editors."""
    if request.role >= Role.EDITOR:
        return ""
    limit = project.reviewer_cost_limit
    if expected.cost is not None and expected.cost > limit:
        return f"That is above your limit of ${limit:,.2f} a run: narrow the filter, or ask an editor."
    return f"The run pauses at your limit of ${limit:,.2f}."

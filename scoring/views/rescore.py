"""The dialog that re-scores what is selected: on the Records page, and of one record."""

from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from evalhub import errands, htmx
from evalhub.access import project_page
from evalhub.models import Project, Role
from records.filterlang import FilterError
from records.models import Metric
from records.search import Count, SearchTimeout, ceiling_of
from records.selection import SelectionProblem, read_selection
from records.views.bulk import refused
from scoring.models import Evaluator, RunMode, ScoringRun
from scoring.runs.estimate import Estimate, estimate
from scoring.runs.rescoring import Expected, expected, read
from scoring.runs.starting import RunProblem, machine_evaluators, start_run

TICKS = ("primary", "all", "none")
MOMENT = 1.5  # seconds that a web process counts for an estimate


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
    """What it would take. Stores nothing; a POST because the ids of many rows do not fit an address.

    What a moment is too short for a worker counts on; the fragment asks for its figures.
    """
    found, errand = expected(request.POST, project, request.user, MOMENT), None
    if found.estimate is not None and not found.estimate.exact:
        sent = request.POST.copy()
        sent.pop("csrfmiddlewaretoken", None)
        errand = errands.begin("scoring.jobs.estimate_run", request.user, project.pk, request.user.pk, sent.urlencode())
    return _estimated(request, project, found, errand)


@never_cache
@project_page("GET", role=Role.REVIEWER)
def rescore_estimated(request: HttpRequest, project: Project, errand: str) -> HttpResponse:
    """What the worker has counted; nothing new while it counts."""
    found = errands.outcome(errand, request.user)
    if not found.done:
        return HttpResponse(status=204)
    return _estimated(request, project, found.value or Expected(problem=found.problem))


def _estimated(request: HttpRequest, project: Project, found: Expected, errand: str | None = None) -> HttpResponse:
    context: dict[str, object] = {"problem": found.problem, "errand": errand}
    if found.estimate is not None:
        context |= {"expected": found.estimate, "limit": limit_problem(request, project, found.estimate)}
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
        selection, evaluators, form = read(request.POST, project, request.user)
        told = None
        if request.role < Role.EDITOR:
            told = estimate(selection, evaluators, **form.cleaned_data, seconds=MOMENT)
        run = start_run(
            selection, evaluators, request.user, request.role, **form.cleaned_data,
            estimate=told.as_json() if told else None,
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


def limit_problem(request: HttpRequest, project: Project, told: Estimate) -> str:
    """What a reviewer's limit means for this run; empty for editors."""
    if request.role >= Role.EDITOR:
        return ""
    limit = project.reviewer_cost_limit
    if told.cost is not None and told.cost > limit and not told.rough:
        return f"That is above your limit of ${limit:,.2f} a run: narrow the filter, or ask an editor."
    return f"The run pauses at your limit of ${limit:,.2f}."

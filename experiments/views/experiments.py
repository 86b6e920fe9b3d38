"""Experiments: the list, one of them with its live progress and rows, and what people may do with it."""

import json
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.health import workers_of
from evalhub.models import Project, Role
from experiments.models import MAKES_OUTPUTS, Experiment, RowState, Workflow
from experiments.running import ringing, scores, steering
from experiments.running.counting import totals_of
from experiments.running.editing import delete_experiment
from experiments.running.listing import listed, page_of
from experiments.running.progress import Progress
from experiments.running.rows import seconds_until_due
from experiments.running.uploads import adopt, came_since, take_in, uploads
from experiments.tables import ExperimentTable
from records.filterlang import quoted
from records.views.bulk import STOP_POLLING, refused
from scoring.models import RunStatus
from scoring.runs.steering import NotNow

ROWS = 50
PREVIEW_CHARS = 140


@never_cache
@project_page("GET")
def experiment_list(request: HttpRequest, project: Project) -> HttpResponse:
    after = request.GET.get("after", "")
    its = Experiment.objects.filter(project=project).select_related("dataset", "prompt_version__prompt")
    found, older = paging.page(its, "created_at", after)
    totals = totals_of(found) if found else {}
    for experiment in found:
        experiment.counted = totals[experiment.pk]
    context = {
        "table": ExperimentTable(found, request=request) if found else None, "older": older, "first_page": not after,
        "uploads": uploads(project) if not after else [], "may_edit": request.role >= Role.EDITOR,
        "at_work": any(not one.is_over and not one.reason for one in found),
    }  # fmt: skip
    return htmx.render_page(request, "experiments/experiments.html", "experiments", context)


@never_cache
@project_page("GET")
def experiment(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """Its head and progress; the results and the rows come after the page."""
    found = _found(project, experiment)
    context = {
        "experiment": found, "progress": _progress(request, found), "may_edit": request.role >= Role.EDITOR,
        "query": request.GET.urlencode(), "quoted": quoted(found.label), "again": _again(found),
        **_sets(request, found),
    }  # fmt: skip
    return render(request, "experiments/experiment.html", context)


@never_cache
@project_page("GET")
def experiment_progress(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """The part that changes while it is at work; 286 tells HTMX to ask no more."""
    found = _found(project, experiment)
    progress = _progress(request, found)
    response = render(request, "experiments/_experiment_progress.html", {"experiment": found, "progress": progress})
    if not progress.polls:
        response.status_code = STOP_POLLING
        trigger_client_event(response, "experiment-ended", {})
    return response


@never_cache
@project_page("GET")
def experiment_sets(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """Its sets of evaluators. When the last of them that `?moved` has been scored, the results are told."""
    found = _found(project, experiment)
    context = {"experiment": found, **_sets(request, found)}
    response = render(request, "experiments/_experiment_sets.html", context)
    if "moved" in request.GET and not context["moves"]:
        trigger_client_event(response, "sets-scored", {})
    return response


@never_cache
@project_page("GET")
def experiment_rows(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """Its rows, behind one state where asked."""
    found = _found(project, experiment)
    state = request.GET.get("state", "")
    after = request.GET.get("after", "")
    states = [state] if state in RowState else []
    rows, more = page_of(found, states, int(after) if after.isdecimal() and len(after) < 19 else 0, ROWS)
    totals = totals_of([found])[found.pk]
    context = {
        "experiment": found, "rows": listed(found, rows, PREVIEW_CHARS), "more": more, "state": state,
        "first_page": not after,
        "states": [(name, totals.n(name)) for name in RowState.values if totals.n(name)], "all": totals.rows,
        "live": not found.is_over and not found.reason and not after,
    }  # fmt: skip
    return render(request, "experiments/_experiment_rows.html", context)


@project_page("POST", role=Role.EDITOR)
def experiment_cancel(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    steering.cancel(_found(project, experiment), request.user)
    return _part(request, project, experiment)


@project_page("POST", role=Role.EDITOR)
def experiment_resume(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    try:
        steering.resume(_found(project, experiment), request.user)
    except NotNow as why:
        return refused(str(why))
    return _part(request, project, experiment)


@project_page("POST", role=Role.EDITOR)
def experiment_retry(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    try:
        steering.retry(_found(project, experiment), request.user)
    except NotNow as why:
        return refused(str(why))
    return _part(request, project, experiment)


@project_page("POST", role=Role.ADMIN)
def experiment_delete(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    try:
        delete_experiment(_found(project, experiment), request.user)
    except NotNow as why:
        return refused(str(why))
    return HttpResponseClientRedirect(reverse("experiments:experiments", args=[project.slug]))


@project_page("POST", role=Role.EDITOR)
def experiment_adopt(request: HttpRequest, project: Project) -> HttpResponse:
    """Makes an experiment of records that came with the name."""
    try:
        adopted = adopt(project, request.POST.get("name", ""), request.user)
    except NotNow as why:
        return refused(str(why))
    where = reverse("experiments:experiment", args=[project.slug, adopted.slug])
    return HttpResponseClientRedirect(where) if request.htmx else redirect(where)


@project_page("POST", role=Role.EDITOR)
def experiment_take(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """Takes in records that came with an uploaded experiment's name since it was adopted."""
    try:
        take_in(_found(project, experiment), request.user)
    except NotNow as why:
        return refused(str(why))
    return _part(request, project, experiment)


def _found(project: Project, slug: str) -> Experiment:
    its = Experiment.objects.select_related(
        "project", "user", "dataset", "prompt_version__prompt", "provider", "baseline"
    )
    return get_object_or_404(its, project=project, slug=slug)


def _again(found: Experiment) -> str:
    """What fills the form for the same once more, against this one. Empty where no form says it: of chosen records."""
    if found.ids is not None:
        return ""
    said: dict[str, object] = {
        "workflow": found.workflow, "baseline": found.slug, "split": found.split, "epochs": found.epochs,
        "concurrency": found.concurrency,
    }  # fmt: skip
    if found.dataset:
        said["dataset"] = found.dataset.slug
    if found.prompt_version:
        said["prompt"] = found.prompt_version.prompt.slug
    if found.workflow == Workflow.COMPLETION:
        said |= {"provider_id": found.provider_id or "", "model": found.model}
        said["parameters"] = json.dumps(found.parameters) if found.parameters else ""
    if found.workflow == Workflow.EXISTING:
        said["q"] = found.filter
    slugs = [version.evaluator.slug for version in scores.versions_of_set(found)]
    return urlencode({name: value for name, value in said.items() if value} | {"evaluators": slugs}, doseq=True)


def _part(request: HttpRequest, project: Project, slug: str) -> HttpResponse:
    found = _found(project, slug)
    context = {"experiment": found, "progress": _progress(request, found)}
    return trigger_client_event(render(request, "experiments/_experiment_progress.html", context), "rows-changed", {})


def _progress(request: HttpRequest, found: Experiment) -> Progress:
    runs = scores.runs_of_set(found)
    workers = 1 if found.is_over else workers_of(ringing.QUEUE)
    judged = bool(scores.versions_of_set(found))
    totals = totals_of([found])[found.pk]
    asks = found.workflow in MAKES_OUTPUTS and not found.is_over
    due = seconds_until_due(found) if asks else None
    since = came_since(found) if found.uploaded and found.is_over else 0
    return Progress(found, totals, runs, judged, timezone.now(), workers, request.role >= Role.EDITOR, due, since)


def _sets(request: HttpRequest, found: Experiment) -> dict[str, object]:
    """`sets`: (set, its evaluators, its scoring runs); whether one of them moves."""
    evaluators = list(found.evaluators.select_related("metric", "evaluator_version__evaluator"))
    its = [(one, list(one.runs.all())) for one in found.sets.prefetch_related("runs")]
    return {
        "sets": [(one, [e for e in evaluators if e.set_number == one.number], runs) for one, runs in its],
        "moves": any(not run.is_over and run.status != RunStatus.PAUSED for _, runs in its for run in runs),
        "may_delete": found.is_over and request.role >= Role.ADMIN,
    }

"""Scoring runs: the list, one run with its live progress, and what people may do with it."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.health import workers_of
from evalhub.models import Project, Role
from records.views.bulk import STOP_POLLING, refused
from scoring.models import RunStatus, ScoringRun
from scoring.runs import flips, ringing, steering
from scoring.runs.progress import Progress
from scoring.runs.starting import RunProblem, retry_errored
from scoring.runs.tasks import versions_of
from scoring.tables import RunTable


@never_cache
@project_page("GET")
def run_list(request: HttpRequest, project: Project) -> HttpResponse:
    after = request.GET.get("after", "")
    runs, older = paging.page(ScoringRun.objects.filter(project=project), "created_at", after)
    context = {"table": RunTable(runs, request=request), "older": older, "first_page": not after}
    return htmx.render_page(request, "scoring/runs.html", "runs", context)


@never_cache
@project_page("GET")
def run(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    found = _found(project, number)
    context = {"run": found, "progress": _progress(request, found), "versions": versions_of(found)}
    return render(request, "scoring/run.html", context)


@never_cache
@project_page("GET")
def run_progress(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """The part that changes while the run is at work; 286 tells HTMX to ask no more."""
    found = _found(project, number)
    response = _part(request, found)
    if found.is_over or found.status == RunStatus.PAUSED:
        response.status_code = STOP_POLLING
    if found.is_over:
        trigger_client_event(response, "run-ended", {})
    return response


@project_page("POST", role=Role.REVIEWER)
def run_cancel(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    found = _found(project, number)
    steering.cancel(found, request.user)
    return _part(request, _found(project, number))


@project_page("POST", role=Role.REVIEWER)
def run_resume(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    found = _found(project, number)
    try:
        steering.resume(found, request.user, request.role)
    except steering.NotNow as why:
        return refused(str(why))
    return _part(request, _found(project, number))


@project_page("POST", role=Role.REVIEWER)
def run_retry(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """A run of its own, which is shown next."""
    try:
        retry = retry_errored(_found(project, number), request.user, request.role)
    except RunProblem as problem:
        return refused(str(problem))
    return HttpResponseClientRedirect(reverse("scoring:run", args=[project.slug, retry.number]))


@never_cache
@project_page("GET")
def run_flips(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """What the run changed, metric by metric; asked for after the page, since it looks at every score."""
    found = _found(project, number)
    metrics = {version.evaluator.metric.slug: version.evaluator.metric for version in versions_of(found)}
    chosen = request.GET.get("metric") or next(iter(metrics), "")
    if metrics and chosen not in metrics:
        raise BadRequest("The run has scored no such metric.")
    context = {"run": found, "metrics": metrics.values(), "chosen": chosen}
    if (flip := request.GET.get("flip")) in flips.FLIPS and metrics:
        context |= {"flip": flip, "records": flips.flipped(found, metrics[chosen], flip)}
        return render(request, "scoring/_run_flipped.html", context)
    context["changes"] = flips.changes(found, metrics[chosen]) if metrics else None
    return render(request, "scoring/_run_flips.html", context)


@never_cache
@project_page("GET")
def run_errors(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Why scores errored, by reason, the most frequent first."""
    found = _found(project, number)
    return render(request, "scoring/_run_errors.html", {"run": found, "reasons": flips.errors(found)})


def _found(project: Project, number: int) -> ScoringRun:
    return get_object_or_404(ScoringRun.objects.select_related("project", "retry_of"), project=project, number=number)


def _part(request: HttpRequest, found: ScoringRun) -> HttpResponse:
    return render(request, "scoring/_run_progress.html", {"run": found, "progress": _progress(request, found)})


def _progress(request: HttpRequest, found: ScoringRun) -> Progress:
    waits = steering.is_waiting(found)
    workers = workers_of(ringing.WORK_QUEUE) if waits else 1
    return Progress(found, timezone.now(), waits, workers, may_act=request.role >= Role.REVIEWER)

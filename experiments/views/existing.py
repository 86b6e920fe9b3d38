"""What is selected on the Records page, as an experiment: the dialog, and its beginning."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.models import Experiment, Workflow
from experiments.running.starting import start
from experiments.running.wanted import Wanted
from records.filterlang import FilterError
from records.search import ceiling_of
from records.selection import SelectionProblem, read_selection
from records.views.bulk import refused
from scoring.runs.starting import machine_evaluators
from scoring.views.rescore import asked

MOST_BASELINES = 100


@project_page("GET", "POST", role=Role.EDITOR)
def experiment_existing(request: HttpRequest, project: Project) -> HttpResponse:
    """GET: the dialog, for `n` ticked rows or all `matching`. POST: begins."""
    if request.method == "POST":
        return _begin(request, project)
    try:
        words, _ = asked(request.GET, request, project)
    except SelectionProblem as problem:
        return refused(str(problem))
    evaluators = [(e, e.metric.primary_evaluator == e.slug) for e in machine_evaluators(project)]
    context = {
        "words": words, "ceiling": ceiling_of(), "matching": bool(request.GET.get("matching")),
        "evaluators": evaluators, "baselines": Experiment.objects.filter(project=project)[:MOST_BASELINES],
    }  # fmt: skip
    return render(request, "experiments/_experiment_existing.html", context)


def _begin(request: HttpRequest, project: Project) -> HttpResponse:
    sent = request.POST
    try:
        wanted = Wanted(
            sent.get("name", ""), Workflow.EXISTING, records=read_selection(sent, project, request.user),
            evaluators=sent.getlist("evaluator"), baseline=sent.get("baseline", ""),
        )  # fmt: skip
        begun = start(project, wanted, request.user)
    except SelectionProblem as problem:
        return refused(str(problem))
    except FilterError as error:
        return refused(error.message)
    except ValidationError as problem:
        return refused(" ".join(problem.messages))
    return HttpResponseClientRedirect(reverse("experiments:experiment", args=[project.slug, begun.slug]))

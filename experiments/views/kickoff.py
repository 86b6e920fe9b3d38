"""Starting an experiment from the page, and scoring its outputs again."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRefresh

from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.kickoff_form import ExperimentForm
from experiments.models import Experiment, Workflow
from experiments.running import steering
from experiments.running.checking import check
from experiments.running.estimate import estimate
from experiments.running.starting import start
from records.filterlang import FilterError
from records.views.bulk import refused
from scoring.providers import usable_by
from scoring.runs.starting import RunProblem, evaluators_named, machine_evaluators
from scoring.runs.steering import NotNow

PREFILLED = (
    "name",
    "workflow",
    "dataset",
    "revision",
    "split",
    "prompt",
    "version",
    "provider_id",
    "model",
    "parameters",
    "epochs",
    "concurrency",
    "q",
    "baseline",
)


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def experiment_new(request: HttpRequest, project: Project) -> HttpResponse:
    """The form; the address may fill it, so that a dataset, a prompt or a list of records leads to it."""
    if request.method == "GET":
        said = {name: request.GET[name] for name in PREFILLED if request.GET.get(name)}
        primary = [e.slug for e in machine_evaluators(project) if e.metric.primary_evaluator == e.slug]
        said |= {"evaluators": request.GET.getlist("evaluators") or primary}
        if said.get("workflow") not in Workflow:
            said["workflow"] = Workflow.EXISTING if "q" in request.GET else Workflow.PROMPT
        return _page(request, project, ExperimentForm(project=project, user=request.user, initial=said))
    form = ExperimentForm(request.POST, project=project, user=request.user)
    if form.is_valid():
        try:
            begun = start(project, form.wanted(), request.user)
            return redirect("experiments:experiment", project.slug, begun.slug)
        except ValidationError as problem:
            form.take(problem.message_dict)
        except FilterError as error:
            form.add_error("q", error.message)
    return _page(request, project, form, 422)


@project_page("POST", role=Role.EDITOR)
def experiment_estimate(request: HttpRequest, project: Project) -> HttpResponse:
    """What it would take, or why it cannot be. Stores nothing; a POST, since it is the form that is asked about."""
    form = ExperimentForm(request.POST, project=project, user=request.user)
    form.fields["name"].required = False
    context: dict[str, object] = {"workflow": request.POST.get("workflow", "")}
    if form.is_valid():
        try:
            wanted = form.wanted()
            wanted.name = wanted.name or "Unnamed"
            context["expected"] = estimate(check(project, wanted), wanted.records)
        except ValidationError as problem:
            form.take(problem.message_dict)
        except FilterError as error:
            form.add_error("q", error.message)
    context["problems"] = [
        (form.fields[name].label or name.capitalize() if name in form.fields else "", error)
        for name, errors in form.errors.items() for error in errors
    ]  # fmt: skip
    return render(request, "experiments/_experiment_estimate.html", context)


@project_page("GET", "POST", role=Role.EDITOR)
def experiment_rescore(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """The dialog that runs evaluators over the stored outputs, as a further set."""
    found = get_object_or_404(Experiment.objects.select_related("project"), project=project, slug=experiment)
    if request.method == "GET":
        frozen = {e.evaluator_version.evaluator_id for e in found.evaluators.select_related("evaluator_version")
                  if e.set_number == 1 and e.evaluator_version}  # fmt: skip
        choices = [(e, e.pk in frozen) for e in machine_evaluators(project)]
        return render(request, "experiments/_experiment_rescore.html", {"experiment": found, "choices": choices})
    try:
        evaluators = evaluators_named(project, request.POST.getlist("evaluator"))
        steering.score_again(found, evaluators, request.user, request.POST.get("name", ""))
    except (RunProblem, NotNow) as why:
        return refused(str(why))
    return HttpResponseClientRefresh()


def _page(request: HttpRequest, project: Project, form: ExperimentForm, status: int = 200) -> HttpResponse:
    models = sorted({name for provider in usable_by(project.id) for name in provider.model_names})
    return render(request, "experiments/experiment_new.html", {"form": form, "models": models}, status=status)

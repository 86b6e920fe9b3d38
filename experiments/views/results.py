"""What one experiment came to, and over the experiments of a dataset: parts of pages, asked for after them."""

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import push_url

from evalhub.access import project_page
from evalhub.models import Project
from experiments.models import Dataset, Experiment, ScoreSet

GATES = 20
LEAST_SEEN = 1e-6  # no number of cases shows less
PLACE = "results-of-experiment"  # its id on the experiment's page


@never_cache
@project_page("GET")
def results(request: HttpRequest, project: Project, experiment: str) -> HttpResponse:
    """Of `?set=` (1 is the one that it is judged by), sliced by `?by=`."""
    from experiments.comparison import results as summed  # numpy and scipy: only where they are needed
    from experiments.comparison.reading import group_keys, side_of

    found = _experiment(project, experiment)
    sets = list(ScoreSet.objects.filter(experiment=found))
    number = request.GET.get("set", "1")
    if number not in {str(one.number) for one in sets} | {"1"}:
        raise BadRequest("The experiment has no such set of scores.")
    by = request.GET.get("by", "")
    try:
        side = side_of(found, int(number), group_by=by)
    except ValueError as problem:
        raise BadRequest(str(problem)) from problem
    measured = summed.metric_results(side)
    context = {
        "experiment": found, "side": side, "metrics": measured, "spent": summed.spent(side), "sets": sets,
        "set_number": int(number), "by": by, "keys": group_keys(found), "gates": found.gates.all()[:GATES],
    }  # fmt: skip
    if by:
        context["slices"], context["more_slices"] = summed.slices(side, side.measures)
    return _at(request, found, {"set": number, "by": by}, render(request, "experiments/_results.html", context))


@never_cache
@project_page("GET")
def dataset_trend(request: HttpRequest, project: Project, dataset: str) -> HttpResponse:
    """A metric over the experiments of the dataset, `?baseline=` marked; what the set can see, and how many cases it
    takes to see less."""
    from experiments.comparison import drawing, planner, trends

    found = get_object_or_404(Dataset, project=project, slug=dataset)
    experiments = trends.experiments_of(found)
    metrics = trends.metrics_of(experiments)
    chosen = request.GET.get("metric") or (metrics[0].slug if metrics else "")
    metric = next((one for one in metrics if one.slug == chosen), None)
    if chosen and metric is None:
        raise BadRequest("No experiment on this dataset has measured such a metric.")
    context = {"dataset": found, "metrics": metrics, "metric": metric, "see": request.GET.get("see", "")}
    if metric:
        steps = trends.trend(experiments, metric)
        baseline = _baseline(steps, request.GET.get("baseline", ""))
        shares = any(step.shares for step in steps)
        figure = drawing.trend_figure(
            [step.experiment.name for step in steps], [step.estimate for step in steps], baseline, shares
        )
        context |= {
            "steps": steps, "baseline": steps[baseline].experiment if baseline is not None else None,
            "figure": json.dumps(figure), "shares": shares,
            "plan": planner.plan(found, metric, experiments, _see(request, shares)),
        }  # fmt: skip
    return render(request, "experiments/_dataset_trend.html", context)


def _at(request: HttpRequest, experiment: Experiment, chosen: dict[str, str], response: HttpResponse) -> HttpResponse:
    """What was chosen here is a step of the page's history; what stands in its address beside that stays."""
    if not request.htmx or request.htmx.trigger == PLACE:  # the part that comes after the page by itself
        return response
    query = dict(parse_qsl(urlsplit(request.htmx.current_url_abs_path or "").query)) | chosen
    query = {name: value for name, value in query.items() if value and (name, value) != ("set", "1")}
    address = reverse("experiments:experiment", args=[request.project.slug, experiment.slug])
    return push_url(response, f"{address}?{urlencode(query)}" if query else address)


def _experiment(project: Project, slug: str) -> Experiment:
    return get_object_or_404(Experiment.objects.select_related("dataset", "baseline"), project=project, slug=slug)


def _baseline(steps: list, slug: str) -> int | None:
    """The one that is named, else the one that most of them name as theirs."""
    named = [step.experiment.baseline_id for step in steps if step.experiment.baseline_id]
    id = max(set(named), key=named.count) if named else None
    for index, step in enumerate(steps):
        if (step.experiment.slug == slug) if slug else (step.experiment.pk == id):
            return index
    return None


def _see(request: HttpRequest, shares: bool) -> tuple[float, ...]:
    """A difference of the reader's own: points of a share, else in the metric's units."""
    text = request.GET.get("see", "").strip()
    try:
        value = float(text) if text else 0.0
    except ValueError:
        value = -1.0
    if not (value == 0 or LEAST_SEEN <= value < 1e9) or (shares and value > 100):
        raise BadRequest(
            f"What is to be seen is a number of {LEAST_SEEN:g} or more{', at most 100' if shares else ''}."
        )
    return ((value / 100 if shares else value),) if value else ()

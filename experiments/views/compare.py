"""Two to five experiments against the first of them. The page comes at once, what it says of their scores after it."""

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import push_url

from evalhub.access import project_page
from evalhub.models import Project
from experiments.comparison.asked import Asked, BadComparison, asked_of
from experiments.models import UNFINISHED, Experiment
from records.models import ValueType

if TYPE_CHECKING:
    from experiments.comparison.verdicts import Versus

OFFERED = 50  # experiments to choose from
SHOWN = 30  # cases of a list
UNMATCHED = 200


@never_cache
@project_page("GET")
def compare(request: HttpRequest, project: Project) -> HttpResponse:
    """Without `ids`, or with one, what there is to choose from."""
    try:
        asked = asked_of(project, request.GET)
    except BadComparison as problem:
        return _choose(request, project, str(problem))
    if not asked.others:
        return _choose(request, project)
    context = {"asked": asked, "query": request.GET.urlencode()}
    return render(request, "experiments/compare.html", context)


@never_cache
@project_page("GET")
def compare_numbers(request: HttpRequest, project: Project) -> HttpResponse:
    """The verdicts with their charts, and the list of cases: of one reading of the scores."""
    from experiments.comparison import drawing, slices, verdicts  # numpy and scipy: only where they are needed
    from experiments.comparison.reading import group_keys

    asked = _asked(request, project)
    read = asked.read()
    found = [verdicts.compare(read.first, other, margin=asked.margin, clusters=read.clusters) for other in read.others]
    chosen = found[asked.versus]
    line = chosen.line(asked.metric) or next((line for line in chosen.lines if not line.neutral), None)
    context = {
        "asked": asked, "found": found, "chosen": chosen, "line": line, "keys": group_keys(asked.first),
        "figure": json.dumps(drawing.intervals_figure(chosen)), **_cases(chosen, asked),
    }  # fmt: skip
    if line:
        number = line.measure.metric.value_type == ValueType.NUMERICAL  # a scatter of numbers says more than of passes
        kind = "mean" if number else line.kind
        pairs = verdicts.pairs_of(chosen.first, chosen.second, chosen.match, line.measure.key, kind)
        shares = verdicts.is_share(line.measure, kind)
        figure = drawing.scatter_figure(
            pairs, chosen.first.name, chosen.second.name, shares, number and line.measure.lower
        )
        context |= {"pairs": pairs, "scatter": json.dumps(figure), "scatter_shares": shares}
        if asked.by:
            context["slices"], context["more_slices"] = slices.slice_lines(
                chosen.first, chosen.second, chosen.match, line, read.clusters
            )
    return _at(asked, request, render(request, "experiments/_compare_numbers.html", context))


@never_cache
@project_page("GET")
def compare_case(request: HttpRequest, project: Project) -> HttpResponse:
    """One case side by side: outputs with what differs from the first's, scores with their reasons."""
    from experiments.comparison.one_case import side_by_side

    asked = _asked(request, project)
    epoch = request.GET.get("epoch", "0")
    columns = side_by_side(asked.experiments, asked.case, int(epoch) if epoch.isdecimal() and len(epoch) < 4 else 0)
    if not any(column.rows for column in columns):
        raise BadRequest("None of the experiments has such a case.")
    given = next((column for column in columns if column.inputs is not None), None)
    context = {"asked": asked, "columns": columns, "given": given}
    return _at(asked, request, render(request, "experiments/_compare_case.html", context))


def _choose(request: HttpRequest, project: Project, problem: str = "") -> HttpResponse:
    there = Experiment.objects.filter(project=project).select_related("dataset")
    chosen = {slug for value in request.GET.getlist("ids") for slug in value.split(",")}
    offered = list(there.order_by("-created_at", "-id")[:OFFERED])
    context = {
        "offered": offered, "chosen": chosen, "problem": problem, "unfinished": UNFINISHED, "most": OFFERED,
    }  # fmt: skip
    return render(request, "experiments/compare_choose.html", context, status=400 if problem else 200)


def _asked(request: HttpRequest, project: Project) -> Asked:
    try:
        asked = asked_of(project, request.GET)
    except BadComparison as problem:
        raise BadRequest(str(problem)) from problem
    if not asked.others:
        raise BadRequest("Two experiments at least are compared.")
    return asked


def _cases(versus: "Versus", asked: Asked) -> dict[str, object]:
    """A page of the list that is shown, and the case that stands open: the one asked for, else the first."""
    if asked.show == "unmatched":
        cases = [*versus.match.only_first, *versus.match.only_second][:UNMATCHED]
        return {"cases": cases, "first_case": asked.case}
    every = getattr(versus, asked.show)
    cases, later = every[asked.start : asked.start + SHOWN], asked.start + SHOWN
    return {
        "cases": cases, "earlier": max(0, asked.start - SHOWN) if asked.start else None,
        "later": later if later < len(every) else None,
        "first_case": asked.case or (cases[0].first if cases and asked.show == "regressions" else ""),
    }  # fmt: skip


def _at(asked: Asked, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The address of the page that shows this, unless the reader is there already: a change is a step of history."""
    address = f"{reverse('experiments:compare', args=[request.project.slug])}?{asked.address}"
    current = request.htmx.current_url_abs_path or ""
    by_itself = not request.htmx or request.htmx.trigger in ("comparison", "case")  # a part that comes after the page
    if by_itself or parse_qs(urlsplit(current).query) == parse_qs(asked.address):
        return response
    return push_url(response, address)

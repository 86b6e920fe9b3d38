"""The evaluators of a project: what each has done lately; and one of them, whose heavy parts come after the page."""

import json
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from evalhub.access import project_page
from evalhub.models import Project, Role
from records.models import Record, Score
from scoring.measured.sample import Sample, sample_of
from scoring.measured.table import EvaluatorTable
from scoring.measured.volumes import DAYS, volumes
from scoring.models import Evaluator, EvaluatorType

NEWEST = 12  # scores shown one by one


@project_page("GET")
def evaluator_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those at work; with `?archived=1` those put away."""
    archived = request.GET.get("archived") == "1"
    all_there_are = list(
        Evaluator.objects.filter(project=project)
        .select_related("metric", "current")
        .order_by("metric__position", "name")
    )
    shown = [evaluator for evaluator in all_there_are if bool(evaluator.archived_at) == archived]
    found = volumes(project, timezone.now())
    rows = [
        {"evaluator": evaluator, "volume": found.of(evaluator.slug), "errored": errored_url(project, evaluator)}
        for evaluator in shown
    ]
    context = {
        "table": EvaluatorTable(rows, request=request) if rows else None, "volumes": found, "days": DAYS,
        "archived": archived, "has_code": any(evaluator.type == EvaluatorType.CODE for evaluator in shown),
        "may_edit": may_edit(request), "n_archived": sum(bool(evaluator.archived_at) for evaluator in all_there_are),
    }  # fmt: skip
    return render(request, "scoring/evaluators.html", context)


@project_page("GET")
def evaluator(request: HttpRequest, project: Project, evaluator: str) -> HttpResponse:
    found = _found(project, evaluator)
    context = {
        "evaluator": found, "version": found.current, "may_edit": may_edit(request),
        "scored": list_url(project, f"evaluator:{found.slug}"), "query": _query(request, "version", "old", "new"),
    }  # fmt: skip
    return render(request, "scoring/evaluator.html", context)


@project_page("GET")
def evaluator_numbers(request: HttpRequest, project: Project, evaluator: str) -> HttpResponse:
    """Tiles, distribution, trend, versions and newest scores, all of one look at the newest scores."""
    from scoring.measured import drawing, summary  # numpy and scipy: only where they are needed

    found = _found(project, evaluator)
    sample = sample_of(found)
    bins = summary.distribution(found.metric, list(sample.completed()))
    trend = summary.trend(sample, timezone.get_current_timezone())
    context = {
        "evaluator": found, "sample": sample, "totals": summary.totals(sample), "bins": bins, "trend": trend,
        "versions": summary.by_version(sample, list(found.versions.all())), "newest": _newest(project, sample),
        "errored": errored_url(project, found), "scored": list_url(project, f"evaluator:{found.slug}"),
        "distribution_figure": json.dumps(drawing.distribution_figure(bins)),
        "trend_figure": json.dumps(drawing.trend_figure(trend)),
    }  # fmt: skip
    return render(request, "scoring/_evaluator_numbers.html", context)


@project_page("GET")
def evaluator_people(request: HttpRequest, project: Project, evaluator: str) -> HttpResponse:
    """Agreement with people, of `?version=` or of the newest version that has enough records."""
    from scoring.measured import people

    found = _found(project, evaluator)
    pairs = people.pairs_with_people(found)
    counts = people.counts_by_version(pairs)
    version = _number(request, "version") or people.telling_version(counts)
    context = {"evaluator": found, "counts": counts, "version": version}
    if counts.get(version):
        context["agreement"] = people.with_people(found, pairs, version, sample_of(found))
    return render(request, "scoring/_evaluator_people.html", context)


@project_page("GET")
def evaluator_reviewers(request: HttpRequest, project: Project, evaluator: str) -> HttpResponse:
    """Agreement of the people who score by it."""
    from scoring.measured.reviewers import reviewers

    found = _found(project, evaluator)
    return render(request, "scoring/_evaluator_reviewers.html", {"evaluator": found, "reviewers": reviewers(found)})


@project_page("GET")
def evaluator_flips(request: HttpRequest, project: Project, evaluator: str) -> HttpResponse:
    """What `?new=` says against what `?old=` said of the same records; else the two newest versions with scores."""
    from scoring.measured import flips, people

    found = _found(project, evaluator)
    sample = sample_of(found)
    numbers = sorted({attempt.version for attempt in sample.completed()} | set(_numbers_of(found)), reverse=True)
    new, old = _number(request, "new"), _number(request, "old")
    if not (new and old):
        old, new = _two_newest(sample, numbers)
    context = {"evaluator": found, "numbers": numbers, "old": old, "new": new}
    if old and new and old != new:
        context["flips"] = flips.flips(found, old, new, sample, people.pairs_with_people(found))
    return render(request, "scoring/_evaluator_flips.html", context)


def may_edit(request: HttpRequest) -> bool:
    """Whether the admin's forms would let this person in."""
    return request.role >= Role.EDITOR and request.user.is_staff


def list_url(project: Project, filter: str) -> str:
    """The Records page with a filter."""
    return f"{reverse('records:list', args=[project.slug])}?{urlencode({'q': filter})}"


def errored_url(project: Project, evaluator: Evaluator) -> str:
    return list_url(project, f"metric.{evaluator.metric.slug}.status:errored evaluator:{evaluator.slug}")


def _found(project: Project, slug: str) -> Evaluator:
    found = get_object_or_404(Evaluator.objects.select_related("metric", "current"), project=project, slug=slug)
    found.metric.project = project
    return found


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadRequest(f"{name} is the number of a version.")
    return int(text)


def _query(request: HttpRequest, *names: str) -> str:
    return urlencode({name: request.GET[name] for name in names if request.GET.get(name)})


def _numbers_of(evaluator: Evaluator) -> list[int]:
    return list(evaluator.versions.values_list("number", flat=True))


def _two_newest(sample: Sample, numbers: list[int]) -> tuple[int | None, int | None]:
    """(old, new): the newest version with scores, and the one before it."""
    with_scores = sorted({attempt.version for attempt in sample.attempts if attempt.version}, reverse=True)
    new = with_scores[0] if with_scores else None
    return next((number for number in numbers if new and number < new), None), new


def _newest(project: Project, sample: Sample) -> list[dict[str, Any]]:
    """Scores with their records' names, the newest first."""
    chosen = sample.attempts[:NEWEST]
    scores = {score.id: score for score in Score.objects.filter(project=project, id__in=[one.id for one in chosen])}
    records = Record.objects.filter(project=project, id__in=[one.record_id for one in chosen])
    names = dict(records.values_list("id", "name"))
    return [
        {"score": scores[one.id], "name": names.get(one.record_id), "at": one.created_at}
        for one in chosen
        if one.id in scores
    ]

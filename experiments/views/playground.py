"""The playground: variants of a prompt beside each other over a few rows."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from evalhub.access import project_page
from evalhub.models import Project, Role
from experiments.models import Dataset, PlaygroundRun, Prompt, PromptVersion
from experiments.playground import running
from experiments.playground.asked import MOST_COLUMNS, Asked, Column
from experiments.playground.showing import shown
from experiments.prompts import versions
from experiments.prompts.writing import ROLES, Written, usable
from scoring.runs.starting import machine_evaluators

OFFERED = 100  # versions, and datasets
EARLIER = 10


@never_cache
@project_page("GET")
def playground(request: HttpRequest, project: Project) -> HttpResponse:
    """The editor, begun with an earlier run, a prompt's version, a dataset; and that run's answers."""
    key = request.GET.get("run", "")
    run = _run(project, int(key)) if key.isascii() and key.isdecimal() and len(key) < 18 else None
    if key and run is None:
        raise Http404("No such run.")
    asked = _of(run) if run else Asked(dataset=request.GET.get("dataset", ""))
    version = _version(project, f"{request.GET.get('prompt', '')}:{request.GET.get('version', '')}")
    if run is None and version is not None:
        asked.load(0, version)
    return _page(request, project, asked, run)


@never_cache
@project_page("POST", role=Role.EDITOR)
def playground_run(request: HttpRequest, project: Project) -> HttpResponse:
    """Runs what the form says; its other buttons change the form and are answered with it."""
    asked, pressed = Asked.read(request.POST), request.POST
    if "run" not in pressed:
        _change(project, asked, pressed)
        return _page(request, project, asked)
    run = running.start(project, asked, request.user)
    if run is None:
        return _page(request, project, asked, status=422)
    where = f"{reverse('experiments:playground', args=[project.slug])}?run={run.pk}"
    return HttpResponseClientRedirect(where) if request.htmx else redirect(where)


@never_cache
@project_page("GET")
def playground_cells(request: HttpRequest, project: Project, key: int) -> HttpResponse:
    return _cells(request, _run(project, key))


@never_cache
@project_page("POST", role=Role.EDITOR)
def playground_retry(request: HttpRequest, project: Project, key: int) -> HttpResponse:
    run = _run(project, key)
    cell = request.POST.get("cell", "")
    running.retry(run, [int(cell)] if cell.isascii() and cell.isdecimal() and len(cell) < 18 else None)
    return _cells(request, _run(project, key))


class SaveForm(forms.Form):
    column = forms.IntegerField(min_value=0)
    prompt = forms.CharField(required=False)
    name = forms.CharField(required=False, max_length=120)


@never_cache
@project_page("POST", role=Role.EDITOR)
def playground_save(request: HttpRequest, project: Project, key: int) -> HttpResponse:
    """A column becomes the next version of a prompt, or a new prompt."""
    run, form = _run(project, key), SaveForm(request.POST)
    if not form.is_valid() or form.cleaned_data["column"] >= len(run.columns):
        raise Http404("No such column.")
    column = run.columns[form.cleaned_data["column"]]
    content = {name: column[name] for name in versions.CONTENT}
    note, slug = f"From playground run {run.pk}", form.cleaned_data["prompt"]
    try:
        if slug:
            prompt = get_object_or_404(Prompt, project=project, slug=slug, archived_at=None)
            versions.new_version(prompt, request.user, note=note, **content)
        else:
            prompt = versions.create_prompt(
                project, request.user, name=form.cleaned_data["name"] or "Playground", note=note, **content
            )
    except ValidationError as problem:
        return _page(request, project, _of(run), run, status=422, problem=" ".join(problem.messages))
    return redirect("experiments:prompt", project.slug, prompt.slug)


def _run(project: Project, key: int) -> PlaygroundRun:
    return get_object_or_404(PlaygroundRun.objects.select_related("scored_by", "project"), project=project, pk=key)


def _of(run: PlaygroundRun) -> Asked:
    """The form as it was when the run began; rows of a dataset are asked of the dataset again."""
    columns = []
    for column in run.columns:
        version = PromptVersion(**{name: column[name] for name in versions.CONTENT})
        columns.append(Column(Written.of(version), column["prompt"], column["version"]))
    rows = "" if run.dataset else "\n".join(_line(row["inputs"]) for row in run.rows if row["inputs"])
    cases = str(len(run.rows)) if run.dataset else Asked().cases
    return Asked(columns, rows, run.dataset, cases, list(run.evaluators))


def _line(inputs: Any) -> str:
    """As it can be typed in again."""
    only = next(iter(inputs.values())) if isinstance(inputs, dict) and len(inputs) == 1 else None
    if isinstance(only, str) and only.strip() and "\n" not in only and not only.lstrip().startswith("{"):
        return only
    return json.dumps(inputs, ensure_ascii=False)


def _version(project: Project, named: str) -> PromptVersion | None:
    slug, _, number = named.partition(":")
    found = PromptVersion.objects.select_related("prompt").filter(project=project, prompt__slug=slug)
    if number:
        return (
            found.filter(number=number).first() if number.isascii() and number.isdecimal() and len(number) < 9 else None
        )
    return (found.filter(deployed=True).first() or found.order_by("-number").first()) if slug else None


def _change(project: Project, asked: Asked, pressed: Any) -> None:
    places = {str(number): number for number in range(len(asked.columns))}
    load, drop = places.get(pressed.get("load", "")), places.get(pressed.get("drop", ""))
    if load is not None:
        version = _version(project, pressed.get(f"c{load}.source", ""))
        if version is not None:
            asked.load(load, version)
    elif drop is not None and len(asked.columns) > 1:
        del asked.columns[drop]
    elif "another" in pressed and len(asked.columns) < MOST_COLUMNS:
        last = asked.columns[-1]
        asked.columns.append(Column(Asked.read(pressed).columns[-1].written, last.prompt, last.version))


def _page(
    request: HttpRequest, project: Project, asked: Asked, run: PlaygroundRun | None = None, status: int = 200,
    problem: str = "",
) -> HttpResponse:  # fmt: skip
    providers = usable(project)
    offered = PromptVersion.objects.filter(project=project, prompt__archived_at=None).select_related("prompt")
    context = {
        "asked": asked, "run": run, "shown": shown(run) if run else None, "problem": problem, "roles": ROLES,
        "providers": providers, "models": sorted({name for one in providers for name in one.model_names}),
        "versions": offered.order_by("prompt__name", "-number")[:OFFERED],
        "prompts": Prompt.objects.filter(project=project, archived_at=None).order_by("name")[:OFFERED],
        "datasets": Dataset.objects.filter(project=project, archived_at=None, size__gt=0).order_by("name")[:OFFERED],
        "evaluators": machine_evaluators(project), "may_run": request.role >= Role.EDITOR,
        "room": len(asked.columns) < MOST_COLUMNS,
        "earlier": PlaygroundRun.objects.filter(project=project).order_by("-id")[:EARLIER],
    }  # fmt: skip
    return render(request, "experiments/playground.html", context, status=status)


def _cells(request: HttpRequest, run: PlaygroundRun) -> HttpResponse:
    context = {"run": run, "shown": shown(run), "may_run": request.role >= Role.EDITOR}
    return render(request, "experiments/_playground_cells.html", context)

"""Edit table: the dialog that arranges the records table for one user in one project."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseLocation

from evalhub.access import project_page
from evalhub.models import Project
from records.column_keys import split_keys
from records.columns import BASE, MAX_COLUMNS, PAYLOAD_FIELDS, Column, chosen, column_of
from records.found_paths import found_paths
from records.layouts import SAVED, LayoutProblem, columns_of, layout_of, reset_layout, save_layout, save_widths
from records.models import ColumnLayout, Density, Metric
from records.models.layout import ROWS
from records.views.links import list_url


@dataclass(frozen=True, slots=True)
class Choice:
    """A column in the dialog; `hint` is its path or what kind of metric it is, `note` how often it is there."""

    key: str
    label: str
    hint: str
    note: str = ""


class LayoutForm(forms.Form):
    """All but the columns, which are a list of fields of one name."""

    rows = forms.TypedChoiceField(choices=[(n, n) for n in ROWS], coerce=int, widget=forms.RadioSelect)
    density = forms.ChoiceField(choices=Density, widget=forms.RadioSelect)
    wrap = forms.BooleanField(required=False)


@never_cache
@project_page("GET", "POST")
def layout(request: HttpRequest, project: Project) -> HttpResponse:
    """A link's own columns are where editing begins; what is saved is the user's, and the list shows it."""
    metrics = list(Metric.objects.filter(project=project, archived_at=None))
    saved = layout_of(project, request.user)
    if request.method == "GET":
        asked = chosen(split_keys(request.GET.get("columns", "")), metrics)
        form = LayoutForm(initial={name: getattr(saved, name) for name in SAVED})
        return _dialog(request, project, form, asked or columns_of(saved, metrics), metrics)
    if "reset" in request.POST:
        reset_layout(project, request.user)
        return _back(request, project)
    form, problem, keys = LayoutForm(request.POST), "", request.POST.getlist("columns")[: MAX_COLUMNS + 1]
    if form.is_valid():
        try:
            save_layout(ColumnLayout(project=project, user=request.user, **form.cleaned_data), keys, metrics)
            return _back(request, project)
        except LayoutProblem as refused:
            problem = str(refused)
    return _dialog(request, project, form, chosen(keys, metrics), metrics, problem)


@project_page("POST")
def layout_widths(request: HttpRequest, project: Project) -> HttpResponse:
    """How wide columns are from now on: pairs of `columns` and `widths`, an empty width is the column's own again."""
    metrics = list(Metric.objects.filter(project=project, archived_at=None))
    keys, widths = request.POST.getlist("columns")[:MAX_COLUMNS], request.POST.getlist("widths")[:MAX_COLUMNS]
    if not keys or len(keys) != len(widths):
        return HttpResponse("A width belongs to each column.", status=400, content_type="text/plain")
    try:
        save_widths(project, request.user, dict(zip(keys, widths, strict=True)), metrics)
    except LayoutProblem as problem:
        return HttpResponse(str(problem), status=400, content_type="text/plain")
    return HttpResponse(status=204)


@never_cache
@project_page("GET")
def layout_json(request: HttpRequest, project: Project) -> HttpResponse:
    """The layout in effect as a file; `columns` in the URL are a link's own, as in the list."""
    metrics = list(Metric.objects.filter(project=project, archived_at=None))
    saved = layout_of(project, request.user)
    columns = chosen(split_keys(request.GET.get("columns", "")), metrics) or columns_of(saved, metrics)
    content = {name: getattr(saved, name) for name in SAVED} | {"columns": [column.key for column in columns]}
    content["widths"] = {column.key: saved.widths[column.key] for column in columns if column.key in saved.widths}
    headers = {"Content-Disposition": f'attachment; filename="{project.slug}-columns.json"'}
    return JsonResponse(content, headers=headers, json_dumps_params={"indent": 2, "ensure_ascii": False})


def _back(request: HttpRequest, project: Project) -> HttpResponse:
    """To the list it was opened over, on its first page, without the columns that its link had."""
    url = list_url(request, project, q=request.GET.get("q", ""), columns="")
    return HttpResponseLocation(url, target="#results") if request.htmx else redirect(url)


def _dialog(
    request: HttpRequest,
    project: Project,
    form: LayoutForm,
    shown: Sequence[Column],
    metrics: Sequence[Metric],
    problem: str = "",
) -> HttpResponse:
    context = {
        "project": project,
        "form": form,
        "problem": problem,
        "shown": [choice_of(column) for column in shown],
        "offered": offered(project, metrics, {column.key for column in shown}),
        "query": request.GET.urlencode(),
        "most": MAX_COLUMNS,
        "list_url": request.build_absolute_uri(reverse("records:list", args=[project.slug])),
    }
    return render(request, "records/_edit_table.html", context, status=422 if form.is_bound else 200)


def choice_of(column: Column, note: str = "") -> Choice:
    return Choice(column.key, column.label, column.hint or (column.key if len(column.path) > 1 else ""), note)


def offered(project: Project, metrics: Sequence[Metric], taken: set[str]) -> list[dict[str, Any]]:
    """Groups of columns that may be added. Those of the table come too: taken out of it they are offered again."""
    by_slug = {metric.slug: metric for metric in metrics}
    found = {path.key: f"{path.share} %" for path in found_paths(project.id)}
    groups = {
        "Metrics": dict.fromkeys((f"metric.{slug}" for slug in by_slug), ""),
        "Base": dict.fromkeys((*PAYLOAD_FIELDS, *BASE), ""),
        "Metadata and paths": found,
    }
    return [
        {
            "name": name,
            "choices": [
                (choice_of(column, note), key in taken)
                for key, note in keys.items()
                if (column := column_of(key, by_slug))
            ],
        }
        for name, keys in groups.items()
        if keys
    ]

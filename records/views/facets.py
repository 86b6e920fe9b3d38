"""The filter bar's menus: their choices with counts, fetched when one opens, and a time range of one's own."""

from dataclasses import replace
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from evalhub.access import project_page
from evalhub.markup import html
from evalhub.models import Project
from evalhub.templatetags.look import icon
from records.completion import plain_value
from records.facet_counts import COLUMNS, count_choices, values_of
from records.filterbar import SEEN, Choice, Facet, facet_of, facets, replaced
from records.filterlang import parse, quoted
from records.filters import RecordFilters
from records.views.links import list_query, list_url

LINK = (
    '<a href="{0}" hx-get="{0}" hx-target="#results" hx-push-url="true"{1}>'
    '<bdi>{2}</bdi><span class="n">{3}{4}</span></a>'
)
CHOSEN = mark_safe(' aria-current="true"')  # noqa: S308 - a constant


def menu(request: HttpRequest, project: Project, facet: Facet) -> dict[str, Any]:
    """A facet as the page shows it; its links are put together here, since every page carries all of them."""
    here = reverse("records:list", args=[project.slug])
    links = [
        html(
            LINK,
            f"{here}{list_query(request, q=choice.q)}",
            CHOSEN if choice.on else "",
            choice.label,
            choice.count,
            icon("check", "i-s") if choice.on else "",
        )
        for choice in facet.choices
    ]
    return {"key": facet.key, "label": facet.label, "on": facet.on, "links": SafeString("".join(links))}


@project_page("GET")
def record_facet(request: HttpRequest, project: Project, key: str) -> HttpResponse:
    """The inside of one menu."""
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:
        return HttpResponse(status=422)
    found = next((facet for facet in facets(filters.search, filters.metrics) if facet.key == key), None)
    if found is None:
        raise Http404("No such menu.")
    about = ""
    if key in COLUMNS:
        found, about = seen_facet(filters, found)
    else:
        count_choices(filters.search, found)
    return render(request, "records/_facet.html", {"facet": menu(request, project, found), "about": about})


def seen_facet(filters: RecordFilters, facet: Facet) -> tuple[Facet, str]:
    """The menu with the values of the records that the rest of the filter finds, and what its numbers stand for."""
    rest = parse(replaced(filters.node, facet.fields, ""), filters.vocabulary)
    values = values_of(replace(filters.search, node=rest), facet.key)
    named = [
        (value or "None", f"{facet.key}:{plain_value(value)}" if value else f"{facet.key} IS NULL")
        for value, _ in values.counts
    ]
    made = facet_of(filters.node, facet.key, dict(SEEN)[facet.key], facet.fields, named)
    for choice, (_, n) in zip(made.choices, values.counts, strict=False):
        choice.count = f"{n:,}"
    if not made.choices:
        made.choices.append(Choice("No records", "", q=filters.text))
    return made, values.about


@project_page("GET")
def record_between(request: HttpRequest, project: Project) -> HttpResponse:
    """To the list with its time set from one date to another, either of which may be left out."""
    filters = RecordFilters(request.GET, project, request.user)
    if filters.error is not None:  # the list says what is wrong
        return HttpResponseRedirect(list_url(request, project))
    bounds = [(sign, request.GET.get(name, "")) for sign, name in ((">=", "from"), ("<=", "to"))]
    clauses = [f"created {sign} {_date(written)}" for sign, written in bounds if written]
    narrowed = replaced(filters.node, ("created",), " ".join(clauses))
    return HttpResponseRedirect(list_url(request, project, q=narrowed))


def _date(written: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        return quoted(written[:40])  # not a date: the list says so

"""Links among the views of one list: its URL is its state, so every link carries what it does not change."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from evalhub.models import Project

STATE = ("view", "q", "spans", "sort", "columns", "by")  # and `after`, which any change begins anew


def list_query(request: HttpRequest, **changed: str) -> str:
    """The list's query string with some parameters set, the empty ones left out: "?q=status%3Aerrored"."""
    wanted = {name: request.GET[name] for name in STATE if request.GET.get(name)} | changed
    kept = {name: value for name, value in wanted.items() if value}
    # A bare address begins with the project's default view; an empty filter is all records.
    return f"?{urlencode(kept)}" if kept else "?q=" if "q" in changed else "?"


def list_url(request: HttpRequest, project: Project, **changed: str) -> str:
    """The list itself, from a dialog or a menu over it."""
    return f"{reverse('records:list', args=[project.slug])}{list_query(request, **changed)}"

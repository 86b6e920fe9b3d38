"""Fragments of the filter bar: what may be typed next, and the help of the language."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evalhub.access import project_page
from evalhub.models import Project
from records.completion import asked, suggestions
from records.filter_help import GRAMMAR, fields, metric_parts
from records.filterlang.lexer import MAX_CHARS, UNSTORABLE
from records.seen import seen_for
from records.vocabulary import vocabulary_of


@project_page("GET")
def complete(request: HttpRequest, project: Project) -> HttpResponse:
    """The listbox's options for the text `q` with the caret at `at`, counted in characters as Python does; with
    `facts=1` none that speak of scores."""
    text, at = request.GET.get("q", ""), request.GET.get("at", "")
    found = []
    if len(text) <= MAX_CHARS and not UNSTORABLE.search(text) and at.isascii() and at.isdigit() and len(at) < 6:
        vocabulary = vocabulary_of(project, request.user)
        wanted = asked(text, int(at), vocabulary)
        facts = request.GET.get("facts") == "1"
        found = suggestions(wanted, vocabulary, *seen_for(project.id, wanted), facts=facts)
        found = [one for one in found if one.insert.rstrip() != text[one.start : one.end]]
        return render(request, "records/_completion.html", {"found": found, "typed": bool(wanted.typed)})
    return render(request, "records/_completion.html", {"found": found})


@project_page("GET")
def filter_help(request: HttpRequest, project: Project) -> HttpResponse:
    """The dialog that explains the language."""
    metrics = vocabulary_of(project, request.user).metrics.values()
    context = {"grammar": GRAMMAR, "fields": fields(), "parts": metric_parts(), "metrics": metrics}
    return render(request, "records/filter_help.html", context)

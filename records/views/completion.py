"""Fragments of the filter bar: what may be typed next, and the help of the language."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evalhub.access import project_page
from evalhub.models import Project
from records.completion import asked, suggestions
from records.filterlang.lexer import MAX_CHARS, UNSTORABLE
from records.seen import seen_for
from records.vocabulary import vocabulary_of


@project_page("GET")
def complete(request: HttpRequest, project: Project) -> HttpResponse:
    """The listbox's options for the text `q` with the caret at `at`, counted in characters as Python does."""
    text, at = request.GET.get("q", ""), request.GET.get("at", "")
    found = []
    if len(text) <= MAX_CHARS and not UNSTORABLE.search(text) and at.isascii() and at.isdigit() and len(at) < 6:
        vocabulary = vocabulary_of(project, request.user)
        wanted = asked(text, int(at), vocabulary)
        found = suggestions(wanted, vocabulary, *seen_for(project.id, wanted))
        found = [one for one in found if one.insert.rstrip() != text[one.start : one.end]]
        return render(request, "records/_completion.html", {"found": found, "typed": bool(wanted.typed)})
    return render(request, "records/_completion.html", {"found": found})

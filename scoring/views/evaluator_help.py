"""The help of evaluators. No project's page: it says the same everywhere."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from evalhub.htmx import render_page
from scoring import evaluator_help as told


@require_GET
def evaluator_help(request: HttpRequest) -> HttpResponse:
    """The dialog for HTMX, else a page of the same contents."""
    context = {
        "types": told.TYPES, "values": told.VALUES, "variables": told.variables(), "template": told.TEMPLATE,
        "rubric": told.RUBRIC, "answer": told.ANSWER, "lacking": told.LACKING, "snippet": told.SNIPPET,
        "returns": told.RETURNS, "statuses": told.STATUSES, "ranks": told.RANKS, "limits": told.limits(),
    }  # fmt: skip
    return render_page(request, "scoring/evaluator_help.html", "dialog", context)

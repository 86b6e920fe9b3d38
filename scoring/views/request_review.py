"""The dialog that asks people to score what is selected on the Records page."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from evalhub import htmx
from evalhub.access import project_page
from evalhub.models import Project, Role, User
from records.filterlang import FilterError
from records.search import SearchTimeout, ceiling_of
from records.selection import SelectionProblem, read_selection
from records.views.bulk import refused
from scoring.models import Evaluator, ReviewRequest
from scoring.reviews import asking
from scoring.reviews.asking import ReviewProblem, human_evaluators, reviewers_of
from scoring.runs.estimate import estimate
from scoring.views.rescore import MOMENT, asked

SHORTEST_MS = 500  # of a review: below it, how long people take is not known yet


class RequestForm(forms.Form):
    """`reviewers` empty: as many as the evaluator says."""

    evaluator = forms.ModelChoiceField(Evaluator.objects.none(), widget=forms.RadioSelect, empty_label=None)
    reviewers = forms.IntegerField(required=False, min_value=1, max_value=20, label="People a record")
    blind = forms.BooleanField(required=False, label="Blind", help_text="Reviewers are shown nobody else's score.")
    assignees = forms.ModelMultipleChoiceField(
        User.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="Only these people"
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, auto_id="review-%s")
        self.fields["evaluator"].queryset = human_evaluators(project)
        self.fields["assignees"].queryset = reviewers_of(project)


@project_page("GET", "POST", role=Role.REVIEWER)
def request_review(request: HttpRequest, project: Project) -> HttpResponse:
    """GET: the dialog, for `n` ticked rows or all `matching`. POST: asks."""
    if request.method == "POST":
        return _ask(request, project)
    try:
        words, exact = asked(request.GET, request, project)
    except SelectionProblem as problem:
        return refused(str(problem))
    form = RequestForm(project)
    context = {
        "words": words, "exact": exact, "ceiling": ceiling_of(), "matching": bool(request.GET.get("matching")),
        "form": form, "evaluators": list(form.fields["evaluator"].queryset),
        "people": list(form.fields["assignees"].queryset),
    }  # fmt: skip
    return render(request, "scoring/_request_review.html", context)


@project_page("POST", role=Role.REVIEWER)
def request_estimate(request: HttpRequest, project: Project) -> HttpResponse:
    """What it would take. Stores nothing; a POST because the ids of many rows do not fit an address."""
    template = "scoring/_request_review_estimate.html"
    form = RequestForm(project, request.POST)
    if not form.is_valid():
        return render(request, template, {"problem": _said(form)})
    evaluator = form.cleaned_data["evaluator"]
    try:
        expected = estimate(read_selection(request.POST, project, request.user), [evaluator], seconds=MOMENT)
    except (SelectionProblem, SearchTimeout) as problem:
        return render(request, template, {"problem": str(problem)})
    except FilterError as error:
        return render(request, template, {"problem": error.message})
    reviewers = form.cleaned_data["reviewers"] or evaluator.current.definition.get("reviewers", 1)
    context = {
        "expected": expected, "reviewers": reviewers, "reviews": expected.records * reviewers,
        "seconds": expected.seconds * reviewers if expected.lines[0].milliseconds > SHORTEST_MS else None,
        "metric": evaluator.metric,
    }  # fmt: skip
    return render(request, template, context)


def _ask(request: HttpRequest, project: Project) -> HttpResponse:
    """Few rows: the page stays. All that match: on to the request's page."""
    form = RequestForm(project, request.POST)
    if not form.is_valid():
        return refused(_said(form))
    sent = form.cleaned_data
    try:
        selection = read_selection(request.POST, project, request.user)
        made = asking.request_review(
            selection, sent["evaluator"], request.user, reviewers=sent["reviewers"], blind=sent["blind"],
            assignees=list(sent["assignees"]),
        )  # fmt: skip
    except (SelectionProblem, ReviewProblem) as problem:
        return refused(str(problem))
    if selection.search is not None:
        return HttpResponseClientRedirect(reverse("scoring:review", args=[project.slug, made.number]))
    return _stays(made)


def _stays(made: ReviewRequest) -> HttpResponse:
    """An empty dialog, and what the page should know."""
    words = f"Review {made.number}: {made.words} wait for people, on the page Review."
    return trigger_client_event(htmx.toast(HttpResponse(), words), "records-changed", {})


def _said(form: forms.Form) -> str:
    return " ".join(f"{form[name].label}: {' '.join(errors)}" for name, errors in form.errors.items())

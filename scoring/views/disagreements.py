"""Records on which people disagree, and the screen where an editor has the final word."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from evalhub.access import project_page
from evalhub.models import Project, Role
from records.detail import detail_of
from records.views.record import links_of
from scoring.reviews import disagreements
from scoring.views.choices import choices_of, score_form
from scoring.views.reviews import request_of, uuid_or_none


@never_cache
@project_page("GET", role=Role.EDITOR)
def disagreement_list(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Those on which no final word has been said, by the records' ids."""
    review = request_of(project, number)
    after = uuid_or_none(request.GET.get("after", ""))
    found = disagreements.disagreements(review, after)
    context = {
        "review": review, "evaluator": review.version.evaluator, "metric": review.version.evaluator.metric,
        "found": found, "after": after,
        "next": found[-1].record_id if len(found) == disagreements.PAGE else None,
    }  # fmt: skip
    return render(request, "scoring/disagreements.html", context)


@never_cache
@project_page("GET", "POST", role=Role.EDITOR)
def adjudication(request: HttpRequest, project: Project, number: int, id: UUID) -> HttpResponse:
    """What people said of one record, and the final word; then the next disagreement."""
    review = request_of(project, number)
    found = disagreements.disagreement(review, id)
    if found is None:
        raise Http404("Nobody has scored this record in this review.")
    metric = review.version.evaluator.metric
    form = score_form(metric, request.POST if request.method == "POST" else None)
    if form.is_valid():
        disagreements.adjudicate(
            review, metric, request.user.get_username(), id, form.typed, form.cleaned_data.get("reasoning", ""),
            form.cleaned_data["key"],
        )  # fmt: skip
        messages.success(request, "The final score is stored.")
        following = disagreements.disagreements(review, after=id, most=1)
        if following:
            return redirect("scoring:adjudication", project.slug, number, following[0].record_id)
        return redirect("scoring:disagreements", project.slug, number)
    context = {
        "project": project, "review": review, "evaluator": review.version.evaluator, "metric": metric,
        "record": found.record, "answers": found.answers, "form": form, "choices": choices_of(form),
        "detail": detail_of(found.record, links_of(project, found.record)),
        "final": disagreements.final_word(review, id),
    }  # fmt: skip
    return render(request, "scoring/adjudication.html", context, status=422 if form.is_bound else 200)

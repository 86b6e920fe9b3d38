"""Requests for review: the queue, and one request with its guidelines, its progress and what people agree on."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from evalhub import htmx, paging
from evalhub.access import project_page
from evalhub.models import Project, Role
from scoring.models import ReviewRequest
from scoring.reviews import asking
from scoring.reviews.counting import counts_of
from scoring.reviews.disagreements import agreement


@never_cache
@project_page("GET")
def review_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Those where something waits; with `?show=done` those that are over."""
    done, after = request.GET.get("show") == "done", request.GET.get("after", "")
    asked = ReviewRequest.objects.filter(project=project, ended_at__isnull=not done)
    with_all = asked.select_related("version__evaluator__metric").prefetch_related("assignees")
    found, older = paging.page(with_all, "created_at", after)
    counts = counts_of(project.id, found, request.user.pk)
    context = {
        "items": [_item(request, one, counts[one.pk]) for one in found], "older": older, "first_page": not after,
        "done": done,
    }  # fmt: skip
    return htmx.render_page(request, "scoring/reviews.html", "reviews", context)


@never_cache
@project_page("GET")
def review_request(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    found = request_of(project, number)
    counts = counts_of(project.id, [found], request.user.pk)[found.pk]
    context = _item(request, found, counts) | {
        "agreement": agreement(found) if request.role >= Role.EDITOR and found.reviewers > 1 else None,
        "may_close": found.takes_answers and asking.may_close(found, request.user, request.role),
        "last": uuid_or_none(request.GET.get("last", "")),
    }
    return render(request, "scoring/review.html", context)


@project_page("POST", role=Role.REVIEWER)
def review_close(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """By who asked, or by an editor."""
    found = request_of(project, number)
    if not asking.may_close(found, request.user, request.role):
        raise PermissionDenied("Only who asked for this review, or an editor, may close it.")
    if asking.close(found, request.user):
        messages.success(request, f"Review {number} is closed: what was still waiting is taken back.")
    address = reverse("scoring:review", args=[project.slug, number])
    return HttpResponseClientRedirect(address) if htmx.wants_fragment(request) else redirect(address)


def request_of(project: Project, number: int) -> ReviewRequest:
    with_all = ReviewRequest.objects.select_related("version__evaluator__metric").prefetch_related("assignees")
    return get_object_or_404(with_all, project=project, number=number)


def _item(request: HttpRequest, asked: ReviewRequest, counts: object) -> dict[str, object]:
    """A request as the queue shows it, and whether the person who looks may take part."""
    people = list(asked.assignees.all())
    invited = not people or request.user in people
    return {
        "review": asked, "evaluator": asked.version.evaluator, "metric": asked.version.evaluator.metric,
        "counts": counts, "people": people,
        "may_review": request.role >= Role.REVIEWER and invited and asked.takes_answers and asked.ended_at is None,
    }  # fmt: skip


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

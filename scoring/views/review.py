"""The review screen: one record at a time, scored by keys; blind where the request says so."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect, push_url

from evalhub.access import project_page
from evalhub.htmx import toast, vary, wants_fragment
from evalhub.models import Project, Role
from records.detail import detail_of, record_of, scores_of
from records.models import Metric, Record, Score, ScoreStatus
from records.reviewing import Slot
from records.scoreform import ScoreForm
from records.views.record import links_of
from scoring.models import ReviewRequest
from scoring.reviews import answering
from scoring.reviews.answering import NotWanted
from scoring.reviews.counting import counts_of
from scoring.views.choices import choices_of, score_form
from scoring.views.reviews import request_of, uuid_or_none


@project_page("POST", role=Role.REVIEWER)
def review_next(request: HttpRequest, project: Project, number: int) -> HttpResponse:
    """Takes the next record that waits for this person, and leads to it."""
    review = request_of(project, number)
    return _go_on(request, review, answering.next_slot(review, request.user))


@never_cache
@project_page("GET", "POST", role=Role.REVIEWER)
def review_record(request: HttpRequest, project: Project, number: int, id: UUID) -> HttpResponse:
    """GET: the record, while it is in this person's hands. POST `act`: save (else), skip, later, undo."""
    review = request_of(project, number)
    if request.method == "GET":
        if answering.held(review, request.user, id) is None:
            messages.info(request, "That record is not in your hands now.")
            return redirect("scoring:review", project.slug, number)
        return _screen(request, review, id, score_form(review.version.evaluator.metric))
    match request.POST.get("act"):
        case "later":
            return _later(request, review, id)
        case "undo":
            return _undo(request, review, id)
        case act:
            return _fill(request, review, id, skip=act == "skip")


def _fill(request: HttpRequest, review: ReviewRequest, id: UUID, skip: bool) -> HttpResponse:
    metric = review.version.evaluator.metric
    form = score_form(metric, request.POST)
    if not skip and not form.is_valid():
        return _screen(request, review, id, form, status=422)
    if skip:
        form.is_valid()  # a value is not asked for, and the reason is read all the same
    comment = form.cleaned_data.get("reasoning", "")
    try:
        if skip:
            slot = answering.decline(review, request.user, id, comment)
        else:
            slot = answering.answer(review, request.user, id, form.typed, metric.version, comment)
    except NotWanted as problem:
        return _go_on(request, review, answering.next_slot(review, request.user), problem=str(problem))
    return _go_on(request, review, answering.next_slot(review, request.user, after=slot), last=id)


def _later(request: HttpRequest, review: ReviewRequest, id: UUID) -> HttpResponse:
    left = answering.leave(review, request.user, id)
    slot = answering.next_slot(review, request.user, after=left)
    only = "This is the only one that waits for you." if slot and slot.record_id == id else ""
    return _go_on(request, review, slot, problem=only)


def _undo(request: HttpRequest, review: ReviewRequest, id: UUID) -> HttpResponse:
    """The record again, with what was said of it in the form."""
    said = (
        Score.objects.filter(
            project_id=review.project_id, record_id=id, task_key__in=review.task_keys, assignee_id=request.user.pk
        )
        .order_by("-id")
        .first()
    )
    try:
        slot = answering.undo(review, request.user, id)
    except NotWanted as problem:
        return _go_on(request, review, answering.next_slot(review, request.user), problem=str(problem))
    if not wants_fragment(request):
        return _go_on(request, review, slot)
    form = score_form(review.version.evaluator.metric, said=said)
    return push_url(_screen(request, review, slot.record_id, form), _address(review, slot.record_id))


def _go_on(
    request: HttpRequest, review: ReviewRequest, slot: Slot | None, *, last: UUID | None = None, problem: str = ""
) -> HttpResponse:
    """To the record that was taken; to the request's page where nothing is left. `last` is what can be undone."""
    fragment = wants_fragment(request)
    if slot is not None and fragment and record_of(review.project_id, slot.record_id):
        form = score_form(review.version.evaluator.metric)
        response = _screen(request, review, slot.record_id, form, last=last)
        if problem:
            toast(response, problem, "skipped")
        return push_url(response, _address(review, slot.record_id, last))
    if problem:
        messages.warning(request, problem)
    if slot is None:
        messages.success(request, "Nothing more waits for you here.")
    query = f"?last={last}" if last else ""
    address = _address(review, slot.record_id, last) if slot else f"{_page(review)}{query}"
    return HttpResponseClientRedirect(address) if fragment else redirect(address)


def _screen(
    request: HttpRequest,
    review: ReviewRequest,
    id: UUID,
    form: ScoreForm,
    *,
    last: UUID | None = None,
    status: int = 200,
) -> HttpResponse:
    record = record_of(review.project_id, id)
    if record is None:
        raise Http404("No such record in this project.")
    counts = counts_of(review.project_id, [review], request.user.pk)[review.pk]
    context = {
        "project": request.project, "review": review, "evaluator": review.version.evaluator,
        "metric": review.version.evaluator.metric, "record": record, "form": form, "counts": counts,
        "detail": detail_of(record, links_of(request.project, record)), "choices": choices_of(form),
        "others": [] if review.blind else _said_of(record, review.version.evaluator.metric),
        "last": last or uuid_or_none(request.GET.get("last", "")),
    }  # fmt: skip
    template = "scoring/review_record.html"
    return vary(render(request, f"{template}#screen" if wants_fragment(request) else template, context, status=status))


def _said_of(record: Record, metric: Metric) -> list[Score]:
    """What machines and people said of the metric, not what is still awaited; never asked for where it is blind."""
    of_metric = (item for item in scores_of(record) if item.metric.id == metric.id)
    return [score for item in of_metric for score in item.attempts if score.status != ScoreStatus.PENDING]


def _page(review: ReviewRequest) -> str:
    return reverse("scoring:review", args=[review.project.slug, review.number])


def _address(review: ReviewRequest, record_id: UUID, last: UUID | None = None) -> str:
    address = reverse("scoring:review-record", args=[review.project.slug, review.number, record_id])
    return f"{address}?last={last}" if last else address

"""A record's scores: shown with their history, set and corrected by a person, and what a judge was told and said."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django_htmx.http import trigger_client_event

from evalhub.access import project_page
from evalhub.htmx import toast, vary, wants_fragment
from evalhub.models import Project, Role
from records.detail import ALL_ATTEMPTS, ATTEMPTS, passing, record_of, scores_of
from records.models import Metric, Record, Score, ScoreDetail, ScoreSource
from records.scoreform import ScoreForm, forms_for
from records.scores import NewScore, add_scores

SHOWN_CHARS = 100_000  # of a prompt or a reply


@project_page("POST", role=Role.REVIEWER)
def record_scores(request: HttpRequest, project: Project, id: UUID) -> HttpResponse:
    """Stores a person's score of one metric beside what is there; it becomes current by its rank.

    422 with the form's messages where the value is not the metric's.
    """
    record = _found(project, id)
    slug = request.POST.get("metric", "")[:100].replace("\0", "")
    metric = Metric.objects.filter(project=project, slug=slug, archived_at=None).first()
    if metric is None:
        raise Http404("No such metric in this project.")
    form = ScoreForm(metric, request.POST)
    if not form.is_valid():
        return _scores(request, project, record, form, status=422)
    new = NewScore(
        record.id, metric, form.typed, ScoreSource.HUMAN, sender=f"user:{request.user.pk}",
        key=form.cleaned_data["key"], scorer=request.user.get_username(),
        reasoning=form.cleaned_data.get("reasoning", ""),
    )  # fmt: skip
    add_scores(project.id, [new])
    if not wants_fragment(request):
        return redirect("records:detail", project.slug, id)
    response = toast(_scores(request, project, record, just_scored=slug), f"{metric.name}: your score is stored.")
    return trigger_client_event(response, "records-changed", {"ids": [str(record.id)]})


def _scores(
    request: HttpRequest,
    project: Project,
    record: Record,
    refused: ScoreForm | None = None,
    just_scored: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {"project": project, "record": record, "just_scored": just_scored}
    context |= scores_context(request, project, record, refused, request.POST.get("tab") == "scores")
    return vary(render(request, "records/_scores.html", context, status=status))


def scores_context(
    request: HttpRequest, project: Project, record: Record, refused: ScoreForm | None = None, all_attempts: bool = False
) -> dict[str, Any]:
    """Each metric that has scores, then for who may score those that have none, all with their form."""
    scores = scores_of(record, ALL_ATTEMPTS if all_attempts else ATTEMPTS)
    items = [{"metric": item.metric, "scores": item, "form": None} for item in scores]
    if request.role >= Role.REVIEWER:
        metrics = list(Metric.objects.filter(project=project, archived_at=None))
        current = {item.metric.id: item.current for item in scores if item.current}
        made = forms_for(metrics, current, refused)
        scored = {item.metric.id for item in scores}
        items = [item | {"form": made.get(item["metric"].id)} for item in items]
        items += [{"metric": m, "scores": None, "form": made[m.id]} for m in metrics if m.id not in scored]
    return {"items": items, "passing": passing(scores), "all_attempts": all_attempts}


@never_cache
@project_page("GET")
def record_score(request: HttpRequest, project: Project, id: UUID, score: UUID) -> HttpResponse:
    """One attempt with all that is known of it: what the judge was shown, what it said, what it took."""
    record = _found(project, id)
    if not wants_fragment(request):
        return redirect("records:detail", project.slug, id)
    attempts = Score.objects.filter(project_id=project.id, record_id=record.id).select_related("metric")
    attempt = get_object_or_404(attempts, id=score)
    held = ScoreDetail.objects.filter(project_id=project.id, score_id=score).first() or ScoreDetail()
    texts = [("Rendered prompt", held.prompt), ("Raw reply", held.reply), ("Captured output", held.output)]
    shown = [
        {"title": title, "text": text[:SHOWN_CHARS], "cut": len(text) > SHOWN_CHARS} for title, text in texts if text
    ]
    context = {"project": project, "record": record, "attempt": attempt, "texts": shown}
    return vary(render(request, "records/_score.html", context))


def _found(project: Project, id: UUID) -> Record:
    record = record_of(project.id, id)
    if record is None:
        raise Http404("No such record in this project.")
    return record

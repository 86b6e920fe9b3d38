"""Calls on scores: by record, and one by one. A score is never overwritten: a correction is a new one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import ValidationError

from evalhub import audit
from evalhub.api import KeyAuth, Problem, answer, read_json, wording
from evalhub.models import Project, Scope
from evalhub.openapi import CONFLICT
from records.api.cursors import read_cursor, write_cursor
from records.api.finding import found_record
from records.api.schemas import ScoreChange, ScoreIn, ScoreList, ScoreOut, one_or_many
from records.json_records import score_json
from records.limits import MAX_ITEMS
from records.metrics import UnknownMetric, metric_for, usable
from records.models import Metric, Rank, Score, ScoreSource, ScoreStatus
from records.scores import NewScore, add_scores, delete_scores
from records.values import FIELDS, ValueProblem, read_value

router = Router(tags=["scores"])


@router.get("/records/{path:id}/scores", response={200: ScoreList}, auth=KeyAuth(Scope.READ))
def score_list(request: HttpRequest, id: str, limit: int = Query(50, ge=1, le=200), cursor: str = "") -> HttpResponse:
    """Every attempt on the record, newest first; `is_current` marks the one that counts for its metric."""
    record = found_record(request.project, id)
    scores = Score.objects.filter(project=request.project, record_id=record.id)
    if cursor:
        scores = scores.filter(id__lt=read_cursor(cursor, UUID)[0])
    page = list(scores.select_related("metric").order_by("-id")[: limit + 1])
    more = write_cursor(page[limit - 1].id) if len(page) > limit else None
    return answer({"items": [score_json(s, s.metric) for s in page[:limit]], "next_cursor": more})


@router.post(
    "/records/{path:id}/scores",
    response={201: ScoreOut | ScoreList},
    auth=KeyAuth(Scope.WRITE, Scope.INGEST),
    openapi_extra=one_or_many(ScoreIn),
)
def score_create(request: HttpRequest, id: str) -> HttpResponse:
    """One score or a list, by metric slug, each with the one value field of its metric's type. All or none."""
    record = found_record(request.project, id)
    body = read_json(request)
    many = isinstance(body, list)
    sent = body if many else [body]
    if len(sent) > MAX_ITEMS:
        raise Problem(413, "too_large", f"{len(sent):,} scores in one call: at most {MAX_ITEMS:,}.")
    new, problems = _read(request, record.id, sent)
    if problems:
        fields = [(where if many else where.partition(".")[2], what) for where, what in problems]
        raise Problem(400, "invalid", problems[0][1], fields)
    stored = _scores_json(request.project, add_scores(request.project.id, new))
    return answer({"items": stored, "next_cursor": None} if many else stored[0], 201)


def _read(request: HttpRequest, record_id: UUID, sent: Sequence[Any]) -> tuple[list[NewScore], list[tuple[str, str]]]:
    """The scores, and all that is wrong with them: (`2.metric`, what)."""
    slugs = {item["metric"] for item in sent if isinstance(item, dict) and isinstance(item.get("metric"), str)}
    metrics = {metric.slug: metric for metric in Metric.objects.filter(project=request.project, slug__in=slugs)}
    new: list[NewScore] = []
    problems: list[tuple[str, str]] = []
    for n, item in enumerate(sent):
        try:
            score = ScoreIn.model_validate(item)
            metric = usable(request.project, score.metric, metrics.get(score.metric))
            new.append(_new_score(request, record_id, metric, score))
        except ValidationError as error:
            problems += [(".".join(map(str, (n, *e["loc"]))), wording(e["msg"])) for e in error.errors()]
        except ValueProblem as problem:
            problems.append((f"{n}.{problem.field}", problem.message))
        except UnknownMetric as unknown:
            problems.append((f"{n}.metric", str(unknown)))
    return new, problems


def _new_score(request: HttpRequest, record_id: UUID, metric: Metric, sent: ScoreIn) -> NewScore:
    name = request.api_key.name
    return NewScore(
        record_id, metric, read_value(metric, sent.dict()), ScoreSource.API, sender=name, key=sent.id,
        scorer=sent.scorer or name, reasoning=sent.reasoning,
    )  # fmt: skip


@router.get("/scores/{score_id}", response={200: ScoreOut}, auth=KeyAuth(Scope.READ))
def score_get(request: HttpRequest, score_id: UUID) -> HttpResponse:
    """One attempt at a score, with its provenance."""
    score = _found(request.project, score_id)
    return answer(score_json(score, score.metric))


@router.patch("/scores/{score_id}", response={201: ScoreOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
def score_correct(request: HttpRequest, score_id: UUID, body: ScoreChange) -> HttpResponse:
    """A correction: a new score of the same metric on the same record, which counts in place of this one. What the
    body does not say is as in the corrected score, which stays in the history."""
    old = _found(request.project, score_id)
    if old.status == ScoreStatus.PENDING:
        raise Problem(409, "conflict", "The score is pending: there is no value to correct yet.")
    metric = metric_for(request.project, old.metric.slug)
    sent = {field: value for field in FIELDS.values() if (value := getattr(body, field)) is not None}
    if not sent:
        field = FIELDS[metric.value_type]
        sent = {field: getattr(old, field)}
    name = request.api_key.name
    correction = NewScore(
        old.record_id, metric, read_value(metric, sent), ScoreSource.API, sender=name, scorer=body.scorer or name,
        reasoning=old.reasoning if body.reasoning is None else body.reasoning, rank=Rank(old.rank),
    )  # fmt: skip
    return answer(_scores_json(request.project, add_scores(request.project.id, [correction]))[0], 201)


@router.delete("/scores/{score_id}", response={204: None}, auth=KeyAuth(Scope.ADMIN))
def score_delete(request: HttpRequest, score_id: UUID) -> HttpResponse:
    """Deletes one attempt for good; the best of what is left counts from now on."""
    score = _found(request.project, score_id)
    delete_scores(request.project.id, [score.id])
    audit.note(
        request.project, f"key {request.api_key.name}", "score.delete", score.id,
        metric=score.metric.slug, record=str(score.record_id),
    )  # fmt: skip
    return HttpResponse(status=204)


def _found(project: Project, id: UUID) -> Score:
    score = Score.objects.filter(project=project, id=id).select_related("metric").first()
    if score is None:
        raise Http404("The project has no such score.")
    return score


def _scores_json(project: Project, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    scores = {score.id: score for score in Score.objects.filter(project=project, id__in=ids)}
    metrics = Metric.objects.filter(project=project).in_bulk({score.metric_id for score in scores.values()})
    return [score_json(scores[id], metrics[scores[id].metric_id]) for id in ids]

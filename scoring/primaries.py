"""Which evaluator's values a metric's column shows: choosing another one ranks its scores anew, in a job."""

import django_rq
import redis
from django.core.exceptions import ValidationError
from django.db import transaction

from evalhub import audit
from records.metrics import set_primary_evaluator
from records.models import Metric
from scoring.models import Evaluator, EvaluatorType

QUEUE, ENTRY = "bulk", "scoring.jobs.rank_scores"  # by name: the queue's side imports us


class NotRanked(Exception):
    """The choice stands for new scores, and no worker could be told to rank the earlier ones."""

    def __init__(self) -> None:
        super().__init__("New scores follow it. Redis is away: choose it again later, and the earlier ones will too.")


def make_primary(evaluator: Evaluator, actor: object) -> None:
    """To be called again where it was interrupted. Raises ValidationError, NotRanked."""
    if evaluator.type == EvaluatorType.HUMAN:
        raise ValidationError("What people say counts before every evaluator anyway.")
    if evaluator.archived_at:
        raise ValidationError(f"{evaluator.slug} is archived.")
    with transaction.atomic():
        metrics = Metric.objects.filter(project_id=evaluator.project_id, id=evaluator.metric_id)
        metrics.update(primary_evaluator=evaluator.slug)
        audit.note(evaluator.project, actor, "evaluator.primary", evaluator.slug, metric=evaluator.metric.slug)
    try:
        queue = django_rq.get_queue(QUEUE)
        queue.enqueue(ENTRY, evaluator.project_id, evaluator.metric_id, result_ttl=0, job_timeout=6 * 3600)
    except redis.RedisError:
        raise NotRanked from None


def rank_scores(project_id: int, metric_id: int) -> None:
    """The job: by the evaluator that is primary when it begins."""
    metric = Metric.objects.filter(project_id=project_id, id=metric_id).first()
    if metric and metric.primary_evaluator:
        set_primary_evaluator(metric, metric.primary_evaluator)

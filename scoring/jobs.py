"""What the queue calls: ids in, the rows in the database say the rest. Each may run twice, or never."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import QueryDict

from evalhub.models import Project, User
from records.models import Metric
from scoring import primaries, trial
from scoring.models import Rule
from scoring.reviews.planning import tend
from scoring.rules import past, trying
from scoring.rules import working as online
from scoring.runs import planning, rescoring, working


def plan_run(run_id: int) -> None:
    planning.plan(run_id)
    working.settle(run_id)


def work_run(run_id: int) -> None:
    working.work(run_id)


def score_online(project_id: int) -> None:
    online.score_online(project_id)


def help_online(project_id: int) -> None:
    online.help_online(project_id)


def tend_review(request_id: int) -> None:
    tend(request_id)


def rank_scores(project_id: int, metric_id: int) -> None:
    primaries.rank_scores(project_id, metric_id)


def try_evaluator(
    project_id: int,
    type: str,
    metric: Metric,
    definition: Mapping[str, Any],
    record_ids: Sequence[UUID],
    typed: Mapping[str, Any] | None,
) -> "trial.Tried":
    """An errand: on these records, or on values typed in."""
    return trial.try_apart(Project.objects.get(pk=project_id), type, metric, definition, record_ids, typed)


def estimate_run(project_id: int, user_id: int, sent: str) -> "rescoring.Expected":
    """An errand: `sent` is what the re-score dialog says, encoded as in a form's body."""
    project, user = Project.objects.get(pk=project_id), User.objects.get(pk=user_id)
    return rescoring.expected(QueryDict(sent), project, user, rescoring.ERRAND_SECONDS)


def try_rule(project_id: int, version_ids: Sequence[int], record_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """An errand: real scores for the test of a rule."""
    return trying.try_records(project_id, version_ids, record_ids)


def estimate_past(rule_id: int, user_id: int, mode: str, limit: int | None, zone: str) -> "rescoring.Expected":
    """An errand: what scoring past records by a rule would take."""
    rule, user = Rule.objects.select_related("project").get(pk=rule_id), User.objects.get(pk=user_id)
    return past.expected_past(rule, user, ZoneInfo(zone), mode, limit, rescoring.ERRAND_SECONDS)

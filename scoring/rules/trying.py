"""Real scores for a few records that a rule would draw, made by a worker as an errand and stored nowhere."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from evalhub.models import Project
from records.models import Rank, ScoreStatus
from records.values import FIELDS
from scoring.inputs import inputs_of
from scoring.models import EvaluatorVersion
from scoring.trial import Row, Trial, try_definition

MOST_RECORDS = 5
SHOWN_CHARS = 2_000  # of a reasoning or an error


def try_records(project_id: int, version_ids: Sequence[int], record_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """What each evaluator says of each record: {record, evaluator, metric_id, status, ...} with the value's fields."""
    project = Project.objects.get(pk=project_id)
    inputs = inputs_of(project_id, record_ids, trace=True)
    rows = [Row(inputs[id], id) for id in record_ids if id in inputs]
    versions = EvaluatorVersion.objects.filter(pk__in=version_ids, evaluator__project=project)
    versions = versions.select_related("evaluator__metric").order_by("evaluator__name")
    return [said for version in versions for said in _tried(project, version, rows)]


def _tried(project: Project, version: EvaluatorVersion, rows: Sequence[Row]) -> list[dict[str, Any]]:
    evaluator = version.evaluator
    known = {"evaluator": evaluator.slug, "name": evaluator.name, "metric_id": evaluator.metric_id}
    try:
        trials = try_definition(project, evaluator.type, evaluator.metric, version.definition, rows)
    except ValidationError as problem:
        error = {"status": int(ScoreStatus.ERRORED), "error": " ".join(problem.messages)[:SHOWN_CHARS]}
        return [known | error | {"record": str(row.record_id)} for row in rows]
    return [known | {"record": str(trial.row.record_id)} | _as_json(trial) for trial in trials]


def _as_json(trial: Trial) -> dict[str, Any]:
    verdict, value = trial.verdict, trial.value
    typed = {name: getattr(value, name) for name in FIELDS.values()} if value else {}
    return typed | {
        "status": int(verdict.status), "passed": value.passed if value else None, "rank": int(Rank.OTHER),
        "reasoning": verdict.reasoning[:SHOWN_CHARS], "error": verdict.error[:SHOWN_CHARS],
        "cost": None if verdict.cost is None else float(verdict.cost), "tokens": verdict.tokens,
        "duration_ms": verdict.duration_ms,
    }  # fmt: skip

"""What a run asks of each record: its evaluators, as tasks, and on which records its mode wants them."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from records.models import ScoreSource
from records.scores import Task
from scoring.models import EvaluatorType, EvaluatorVersion, RunMode, ScoringRun

SOURCES = {EvaluatorType.LLM: ScoreSource.LLM, EvaluatorType.CODE: ScoreSource.CODE}

# The newest attempt of each evaluator on each record.
LAST_ERRORED = """
SELECT record_id, evaluator FROM (
  SELECT DISTINCT ON (record_id, evaluator) record_id, evaluator, status FROM score
  WHERE project_id = %(p)s AND record_id = ANY(%(records)s) AND evaluator = ANY(%(slugs)s)
  ORDER BY record_id, evaluator, id DESC) x
WHERE status = 2
"""

# Where the present version has given a value, or has declined, for what the record holds now.
FRESH = """
SELECT DISTINCT s.record_id, s.evaluator
FROM score s JOIN record r ON r.project_id = s.project_id AND r.id = s.record_id
WHERE s.project_id = %(p)s AND s.record_id = ANY(%(records)s) AND s.evaluator_version_id = ANY(%(versions)s)
  AND s.status IN (1, 3) AND s.input_hash IS NOT DISTINCT FROM r.input_hash
"""


def versions_of(run: ScoringRun) -> list[EvaluatorVersion]:
    """The run's evaluators, with evaluator and metric."""
    rows = run.evaluators.select_related("version__evaluator__metric").order_by("version_id")
    return [row.version for row in rows]


def task_of(run: ScoringRun, version: EvaluatorVersion) -> Task:
    evaluator = version.evaluator
    return Task(
        metric_id=evaluator.metric_id,
        key=f"run:{run.pk}:{version.pk}:1",
        source=SOURCES[evaluator.type],
        scorer=version.definition.get("model", ""),
        evaluator=evaluator.slug,
        evaluator_version_id=version.pk,
        version_no=version.number,
        run_id=run.pk,
        run_no=run.number,
    )


def wanted(
    project_id: int, mode: str, versions: Sequence[EvaluatorVersion], records: Sequence[UUID]
) -> list[tuple[EvaluatorVersion, list[UUID]]]:
    """Which of the records each evaluator is run on, by the run's mode; in the records' order."""
    if mode == RunMode.ALL:
        return [(version, list(records)) for version in versions]
    slugs = [version.evaluator.slug for version in versions]
    params = {"p": project_id, "records": list(records), "slugs": slugs, "versions": [v.pk for v in versions]}
    with connection.cursor() as cursor:
        cursor.execute(LAST_ERRORED if mode == RunMode.ERRORED else FRESH, params)
        found = set(cursor.fetchall())
    wanted_if = mode == RunMode.ERRORED
    return [
        (version, [id for id in records if ((id, slug) in found) == wanted_if])
        for slug, version in zip(slugs, versions, strict=True)
    ]

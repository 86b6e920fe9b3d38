"""What a run asks of each record: its evaluators, as tasks, and on which records its mode wants them."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from records.models import ScoreSource, ScoreStatus
from records.scores import Task
from scoring.models import EvaluatorType, EvaluatorVersion, RunMode, ScoringRun

SOURCES = {EvaluatorType.LLM: ScoreSource.LLM, EvaluatorType.CODE: ScoreSource.CODE}

# The newest attempt of each evaluator on each record, unless it is one of this very run.
LATEST = """
SELECT DISTINCT ON (s.record_id, s.evaluator) s.record_id, s.evaluator, s.status, s.evaluator_version_id,
  s.input_hash IS DISTINCT FROM r.input_hash
FROM score s JOIN record r ON r.project_id = s.project_id AND r.id = s.record_id
WHERE s.project_id = %(p)s AND s.record_id = ANY(%(records)s) AND s.evaluator = ANY(%(slugs)s)
  AND s.run_id IS DISTINCT FROM %(run)s
ORDER BY s.record_id, s.evaluator, s.id DESC
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
    run: ScoringRun, versions: Sequence[EvaluatorVersion], records: Sequence[UUID]
) -> list[tuple[EvaluatorVersion, list[UUID]]]:
    """Which of the records each evaluator is run on, by the run's mode."""
    if run.mode == RunMode.ALL:
        return [(version, list(records)) for version in versions]
    return wanted_by_mode(run.project_id, run.pk, run.mode, versions, records)


def wanted_by_mode(
    project_id: int, run_id: int | None, mode: str, versions: Sequence[EvaluatorVersion], records: Sequence[UUID]
) -> list[tuple[EvaluatorVersion, list[UUID]]]:
    slugs = {version.evaluator.slug: version for version in versions}
    chosen: dict[str, list[UUID]] = {slug: [] for slug in slugs}
    with connection.cursor() as cursor:
        cursor.execute(LATEST, {"p": project_id, "records": list(records), "slugs": list(slugs), "run": run_id})
        for record_id, slug, status, version_id, changed in cursor:
            if mode == RunMode.ERRORED:
                fits = status == ScoreStatus.ERRORED
            else:
                fits = status in (ScoreStatus.COMPLETED, ScoreStatus.SKIPPED) and (
                    version_id != slugs[slug].pk or changed
                )
            if fits:
                chosen[slug].append(record_id)
    return [(version, chosen[slug]) for slug, version in slugs.items()]

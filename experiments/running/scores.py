"""Rows and their scores: outputs handed to the scoring run of set 1, rows settled once their scores are there.

Two transactions: the records of a row are there (`generated`), then its scores are planned (`scores_planned`). A
scoring run is fed while outputs are still being made and closed when no more comes; a retry opens another one in the
same set. A further set is fed from the outputs that are there, slice by slice behind its cursor `reached`.
"""

import time
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from experiments.models import Experiment, ExperimentRow, ExperimentState, RowState, ScoreSet
from experiments.running.starting import words_of
from records.limits import MAX_ITEMS
from scoring.models import UNFINISHED, EvaluatorVersion, RunStatus, ScoringRun
from scoring.runs.feeding import close_run, feed, open_run
from scoring.runs.steering import NotNow

WINDOW = 20_000  # rows that wait for scores, the first: scores are made in the same order
# What a set has on a record by a version: its newest score that counts, completed or declined.
HAVE = """
SELECT record_id, evaluator_version_id FROM score
WHERE project_id = %(p)s AND record_id = ANY(%(records)s::uuid[]) AND run_id = ANY(%(runs)s) AND status IN (1, 3)
"""

# The newest score of each of the set's evaluators on a row's record; nothing is settled while one of them is pending.
SETTLE = """
WITH waiting AS MATERIALIZED (
  SELECT id FROM experiment_row WHERE experiment_id = %(experiment)s AND state = 'generated' AND scores_planned
  ORDER BY id LIMIT %(window)s),
ready AS MATERIALIZED (
  SELECT r.id, r.record_id FROM experiment_row r JOIN waiting USING (id)
  WHERE NOT EXISTS (SELECT FROM score s WHERE s.project_id = %(p)s AND s.record_id = r.record_id
    AND s.run_id = ANY(%(runs)s) AND s.status = 0)
  ORDER BY r.id LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED),
told AS (
  SELECT ready.id, count(x.version) AS n, coalesce(string_agg(x.said, ' ' ORDER BY x.said), '') AS error
  FROM ready LEFT JOIN LATERAL (
    SELECT DISTINCT ON (s.evaluator_version_id) s.evaluator_version_id AS version,
      CASE WHEN s.status = 2 THEN s.evaluator || ': ' || left(s.error, 500) END AS said
    FROM score s WHERE s.project_id = %(p)s AND s.record_id = ready.record_id AND s.run_id = ANY(%(runs)s)
      AND s.evaluator_version_id = ANY(%(versions)s)
    ORDER BY s.evaluator_version_id, s.status = 2, s.id DESC) x ON true
  GROUP BY ready.id)
UPDATE experiment_row r SET error = CASE WHEN t.error <> '' THEN t.error WHEN t.n < %(n)s THEN %(missing)s ELSE '' END,
  state = CASE WHEN t.error <> '' THEN 'errored' WHEN t.n >= %(n)s THEN 'scored' ELSE %(unscored)s END
FROM told t WHERE r.id = t.id RETURNING r.id
"""
MISSING = "Not scored by every evaluator: the scoring was cancelled, or the record deleted."


def versions_of_set(experiment: Experiment, number: int = 1) -> list[EvaluatorVersion]:
    """The frozen evaluators, with evaluator and metric."""
    rows = experiment.evaluators.filter(set_number=number).exclude(evaluator_version=None)
    return [row.evaluator_version for row in rows.select_related("evaluator_version__evaluator__metric").order_by("id")]


def runs_of_set(experiment: Experiment, number: int = 1) -> list[ScoringRun]:
    """The scoring runs that made its scores, the newest last."""
    its = ScoringRun.objects.filter(pk__in=ScoreSet.runs.through.objects.filter(
        scoreset__experiment=experiment, scoreset__number=number
    ).values("scoringrun_id"))  # fmt: skip
    return list(its.select_related("project").order_by("number"))


def hand_over(experiment: Experiment, seconds: float = 5.0) -> None:
    """Plans the scores of set 1 on rows whose output is there and whose scores are not planned, for so many seconds.
    Of a cancelled experiment none: a cancel waits for what is being planned here, and takes it away."""
    versions = versions_of_set(experiment)
    until = time.monotonic() + seconds
    alive = Experiment.objects.filter(pk=experiment.pk).exclude(state=ExperimentState.CANCELLED)
    while versions and time.monotonic() < until:
        with transaction.atomic():
            if not alive.select_for_update(no_key=True).values_list("pk").first():
                break
            rows = list(_unplanned(experiment).order_by("id").select_for_update(skip_locked=True)[:MAX_ITEMS])
            if not rows:
                break
            _feed_missing(experiment, versions, [row.record_id for row in rows])
            ExperimentRow.objects.filter(id__in=[row.id for row in rows]).update(scores_planned=True)


def unplanned(experiment: Experiment) -> bool:
    """Whether outputs wait to be handed over."""
    return _unplanned(experiment).exists() and bool(versions_of_set(experiment))


def _unplanned(experiment: Experiment) -> QuerySet[ExperimentRow]:
    return ExperimentRow.objects.filter(experiment=experiment, state=RowState.GENERATED, scores_planned=False)


def _feed_missing(experiment: Experiment, versions: list[EvaluatorVersion], records: list[UUID]) -> None:
    """What the set has already stays as it is: only what is missing or errored is scored."""
    runs = runs_of_set(experiment)
    with connection.cursor() as cursor:
        cursor.execute(HAVE, {"p": experiment.project_id, "records": records, "runs": [run.pk for run in runs]})
        have = set(cursor.fetchall())
    groups: dict[tuple[int, ...], list[UUID]] = {}
    for record in records:
        missing = tuple(version.pk for version in versions if (record, version.pk) not in have)
        if missing:
            groups.setdefault(missing, []).append(record)
    if not groups:
        return
    run = _open_one(experiment, runs)
    for missing, some in groups.items():
        feed(run, some, [version for version in versions if version.pk in missing])


def _open_one(experiment: Experiment, runs: list[ScoringRun]) -> ScoringRun:
    """The set's run that may still be fed, or a new one."""
    for run in reversed(runs):
        if run.status in UNFINISHED and run.status != RunStatus.CANCELLING and run.planned_at is None:
            return run
    by = experiment.user or experiment.created_by
    run = open_run(experiment.project, versions_of_set(experiment), by, words_of(experiment))
    ScoreSet.objects.get(experiment=experiment, number=1).runs.add(run)
    return run


def feed_set(made: ScoreSet, seconds: float) -> None:
    """Plans the scores of a further set, for so many seconds. One whose run was cancelled gets no more."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if not _feed_slice(made):
                return
        except NotNow:
            ScoreSet.objects.filter(pk=made.pk).update(planned_at=timezone.now())
            return


def _feed_slice(made: ScoreSet) -> bool:
    """Whether there may be more."""
    with transaction.atomic():
        locked = ScoreSet.objects.select_for_update(of=["self"]).filter(pk=made.pk, planned_at=None)
        its = locked.select_related("experiment__project").first()
        if its is None:
            return False
        rows = ExperimentRow.objects.filter(experiment=its.experiment, id__gt=its.reached, record_id__isnull=False)
        found = list(rows.exclude(generated_at=None).order_by("id").values_list("id", "record_id")[:MAX_ITEMS])
        (run,) = runs_of_set(its.experiment, its.number)
        if not found:
            locked.update(planned_at=timezone.now())
            close_run(run)
            return False
        feed(run, [record for _, record in found])
        locked.update(reached=found[-1][0])
    return True


def unfed_sets(experiment: Experiment) -> list[ScoreSet]:
    return list(ScoreSet.objects.filter(experiment=experiment, planned_at=None))


def close(experiment: Experiment) -> None:
    """No more rows come: the runs end when they are through."""
    for run in runs_of_set(experiment):
        if run.planned_at is None and not run.is_over:
            close_run(run)


def settle(experiment: Experiment, *, unscored: str = RowState.ERRORED) -> int:
    """Rows whose scores are all there become scored, or errored where an evaluator has; how many.

    `unscored` is what becomes of those that lack scores for good.
    """
    versions = versions_of_set(experiment)
    params = {
        "p": experiment.project_id, "experiment": experiment.pk, "window": WINDOW, "limit": MAX_ITEMS,
        "runs": [run.pk for run in runs_of_set(experiment)], "versions": [version.pk for version in versions],
        "n": len(versions), "missing": MISSING if unscored == RowState.ERRORED else "", "unscored": unscored,
    }  # fmt: skip
    settled = 0
    while versions:
        with connection.cursor() as cursor:
            cursor.execute(SETTLE, params)
            n = len(cursor.fetchall())
        settled += n
        if n < MAX_ITEMS:
            break
    return settled

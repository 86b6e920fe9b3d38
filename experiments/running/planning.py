"""The rows of outputs that are already there: the records looked up slice by slice, a row for each.

A slice's rows and where the next one starts are committed together, if nobody else has got further meanwhile.
"""

import time

from django.db import connection, transaction
from django.utils import timezone

from experiments.models import UNFINISHED, Experiment, ExperimentEvaluator, Workflow
from records.filterlang import FilterError
from records.limits import MAX_ITEMS
from records.search import SearchTimeout
from records.selection import Selection, matching

TURN_SECONDS = 60.0
AT_ONCE_SECONDS = 0.5  # before the answer, so that a few records are there at once

# Records of one case are its epochs, in the order in which they are found; a record without a case is one of its own.
ROWS = """
WITH found AS (
  SELECT r.id, coalesce(nullif(r.case_id, ''), r.id::text) AS case_id, coalesce(r.epoch, 1) AS epoch, r.error,
    CASE WHEN r.trace_spans IS NULL THEN r.tokens ELSE r.trace_tokens END AS tokens,
    coalesce(nullif(r.trace_cost, 0), r.cost) AS cost, r.latency_ms
  FROM record r WHERE r.project_id = %(p)s AND r.id = ANY(%(records)s::uuid[])
    AND NOT EXISTS (SELECT FROM experiment_row x WHERE x.experiment_id = %(experiment)s AND x.record_id = r.id)),
there AS (SELECT case_id, max(epoch) AS epoch FROM experiment_row
  WHERE experiment_id = %(experiment)s AND case_id IN (SELECT case_id FROM found) GROUP BY 1)
INSERT INTO experiment_row
  (project_id, experiment_id, case_id, epoch, record_id, state, error, generated_at, tokens, cost, latency_ms)
SELECT %(p)s, %(experiment)s, f.case_id,
  coalesce(t.epoch, 0) + row_number() OVER (PARTITION BY f.case_id ORDER BY f.epoch, f.id), f.id, 'generated', '',
  clock_timestamp(), f.tokens, f.cost, f.latency_ms
FROM found f LEFT JOIN there t USING (case_id) ORDER BY f.case_id, f.epoch, f.id
"""

# Which metrics the records have values of: what an experiment without evaluators is read by.
METRICS = """
SELECT m.id FROM metric m WHERE m.project_id = %(p)s AND EXISTS (
  SELECT FROM experiment_row x JOIN score s ON s.project_id = x.project_id AND s.record_id = x.record_id
  WHERE x.experiment_id = %(experiment)s AND s.metric_id = m.id AND s.is_current AND s.status = 1)
ORDER BY m.name, m.id
"""


def plan(experiment: Experiment, seconds: float = TURN_SECONDS) -> None:
    """Makes rows of the existing workflow until all are made, or for `seconds`; a filter that can no longer be read
    pauses the experiment."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if not _slice(experiment):
                break
        except FilterError as problem:
            _pause(experiment, f"The filter can no longer be read: {problem.message}")
            break
        except SearchTimeout as problem:
            _pause(experiment, str(problem))
            break
    experiment.refresh_from_db()


def selection_of(experiment: Experiment) -> Selection:
    """Raises FilterError where the filter has lost its meaning since."""
    if experiment.ids is not None:
        return Selection(experiment.project, ids=tuple(experiment.ids))
    return matching(
        experiment.project, experiment.user, experiment.filter, experiment.all_spans, experiment.created_at,
        experiment.zone, experiment.ceiling,
    )  # fmt: skip


def _slice(experiment: Experiment) -> bool:
    """Whether there may be more. The search is no part of the transaction: it bounds its own time."""
    experiment.refresh_from_db(fields=["planned_at", "reached", "reason", "state"])
    if experiment.planned_at or experiment.reason or experiment.is_over or experiment.workflow != Workflow.EXISTING:
        return False
    found = next(selection_of(experiment).slices(experiment.reached, MAX_ITEMS), [])
    with transaction.atomic():
        here = Experiment.objects.select_for_update(no_key=True).filter(
            pk=experiment.pk, planned_at=None, reached=experiment.reached, state__in=UNFINISHED
        )
        if not here.values_list("pk").first():
            return True  # somebody else was faster: go on from there
        if found:
            params = {"p": experiment.project_id, "experiment": experiment.pk, "records": [id for id, _ in found]}
            with connection.cursor() as cursor:
                cursor.execute(ROWS, params)
            here.update(reached=found[-1][1], beat_at=timezone.now())
        else:
            _name_metrics(experiment)
            here.update(planned_at=timezone.now())
    return bool(found)


def _name_metrics(experiment: Experiment) -> None:
    """Where nobody is to judge it: by the scores that its records came with."""
    frozen = ExperimentEvaluator.objects.filter(experiment=experiment, set_number=1)
    if frozen.exclude(evaluator_version=None).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(METRICS, {"p": experiment.project_id, "experiment": experiment.pk})
        metrics = [id for (id,) in cursor.fetchall()]
    known = set(frozen.values_list("metric_id", flat=True))
    ExperimentEvaluator.objects.bulk_create(
        ExperimentEvaluator(experiment=experiment, metric_id=id) for id in metrics if id not in known
    )


def _pause(experiment: Experiment, reason: str) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(reason=reason[:2000])

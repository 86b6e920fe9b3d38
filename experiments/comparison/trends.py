"""One metric over the experiments of a dataset: what each came to, by its own frozen evaluators."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from experiments.models import UNFINISHED, Dataset, Experiment, ExperimentEvaluator
from records.models import Metric, ValueType
from scoring.stats.estimates import Estimate, unknown
from scoring.stats.means import mean, rate_of

MOST = 20  # experiments, the newest
MOST_CASES = 5_000  # of each

# The mean of each case over its epochs, by the newest completed score of each record: of set 1.
CASES = """
SELECT c.case_id, avg(c.passed), avg(c.value), count(*) FROM (
  SELECT DISTINCT ON (r.id) r.case_id, s.value,
    CASE s.outcome WHEN 1 THEN 1.0 WHEN 2 THEN 0.0 END AS passed
  FROM (SELECT * FROM experiment_row WHERE experiment_id = %(experiment)s AND project_id = %(project)s
        AND record_id IS NOT NULL ORDER BY id LIMIT %(most)s) r
  JOIN score s ON s.project_id = r.project_id AND s.record_id = r.record_id
  WHERE s.project_id = %(project)s AND s.metric_id = %(metric)s AND s.status = 1 AND (
    s.evaluator_version_id = ANY(%(versions)s) AND (s.run_id IN (
      SELECT m.scoringrun_id FROM experiment_score_set_runs m JOIN experiment_score_set e ON e.id = m.scoreset_id
      WHERE e.experiment_id = %(experiment)s AND e.number = 1) OR s.source = 3)
    OR s.evaluator_version_id IS NULL AND s.source = 4 AND %(sent)s)
  ORDER BY r.id, s.id DESC
) c GROUP BY c.case_id
"""


@dataclass(frozen=True, slots=True)
class Step:
    experiment: Experiment
    estimate: Estimate
    shares: bool
    by: str


def experiments_of(dataset: Dataset) -> list[Experiment]:
    """Those that are over, the newest MOST, the oldest of them first."""
    over = Experiment.objects.filter(project_id=dataset.project_id, dataset=dataset).exclude(state__in=UNFINISHED)
    return list(over.order_by("-created_at", "-id")[:MOST])[::-1]


def metrics_of(experiments: Sequence[Experiment]) -> list[Metric]:
    evaluators = ExperimentEvaluator.objects.filter(experiment__in=experiments, set_number=1)
    found = {one.metric_id: one.metric for one in evaluators.select_related("metric")}
    return sorted(found.values(), key=lambda metric: (metric.position, metric.pk))


def trend(experiments: Sequence[Experiment], metric: Metric) -> list[Step]:
    """The experiments that measured it."""
    frozen: dict[int, list[ExperimentEvaluator]] = {}
    chosen = ExperimentEvaluator.objects.filter(experiment__in=experiments, set_number=1, metric=metric)
    for one in chosen.select_related("evaluator_version__evaluator").order_by("id"):
        frozen.setdefault(one.experiment_id, []).append(one)
    return [_step(one, metric, frozen[one.pk]) for one in experiments if one.pk in frozen]


def _step(experiment: Experiment, metric: Metric, evaluators: list[ExperimentEvaluator]) -> Step:
    primary = [
        one
        for one in evaluators
        if one.evaluator_version and one.evaluator_version.evaluator.slug == metric.primary_evaluator
    ]
    one = (primary or evaluators)[0]
    version = one.evaluator_version
    with connection.cursor() as cursor:
        cursor.execute(CASES, {
            "experiment": experiment.pk, "project": experiment.project_id, "metric": metric.pk, "most": MOST_CASES,
            "versions": [version.pk] if version else [], "sent": version is None,
        })  # fmt: skip
        rows = cursor.fetchall()
    by = str(version) if version else "sent with the records"
    passes = [float(passed) for _, passed, _, _ in rows if passed is not None]
    if passes:
        return Step(experiment, _rate(passes), True, by)
    values = [value for *_, value, _ in rows if value is not None]
    if values and metric.value_type == ValueType.BOOLEAN:  # the share of yes
        return Step(experiment, _rate(values), True, by)
    return Step(experiment, mean(values) if values else unknown(0, "no values"), False, by)


def _rate(passes: list[float]) -> Estimate:
    """Of cases that pass in some epochs only, the mean of their shares."""
    if all(share in (0.0, 1.0) for share in passes):
        return rate_of([share == 1.0 for share in passes])
    return mean(passes)

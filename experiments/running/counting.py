"""What an experiment has come to, counted from its rows and its scoring runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection

from experiments.models import Experiment, RowState
from experiments.running.scores import runs_of_set

ROWS = """
SELECT experiment_id, state, count(*) AS n, coalesce(sum(tokens), 0) AS tokens, sum(cost) AS cost,
  count(*) FILTER (WHERE record_id IS NOT NULL AND cost IS NULL AND tokens > 0) AS unpriced,
  count(*) FILTER (WHERE finish = 'length') AS cut
FROM experiment_row WHERE experiment_id = ANY(%s) GROUP BY 1, 2
"""
LATENCIES = """
SELECT percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY latency_ms) FROM experiment_row
WHERE experiment_id = %s AND latency_ms IS NOT NULL AND generated_at IS NOT NULL
"""
# What the evaluators of set 1 said; without evaluators, what the records came with.
METRICS = """
SELECT m.slug, m.name, m.value_type, count(*) AS n, count(*) FILTER (WHERE s.passed) AS passed,
  count(s.passed) AS judged, avg(s.value) AS mean
FROM experiment_row r JOIN score s ON s.project_id = r.project_id AND s.record_id = r.record_id AND s.status = 1
  AND CASE WHEN %(runs)s::bigint[] = '{}' THEN s.is_current ELSE s.run_id = ANY(%(runs)s) END
JOIN metric m ON m.id = s.metric_id AND m.id = ANY(%(metrics)s)
WHERE r.experiment_id = %(experiment)s GROUP BY m.id ORDER BY m.name, m.id
"""
JUDGING = """
SELECT s.experiment_id, coalesce(sum(r.cost), 0), coalesce(sum(r.tokens), 0), coalesce(sum(r.unpriced), 0)
FROM experiment_score_set s JOIN experiment_score_set_runs x ON x.scoreset_id = s.id
  JOIN scoring_run r ON r.id = x.scoringrun_id
WHERE s.experiment_id = ANY(%s) GROUP BY 1
"""


@dataclass(slots=True)
class Totals:
    """`states`: rows by their state. Costs in USD, of making the outputs (`cost`; None where no price is known) and of
    judging them; `unpriced` and `judging_unpriced` calls are in neither. `cut` answers ended at the token limit.
    Latencies in milliseconds. `metrics` in short, once the experiment has ended: slug, name, value_type, n, passed,
    judged, mean."""

    states: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    cost: float | None = None
    unpriced: int = 0
    cut: int = 0
    judging_cost: float = 0.0
    judging_tokens: int = 0
    judging_unpriced: int = 0
    p50: float | None = None
    p95: float | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(self.states.values())

    def n(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def failed(self) -> int:
        return self.n(RowState.ERRORED, RowState.EXPIRED)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def totals_of(experiments: Sequence[Experiment]) -> dict[int, Totals]:
    """By experiment: what was counted when it ended, else what its rows say now (without latencies)."""
    found = {one.pk: Totals(**one.totals) for one in experiments}
    _add_rows(found, [one.pk for one in experiments if not one.totals])
    _add_judging(found)
    return found


def totals_at_the_end(experiment: Experiment) -> dict[str, Any]:
    """To be kept on the experiment."""
    totals = Totals()
    _add_rows({experiment.pk: totals}, [experiment.pk])
    with connection.cursor() as cursor:
        cursor.execute(LATENCIES, [experiment.pk])
        if percentiles := cursor.fetchone()[0]:
            totals.p50, totals.p95 = percentiles
        params = {
            "experiment": experiment.pk, "runs": [run.pk for run in runs_of_set(experiment)],
            "metrics": list(experiment.evaluators.filter(set_number=1).values_list("metric_id", flat=True)),
        }  # fmt: skip
        cursor.execute(METRICS, params)
        names = [column.name for column in cursor.description]
        totals.metrics = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return totals.as_json()


def _add_rows(found: dict[int, Totals], ids: Sequence[int]) -> None:
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [list(ids)])
        for id, state, n, tokens, cost, unpriced, cut in cursor.fetchall():
            its = found[id]
            its.states[state] = n
            its.tokens, its.unpriced, its.cut = its.tokens + int(tokens), its.unpriced + unpriced, its.cut + cut
            if cost is not None:
                its.cost = (its.cost or 0.0) + float(cost)


def _add_judging(found: dict[int, Totals]) -> None:
    """As it is now: a further set may have been scored since the end."""
    with connection.cursor() as cursor:
        cursor.execute(JUDGING, [list(found)])
        for id, cost, tokens, unpriced in cursor.fetchall():
            its = found[id]
            its.judging_cost, its.judging_tokens, its.judging_unpriced = float(cost), int(tokens), int(unpriced)

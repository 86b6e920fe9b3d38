"""Rows and scores of experiments from the database: two queries an experiment, whatever its size.

Scores are those of one score set: by its frozen evaluator versions, made by its scoring runs, or by people where such a
version is theirs; and those that came with the records. What was scored later, or by others, is not looked at, so that
results stay what they were.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from experiments.comparison.sides import Measure, Run, Said, Side
from experiments.models import Experiment, ExperimentEvaluator, ScoreSet

MOST_ROWS = 50_000  # of an experiment: more say hardly more, and a page must not wait for them
KEYS_FROM = 500  # rows whose metadata tell by which keys one may slice

RUNS = """
SELECT r.case_id, r.epoch, r.record_id, r.state, rec.inputs_hash, coalesce(r.tokens, rec.trace_tokens, rec.tokens),
  coalesce(r.cost, rec.trace_cost, rec.cost), coalesce(r.latency_ms, rec.latency_ms){groups}
FROM experiment_row r
LEFT JOIN record rec ON rec.project_id = r.project_id AND rec.id = r.record_id
LEFT JOIN dataset_item i ON i.id = r.item_id
WHERE r.experiment_id = %(experiment)s AND r.project_id = %(project)s
ORDER BY r.id LIMIT %(most)s
"""
GROUPS = {
    "split": "CASE WHEN i.split > '' THEN ARRAY[i.split] END",
    "tags": "coalesce(nullif(i.tags, '{}'), rec.tags)",
    "metadata": "CASE WHEN coalesce(i.metadata ->> %(key)s, rec.metadata ->> %(key)s) IS NOT NULL "
    "THEN ARRAY[coalesce(i.metadata ->> %(key)s, rec.metadata ->> %(key)s)] END",
    "thread": "CASE WHEN rec.thread > '' THEN ARRAY[rec.thread] END",
}
CLUSTERS = """
SELECT case_id, (min(belongs))[1] FROM (
  SELECT r.case_id, {group} AS belongs
  FROM experiment_row r
  LEFT JOIN record rec ON rec.project_id = r.project_id AND rec.id = r.record_id
  LEFT JOIN dataset_item i ON i.id = r.item_id
  WHERE r.experiment_id = %(experiment)s AND r.project_id = %(project)s
  ORDER BY r.id LIMIT %(most)s
) r WHERE belongs IS NOT NULL GROUP BY case_id
"""

# The newest completed score of each record and evaluator, else the newest attempt; the cost is of all attempts.
# OFFSET 0: the scores of each record by their index, never all of the project's.
SAID = """
SELECT DISTINCT ON (s.record_id, s.metric_id, s.version) s.record_id, s.metric_id, s.version, s.status, s.outcome,
  s.value, s.categorical_value, sum(s.cost) OVER (PARTITION BY s.record_id, s.metric_id, s.version)
FROM (
  SELECT s.*, coalesce(s.evaluator_version_id, 0) AS version
  FROM (SELECT record_id FROM experiment_row WHERE experiment_id = %(experiment)s AND project_id = %(project)s
    AND record_id IS NOT NULL ORDER BY id LIMIT %(most)s) r
  CROSS JOIN LATERAL (SELECT * FROM score WHERE project_id = %(project)s AND record_id = r.record_id OFFSET 0) s
  WHERE s.evaluator_version_id = ANY(%(versions)s) AND (s.run_id = ANY(%(runs)s) OR s.source = 3)
    OR s.evaluator_version_id IS NULL AND s.source = 4 AND s.metric_id = ANY(%(sent)s)
) s
ORDER BY s.record_id, s.metric_id, s.version, s.status = 1 DESC, s.id DESC
"""

KEYS = """
SELECT DISTINCT key FROM (
  SELECT i.metadata AS one, rec.metadata AS other
  FROM experiment_row r
  LEFT JOIN record rec ON rec.project_id = r.project_id AND rec.id = r.record_id
  LEFT JOIN dataset_item i ON i.id = r.item_id
  WHERE r.experiment_id = %(experiment)s AND r.project_id = %(project)s ORDER BY r.id LIMIT %(most)s
) m, jsonb_object_keys(CASE WHEN jsonb_typeof(one) = 'object' THEN one ELSE '{}' END
  || CASE WHEN jsonb_typeof(other) = 'object' THEN other ELSE '{}' END) key
ORDER BY key LIMIT 50
"""


def side_of(experiment: Experiment, set_number: int = 1, group_by: str = "") -> Side:
    """`group_by`, as `read_key` has it, fills the runs' `groups`. Raises ValueError."""
    keys, runs_of_set = measures_of(experiment, set_number)
    params: dict[str, object] = {
        "experiment": experiment.pk, "project": experiment.project_id, "most": MOST_ROWS, "runs": list(runs_of_set),
        "versions": [version for _, version in keys if version], "sent": [metric for metric, v in keys if not v],
    }  # fmt: skip
    runs, said = _read(params, keys, group_by)
    return Side(
        experiment.slug, experiment.name, experiment.dataset.slug if experiment.dataset else "",
        experiment.dataset_revision or 0, experiment.epochs, runs, list(keys.values()), said,
        cut=len(runs) >= MOST_ROWS, set_number=set_number,
    )  # fmt: skip


def measures_of(experiment: Experiment, set_number: int = 1) -> tuple[dict[tuple[int, int], Measure], set[int]]:
    """What a set measures, by (metric id, evaluator version id; 0: sent), and the scoring runs that made its scores."""
    evaluators = list(
        ExperimentEvaluator.objects.filter(experiment=experiment, set_number=set_number)
        .select_related("metric", "evaluator_version__evaluator")
        .order_by("metric__position", "metric_id", "id")
    )
    runs = ScoreSet.objects.filter(experiment=experiment, number=set_number, runs__isnull=False)
    return _keys(evaluators), set(runs.values_list("runs", flat=True))


def clusters_of(experiment: Experiment, key: str) -> dict[str, str]:
    """Which cases belong together: by case id, the value of split, thread or metadata.<key> where there is one.
    Raises ValueError."""
    name, of = read_key(key, but="tags")  # of those a case has several
    with connection.cursor() as cursor:
        cursor.execute(
            CLUSTERS.format(group=GROUPS[name]),
            {"experiment": experiment.pk, "project": experiment.project_id, "most": MOST_ROWS, "key": of},
        )
        return dict(cursor.fetchall())


def read_key(key: str, but: str = "") -> tuple[str, str]:
    """What cases are grouped by, and the key where that is metadata. Raises ValueError."""
    name, dot, of = key.partition(".")
    if name not in GROUPS or name == but or bool(dot) != (name == "metadata") or bool(dot) != bool(of) or "\0" in key:
        names = ", ".join(one for one in GROUPS if one not in (but, "metadata"))
        raise ValueError(f"cases are not grouped by {key!r}, but by {names} or metadata.<key>")
    return name, of


def group_keys(experiment: Experiment) -> list[str]:
    """By what its cases may be grouped: tags, split, thread, and the keys of their metadata."""
    with connection.cursor() as cursor:
        cursor.execute(KEYS, {"experiment": experiment.pk, "project": experiment.project_id, "most": KEYS_FROM})
        return ["tags", "split", "thread", *(f"metadata.{key}" for (key,) in cursor.fetchall())]


def _read(
    params: dict[str, object], measures: dict[tuple[int, int], Measure], group_by: str
) -> tuple[list[Run], dict[str, dict[UUID, Said]]]:
    name, params["key"] = read_key(group_by) if group_by else ("", "")
    with connection.cursor() as cursor:
        cursor.execute(RUNS.format(groups=f", {GROUPS[name]}" if group_by else ""), params)
        runs = [Run(*row[:8], tuple(row[8] or ()) if group_by else ()) for row in cursor.fetchall()]
        cursor.execute(SAID, params)
        said: dict[str, dict[UUID, Said]] = {measure.key: {} for measure in measures.values()}
        for record_id, metric_id, version, *rest in cursor.fetchall():
            if measure := measures.get((metric_id, version)):
                said[measure.key][record_id] = Said(*rest)
    return runs, said


def _keys(evaluators: Sequence[ExperimentEvaluator]) -> dict[tuple[int, int], Measure]:
    """By metric and evaluator version (0: sent). The metric's own key goes to its primary evaluator, else the first."""
    found: dict[tuple[int, int], Measure] = {}
    by_metric: dict[int, list[ExperimentEvaluator]] = {}
    for one in evaluators:
        by_metric.setdefault(one.metric_id, []).append(one)
    for several in by_metric.values():
        metric = several[0].metric
        slugs = {one: one.evaluator_version.evaluator.slug if one.evaluator_version else "" for one in several}
        main = next((one for one in several if slugs[one] == metric.primary_evaluator), several[0])
        for one in several:
            version = one.evaluator_version
            key = metric.slug if one is main else f"{metric.slug}.{slugs[one] or 'sent'}"
            number = version.number if version else None
            found[metric.pk, version.pk if version else 0] = Measure(key, metric, slugs[one], number)
    return found

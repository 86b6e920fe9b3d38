"""Every derived fact about records and scores, counted from its definition: what no writer may get wrong."""

from django.db import connection

from records import rollups

HOUR = "date_bin('1 hour', {}, '2000-01-01Z')"

CHECKS = {
    "orphans": """SELECT (SELECT count(*) FROM payload y WHERE project_id = %(p)s AND NOT EXISTS
            (SELECT FROM record r WHERE r.project_id = y.project_id AND r.id = y.record_id))
        + (SELECT count(*) FROM score s WHERE project_id = %(p)s AND NOT EXISTS
            (SELECT FROM record r WHERE r.project_id = s.project_id AND r.id = s.record_id))
        + (SELECT count(*) FROM score_detail d WHERE project_id = %(p)s AND NOT EXISTS
            (SELECT FROM score s WHERE s.project_id = d.project_id AND s.id = d.score_id))""",
}

# For records that a test has put in without ingest: their share of the roll-ups and samples.
REBUILD = f"""
DELETE FROM record_rollup WHERE project_id = {{p}};
INSERT INTO record_rollup (project_id, bucket, is_root, status, source, n, cost, tokens, latency_ms, errors)
  SELECT project_id, {HOUR.format("created_at")}, is_root, status, source, count(*), sum(coalesce(cost, 0)),
    sum(coalesce(tokens, 0)), sum(coalesce(latency_ms, 0)), sum((error <> '')::int)
  FROM record WHERE project_id = {{p}} GROUP BY 1, 2, 3, 4, 5;
UPDATE record SET trace_spans = NULL, trace_tokens = NULL, trace_cost = NULL, trace_errors = NULL
  WHERE project_id = {{p}} AND trace_id <> '';
UPDATE record r SET trace_spans = a.n, trace_tokens = a.tokens, trace_cost = a.cost, trace_errors = a.errors
  FROM (SELECT trace_id, count(*) AS n, sum(coalesce(tokens, 0)) AS tokens, sum(coalesce(cost, 0)) AS cost,
      sum((error <> '')::int) AS errors FROM record WHERE project_id = {{p}} AND trace_id <> '' GROUP BY 1) a
  JOIN (SELECT DISTINCT ON (trace_id) trace_id, id FROM record WHERE project_id = {{p}} AND trace_id <> '' AND is_root
      ORDER BY trace_id, created_at, id) l USING (trace_id)
  WHERE r.project_id = {{p}} AND r.id = l.id;
DELETE FROM record_sample WHERE project_id = {{p}};
INSERT INTO record_sample SELECT * FROM record WHERE project_id = {{p}} AND evalhub_sampled(id);
"""


def recount(project_id: int) -> dict[str, int]:
    """Differences found, by check; all 0 when everything is right."""
    with connection.cursor() as cursor:
        found = rollups.recount(project_id)
        for name, sql in CHECKS.items():
            cursor.execute(sql, {"p": project_id})
            found[name] = cursor.fetchone()[0]
        return found


def rebuild(project_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REBUILD.format(p=int(project_id)))

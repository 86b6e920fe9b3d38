"""Every derived fact about records and scores, counted from its definition: what no writer may get wrong."""

from django.db import connection

HOUR = "date_bin('1 hour', {}, '2000-01-01Z')"

CHECKS = {
    "not exactly one current": """SELECT count(*) FROM (SELECT FROM score WHERE project_id = %(p)s
        GROUP BY record_id, metric_id HAVING count(*) FILTER (WHERE is_current) <> 1) x""",
    "wrong current": """SELECT count(*) FROM score s JOIN (
          SELECT DISTINCT ON (record_id, metric_id) record_id, metric_id, id FROM score WHERE project_id = %(p)s
          ORDER BY record_id, metric_id, status <> 1, CASE WHEN status = 1 THEN rank END,
            CASE WHEN status = 1 THEN completed_at END DESC, id DESC) b
        ON b.record_id = s.record_id AND b.metric_id = s.metric_id
        WHERE s.project_id = %(p)s AND s.is_current AND s.id <> b.id""",
    "record status": """SELECT count(*) FROM record r LEFT JOIN LATERAL (
          SELECT CASE WHEN bool_or(s.status = 2) THEN 3 WHEN bool_or(s.status = 0 AND s.source <> 3) THEN 1
            WHEN bool_or(s.status = 1) THEN 2 WHEN bool_or(s.status = 0) THEN 1 ELSE 0 END st
          FROM score s WHERE s.project_id = r.project_id AND s.record_id = r.id AND s.is_current) n ON true
        WHERE r.project_id = %(p)s AND r.status <> n.st""",
    "score roll-up": f"""WITH a AS (
          SELECT s.metric_id, {HOUR.format("r.created_at")} AS bucket, r.is_root, s.outcome, count(*) AS n,
            sum(coalesce(s.value, 0)) AS value_sum
          FROM score s JOIN record r ON r.project_id = s.project_id AND r.id = s.record_id
          WHERE s.project_id = %(p)s AND s.is_current AND s.outcome <> 0 GROUP BY 1, 2, 3, 4)
        SELECT count(*) FROM a
        FULL JOIN (SELECT * FROM score_rollup WHERE project_id = %(p)s AND (n <> 0 OR abs(value_sum) > 1e-6)) x
          USING (metric_id, bucket, is_root, outcome)
        WHERE a.n IS DISTINCT FROM x.n OR abs(a.value_sum - x.value_sum) > 1e-6""",
    "record roll-up": f"""WITH a AS (
          SELECT {HOUR.format("created_at")} AS bucket, is_root, status, source, count(*) AS n,
            sum(coalesce(cost, 0)) AS cost, sum(coalesce(tokens, 0)) AS tokens,
            sum(coalesce(latency_ms, 0)) AS latency_ms, sum((error <> '')::int) AS errors
          FROM record WHERE project_id = %(p)s GROUP BY 1, 2, 3, 4)
        SELECT count(*) FROM a
        FULL JOIN (SELECT * FROM record_rollup WHERE project_id = %(p)s
          AND (n, cost, tokens, latency_ms, errors) <> (0, 0, 0, 0, 0)) x USING (bucket, is_root, status, source)
        WHERE (a.n, a.cost, a.tokens, a.latency_ms, a.errors)
          IS DISTINCT FROM (x.n, x.cost, x.tokens, x.latency_ms, x.errors)""",
    "score sample": """SELECT count(*) FROM (SELECT record_id, metric_id, outcome, value FROM score
          WHERE project_id = %(p)s AND is_current AND evalhub_sampled(record_id)) a
        FULL JOIN (SELECT * FROM score_sample WHERE project_id = %(p)s) x USING (record_id, metric_id)
        WHERE (a.outcome, a.value) IS DISTINCT FROM (x.outcome, x.value)""",
    "record sample": """SELECT count(*) FROM (SELECT * FROM record WHERE project_id = %(p)s AND evalhub_sampled(id)) a
        FULL JOIN (SELECT * FROM record_sample WHERE project_id = %(p)s) x USING (id)
        WHERE (a.status, a.is_root, a.tags, a.trace_spans, a.trace_cost)
          IS DISTINCT FROM (x.status, x.is_root, x.tags, x.trace_spans, x.trace_cost)""",
    "is_root": """SELECT count(*) FROM record c WHERE project_id = %(p)s AND is_root IS DISTINCT FROM (parent_id = ''
        OR NOT EXISTS (SELECT FROM record q WHERE q.project_id = c.project_id AND q.trace_id = c.trace_id
          AND q.trace_id <> '' AND q.span_id = c.parent_id))""",
    "trace roll-up": """WITH a AS (
          SELECT trace_id, count(*) AS n, sum(coalesce(tokens, 0)) AS tokens, sum(coalesce(cost, 0)) AS cost,
            sum((error <> '')::int) AS errors, count(*) FILTER (WHERE trace_spans IS NOT NULL) AS carriers
          FROM record WHERE project_id = %(p)s AND trace_id <> '' GROUP BY 1),
        b AS (SELECT DISTINCT ON (trace_id) * FROM record WHERE project_id = %(p)s AND trace_id <> '' AND is_root
          ORDER BY trace_id, created_at, id)
        SELECT count(*) FROM a LEFT JOIN b USING (trace_id)
        WHERE a.carriers <> 1 OR (a.n, a.tokens, a.cost, a.errors)
          IS DISTINCT FROM (b.trace_spans::bigint, b.trace_tokens::numeric, b.trace_cost, b.trace_errors::bigint)""",
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
        found = {}
        for name, sql in CHECKS.items():
            cursor.execute(sql, {"p": project_id})
            found[name] = cursor.fetchone()[0]
        return found


def rebuild(project_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REBUILD.format(p=int(project_id)))

-- Derived facts against their definition. `-- name:` of a check is what it counts: the differences, 0 when all is right.
-- %(since)s bounds the records looked at, by the hour they happened in; -infinity for all.

-- name: current_scores
SELECT count(*) FROM (
  SELECT s.record_id, s.metric_id,
    (array_agg(s.id ORDER BY s.status <> 1, CASE WHEN s.status = 1 THEN s.rank END,
      CASE WHEN s.status = 1 THEN s.completed_at END DESC, s.id DESC))[1] AS best,
    array_agg(s.id) FILTER (WHERE s.is_current) AS current
  FROM score s WHERE s.project_id = %(p)s AND s.record_created_at >= %(since)s::timestamptz
  GROUP BY s.record_id, s.metric_id) x
WHERE current IS DISTINCT FROM ARRAY[best];

-- name: record_status
SELECT count(*) FROM record r LEFT JOIN LATERAL (
  SELECT CASE WHEN bool_or(s.status = 2) THEN 3 WHEN bool_or(s.status = 0 AND s.source <> 3) THEN 1
    WHEN bool_or(s.status = 1) THEN 2 WHEN bool_or(s.status = 0) THEN 1 ELSE 0 END AS status
  FROM score s WHERE s.project_id = r.project_id AND s.record_id = r.id AND s.is_current) n ON true
WHERE r.project_id = %(p)s AND r.created_at >= %(since)s::timestamptz AND r.status <> n.status;

-- name: is_root
SELECT count(*) FROM record c
WHERE project_id = %(p)s AND created_at >= %(since)s::timestamptz AND is_root IS DISTINCT FROM (parent_id = ''
  OR NOT EXISTS (SELECT FROM record q WHERE q.project_id = %(p)s AND q.trace_id = c.trace_id AND q.trace_id <> ''
    AND q.span_id = c.parent_id));

-- name: trace_rollup
-- Exactly one span of a trace, its earliest root, carries the sums over all of it.
WITH traces AS (
  SELECT DISTINCT trace_id FROM record WHERE project_id = %(p)s AND created_at >= %(since)s::timestamptz AND trace_id <> ''),
counted AS (
  SELECT r.trace_id, count(*) AS n, sum(coalesce(tokens, 0)) AS tokens, sum(coalesce(cost, 0)) AS cost,
    sum((error <> '')::integer) AS errors, count(*) FILTER (WHERE trace_spans IS NOT NULL) AS carriers
  FROM traces JOIN record r ON r.project_id = %(p)s AND r.trace_id = traces.trace_id AND r.trace_id <> '' GROUP BY 1),
lead AS (
  SELECT DISTINCT ON (r.trace_id) r.trace_id, trace_spans, trace_tokens, trace_cost, trace_errors
  FROM traces JOIN record r ON r.project_id = %(p)s AND r.trace_id = traces.trace_id AND r.trace_id <> '' AND r.is_root
  ORDER BY r.trace_id, created_at, id)
SELECT count(*) FROM counted a LEFT JOIN lead b USING (trace_id)
WHERE a.carriers <> 1 OR (a.n, a.tokens, a.cost, a.errors)
  IS DISTINCT FROM (b.trace_spans::bigint, b.trace_tokens::bigint, b.trace_cost, b.trace_errors::bigint);

-- name: record_rollup
WITH counted AS ({record_counts})
SELECT count(*) FROM counted a FULL JOIN (
    SELECT * FROM record_rollup WHERE project_id = %(p)s AND bucket >= %(since)s::timestamptz
      AND (n, cost, tokens, latency_ms, errors) <> (0, 0, 0, 0, 0)) x USING (bucket, is_root, status, source)
WHERE (a.n, a.cost, a.tokens, a.latency_ms, a.errors) IS DISTINCT FROM (x.n, x.cost, x.tokens, x.latency_ms, x.errors);

-- name: score_rollup
WITH counted AS ({score_counts})
SELECT count(*) FROM counted a FULL JOIN (
    SELECT * FROM score_rollup WHERE project_id = %(p)s AND bucket >= %(since)s::timestamptz
      AND (n <> 0 OR abs(value_sum) > 1e-6)) x USING (metric_id, bucket, is_root, outcome)
WHERE a.n IS DISTINCT FROM x.n OR abs(a.value_sum - x.value_sum) > 1e-6 * greatest(1, abs(a.value_sum));

-- name: record_sample
SELECT count(*) FROM (
    SELECT * FROM record WHERE project_id = %(p)s AND created_at >= %(since)s::timestamptz AND evalhub_sampled(id)) a
FULL JOIN (SELECT * FROM record_sample WHERE project_id = %(p)s AND created_at >= %(since)s::timestamptz) x USING (id)
WHERE (a.status, a.is_root, a.tags, a.metadata, a.tokens, a.cost, a.trace_spans, a.trace_cost)
  IS DISTINCT FROM (x.status, x.is_root, x.tags, x.metadata, x.tokens, x.cost, x.trace_spans, x.trace_cost);

-- name: score_sample
SELECT count(*) FROM (
    SELECT record_id, metric_id, outcome, value FROM score
    WHERE project_id = %(p)s AND record_created_at >= %(since)s::timestamptz AND is_current AND evalhub_sampled(record_id)) a
FULL JOIN (SELECT * FROM score_sample WHERE project_id = %(p)s AND record_created_at >= %(since)s::timestamptz) x
  USING (record_id, metric_id)
WHERE (a.outcome, a.value) IS DISTINCT FROM (x.outcome, x.value);

-- name: record_counts
SELECT date_bin('1 hour', created_at, '2000-01-01Z') AS bucket, is_root, status, source, count(*) AS n,
  sum(coalesce(cost, 0)) AS cost, sum(coalesce(tokens, 0)) AS tokens, sum(coalesce(latency_ms, 0)) AS latency_ms,
  sum((error <> '')::integer) AS errors
FROM record WHERE project_id = %(p)s AND created_at >= %(since)s::timestamptz GROUP BY 1, 2, 3, 4

-- name: score_counts
SELECT s.metric_id, date_bin('1 hour', r.created_at, '2000-01-01Z') AS bucket, r.is_root, s.outcome, count(*) AS n,
  sum(coalesce(s.value, 0)) AS value_sum
FROM score s JOIN record r ON r.project_id = %(p)s AND r.id = s.record_id
WHERE s.project_id = %(p)s AND s.record_created_at >= %(since)s::timestamptz AND s.is_current AND s.outcome <> 0
GROUP BY 1, 2, 3, 4

-- name: repair_lock
-- Two repairs at the same time would each add the same difference.
SELECT pg_advisory_xact_lock(8, %(p)s);

-- name: repair_records
-- One statement, so one snapshot: the rows and the roll-ups of a transaction are both in it or both not. The difference
-- found in it is therefore added, never set, and whatever commits meanwhile stays counted.
WITH counted AS ({record_counts}),
stored AS (SELECT * FROM record_rollup WHERE project_id = %(p)s AND bucket >= %(since)s::timestamptz),
wrong AS (
  SELECT bucket, is_root, status, source, coalesce(a.n, 0) - coalesce(s.n, 0) AS n,
    coalesce(a.cost, 0) - coalesce(s.cost, 0) AS cost, coalesce(a.tokens, 0) - coalesce(s.tokens, 0) AS tokens,
    coalesce(a.latency_ms, 0) - coalesce(s.latency_ms, 0) AS latency_ms,
    coalesce(a.errors, 0) - coalesce(s.errors, 0) AS errors
  FROM counted a FULL JOIN stored s USING (bucket, is_root, status, source)),
written AS (
  INSERT INTO record_rollup AS x (project_id, bucket, is_root, status, source, n, cost, tokens, latency_ms, errors)
  SELECT %(p)s, bucket, is_root, status, source, n, cost, tokens, latency_ms, errors FROM wrong
  WHERE (n, cost, tokens, latency_ms, errors) <> (0, 0, 0, 0, 0) ORDER BY 2, 3, 4, 5
  ON CONFLICT (project_id, bucket, is_root, status, source) DO UPDATE SET n = x.n + excluded.n, cost = x.cost + excluded.cost,
    tokens = x.tokens + excluded.tokens, latency_ms = x.latency_ms + excluded.latency_ms, errors = x.errors + excluded.errors)
SELECT count(*) FROM wrong WHERE (n, cost, tokens, latency_ms, errors) <> (0, 0, 0, 0, 0);

-- name: repair_scores
WITH counted AS ({score_counts}),
stored AS (SELECT * FROM score_rollup WHERE project_id = %(p)s AND bucket >= %(since)s::timestamptz),
wrong AS (
  SELECT metric_id, bucket, is_root, outcome, coalesce(a.n, 0) - coalesce(s.n, 0) AS n,
    coalesce(a.value_sum, 0) - coalesce(s.value_sum, 0) AS value_sum,
    abs(coalesce(a.value_sum, 0) - coalesce(s.value_sum, 0)) > 1e-6 * greatest(1, abs(a.value_sum)) AS not_rounding
  FROM counted a FULL JOIN stored s USING (metric_id, bucket, is_root, outcome)),
written AS (
  INSERT INTO score_rollup AS x (project_id, metric_id, bucket, is_root, outcome, n, value_sum)
  SELECT %(p)s, metric_id, bucket, is_root, outcome, n, value_sum FROM wrong WHERE n <> 0 OR value_sum <> 0 ORDER BY 2, 3, 4, 5
  ON CONFLICT (project_id, metric_id, bucket, is_root, outcome)
    DO UPDATE SET n = x.n + excluded.n, value_sum = x.value_sum + excluded.value_sum)
SELECT count(*) FROM wrong WHERE n <> 0 OR not_rounding;

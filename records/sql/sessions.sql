-- What the records of threads add up to. Codes: score.outcome 1 pass 2 fail 3 errored; score.status 0 pending 1 completed.

-- name: totals
-- A turn is a record of the thread whose parent is not of it. Where a trace's root is of the thread, the trace's own sums
-- count, which hold the spans that do not name the thread; else those of the spans that do.
WITH spans AS MATERIALIZED (
  SELECT t.thread, r.* FROM unnest(%(threads)s::text[]) AS t(thread) CROSS JOIN LATERAL (
    SELECT id, trace_id, span_id, parent_id, coalesce(started_at, created_at) AS began,
      coalesce(ended_at, created_at + coalesce(latency_ms, 0) * interval '1 ms') AS ended, latency_ms, tokens, cost,
      (error <> '')::integer AS failed, trace_tokens, trace_cost, trace_errors
    FROM record WHERE project_id = %(p)s AND thread = t.thread AND thread <> ''
    ORDER BY created_at DESC, id DESC LIMIT %(most)s) r),
turns AS (
  SELECT thread, count(*) AS n, sum(latency_ms) AS busy, (array_agg(id ORDER BY began, id))[1] AS first FROM spans s
  WHERE NOT EXISTS (
    SELECT FROM spans q WHERE q.thread = s.thread AND q.trace_id = s.trace_id AND q.span_id = s.parent_id
      AND q.trace_id <> '' AND q.span_id <> '')
  GROUP BY 1),
traces AS (
  SELECT thread, coalesce(max(trace_tokens), sum(tokens)) AS tokens, coalesce(max(trace_cost), sum(cost)) AS cost,
    coalesce(max(trace_errors), sum(failed)) AS failed
  FROM spans GROUP BY thread, CASE WHEN trace_id = '' THEN id::text ELSE trace_id END),
sums AS (SELECT thread, sum(tokens) AS tokens, sum(cost) AS cost, sum(failed) AS failed FROM traces GROUP BY 1),
judged AS (
  SELECT thread, count(*) FILTER (WHERE outcome = 1) AS passed, count(*) FILTER (WHERE outcome = 2) AS fails,
    count(*) FILTER (WHERE outcome = 3) AS errored
  FROM spans JOIN score c ON c.project_id = %(p)s AND c.record_id = spans.id AND c.is_current GROUP BY 1),
whole AS (SELECT thread, count(*) AS n, min(began) AS began, max(ended) AS ended FROM spans GROUP BY 1)
SELECT thread, w.n, w.began, w.ended, t.n, t.busy, a.tokens, a.cost, a.failed, coalesce(j.passed, 0),
  coalesce(j.fails, 0), coalesce(j.errored, 0), t.first
FROM whole w JOIN turns t USING (thread) JOIN sums a USING (thread) LEFT JOIN judged j USING (thread);

-- name: by_metric
-- Each metric's current scores, in the order of the columns.
SELECT m.name, m.value_type, count(*) FILTER (WHERE s.outcome IN (1, 2)), count(*) FILTER (WHERE s.outcome = 1),
  avg(s.value) FILTER (WHERE s.status = 1), count(*) FILTER (WHERE s.status = 1)
FROM (
  SELECT id FROM record WHERE project_id = %(p)s AND thread = %(thread)s AND thread <> ''
  ORDER BY created_at DESC, id DESC LIMIT %(most)s) r
JOIN score s ON s.project_id = %(p)s AND s.record_id = r.id AND s.is_current AND s.status <> 0
JOIN metric m ON m.project_id = %(p)s AND m.id = s.metric_id
GROUP BY m.id ORDER BY m.position, m.id;

-- name: said
-- A value that is long even as it is stored, compressed, is left out and said to be long.
SELECT record_id,
  CASE WHEN pg_column_size(inputs) <= %(most)s THEN inputs END, coalesce(pg_column_size(inputs) > %(most)s, false),
  CASE WHEN pg_column_size(outputs) <= %(most)s THEN outputs END, coalesce(pg_column_size(outputs) > %(most)s, false)
FROM payload WHERE project_id = %(p)s AND record_id = ANY(%(ids)s::uuid[]);

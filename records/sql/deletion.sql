-- Deleting records: `gone`, the ids that go, at most 1,000. Its order in one transaction: trace_keys, trace_locks (as
-- ingest takes them: nothing joins or leaves these traces meanwhile), gone, orphans, leads, lock_records (scores.sql), the
-- deltas, the deletes, orphans_rise, carry, record_deltas and score_deltas (scores.sql), samples.

-- name: trace_keys
SELECT DISTINCT coalesce(nullif(trace_id, ''), external_id) FROM record WHERE project_id = %(p)s AND id = ANY(%(ids)s::uuid[]);

-- name: trace_locks
SELECT pg_advisory_xact_lock(7, k) FROM (
  SELECT DISTINCT hashtext(%(p)s || ':' || t) & 4095 AS k FROM unnest(%(keys)s::text[]) AS t ORDER BY 1) x;

-- name: gone
SELECT id, trace_id FROM record WHERE project_id = %(p)s AND id = ANY(%(ids)s::uuid[]);

-- name: orphans
-- Children whose last parent goes. The trace is read once: a join on its index would read it once a record.
WITH spans AS MATERIALIZED (
  SELECT id, trace_id, span_id, parent_id, is_root, id = ANY(%(gone)s::uuid[]) AS goes
  FROM record WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '')
SELECT c.id FROM spans c
WHERE NOT c.goes AND NOT c.is_root
  AND NOT EXISTS (SELECT FROM spans q WHERE q.trace_id = c.trace_id AND q.span_id = c.parent_id AND NOT q.goes);

-- name: leads
-- Who carries each trace's roll-up now, and who will.
SELECT id, false FROM record
WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' AND is_root AND trace_spans IS NOT NULL
  AND id <> ALL(%(gone)s::uuid[])
UNION ALL
SELECT id, true FROM (
  SELECT DISTINCT ON (trace_id) id FROM record
  WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> ''
    AND (is_root OR id = ANY(%(orphans)s::uuid[])) AND id <> ALL(%(gone)s::uuid[])
  ORDER BY trace_id, created_at, id) x;

-- name: leaving
WITH r AS (SELECT * FROM record WHERE project_id = %(p)s AND id = ANY(%(gone)s::uuid[])),
scores AS (
  INSERT INTO stage_delta
  SELECT s.record_id, s.metric_id, s.outcome, -1, -coalesce(s.value, 0), r.is_root, r.created_at
  FROM r JOIN score s ON s.project_id = %(p)s AND s.record_id = r.id AND s.is_current AND s.outcome <> 0)
INSERT INTO stage_record_delta
SELECT created_at, is_root, status, source, -1, coalesce(cost, 0), coalesce(tokens, 0), coalesce(latency_ms, 0),
  (error <> '')::integer FROM r;

-- name: delete_records
WITH s AS (DELETE FROM score WHERE project_id = %(p)s AND record_id = ANY(%(gone)s::uuid[]) RETURNING id),
d AS (DELETE FROM score_detail x USING s WHERE x.project_id = %(p)s AND x.score_id = s.id),
y AS (DELETE FROM payload WHERE project_id = %(p)s AND record_id = ANY(%(gone)s::uuid[])),
a AS (DELETE FROM record_sample WHERE project_id = %(p)s AND id = ANY(%(gone)s::uuid[])),
b AS (DELETE FROM score_sample WHERE project_id = %(p)s AND record_id = ANY(%(gone)s::uuid[]))
DELETE FROM record WHERE project_id = %(p)s AND id = ANY(%(gone)s::uuid[]);

-- name: orphans_rise
WITH r AS (
  UPDATE record SET is_root = true WHERE project_id = %(p)s AND id = ANY(%(orphans)s::uuid[]) RETURNING *),
scores AS (
  INSERT INTO stage_delta
  SELECT s.record_id, s.metric_id, s.outcome, v.sign, v.sign * coalesce(s.value, 0), v.is_root, r.created_at
  FROM r JOIN score s ON s.project_id = %(p)s AND s.record_id = r.id AND s.is_current AND s.outcome <> 0
  CROSS JOIN LATERAL (VALUES (false, -1), (true, 1)) v(is_root, sign))
INSERT INTO stage_record_delta
SELECT created_at, v.is_root, status, source, v.sign, coalesce(cost, 0), coalesce(tokens, 0), coalesce(latency_ms, 0),
  (error <> '')::integer FROM r CROSS JOIN LATERAL (VALUES (false, -1), (true, 1)) v(is_root, sign);

-- name: carry
WITH sums AS MATERIALIZED (
  SELECT trace_id, count(*) AS n, sum(coalesce(tokens, 0)) AS tokens, sum(coalesce(cost, 0)) AS cost,
    sum((error <> '')::integer) AS failed
  FROM record WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' GROUP BY trace_id)
UPDATE record r SET trace_spans = CASE WHEN v.leads THEN a.n END, trace_tokens = CASE WHEN v.leads THEN a.tokens END,
  trace_cost = CASE WHEN v.leads THEN a.cost END, trace_errors = CASE WHEN v.leads THEN a.failed END
FROM (SELECT id, id = ANY(%(leads)s::uuid[]) AS leads FROM unnest(%(carriers)s::uuid[]) AS id) v, sums a
WHERE r.project_id = %(p)s AND r.id = v.id AND a.trace_id = r.trace_id;

-- name: samples
UPDATE record_sample x SET is_root = r.is_root, trace_spans = r.trace_spans, trace_tokens = r.trace_tokens,
  trace_cost = r.trace_cost, trace_errors = r.trace_errors
FROM record r WHERE r.project_id = %(p)s AND r.id = ANY(%(changed)s::uuid[]) AND x.project_id = %(p)s AND x.id = r.id;

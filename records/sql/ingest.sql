-- Ingest. In one transaction: key_locks, trace_locks, stages, before, stored, COPY into stage_record (pieces of stored
-- records laid over them), upsert, payloads, roots, carry, then scores (root_scores, scores.sql), after, roll-ups, samples,
-- blobs, announce. Roll-ups are after minus before of every row touched, so that pieces, repeats, a corrected is_root and a
-- handed-on trace roll-up need no case of their own.

-- name: key_locks
-- For records whose key does not name their trace: two writers of one new record would else both count it. Before
-- trace_locks: only under this lock it is known which traces these records are of. The buckets of both (1,024 and 4,096)
-- stay together below the 6,400 locks that PostgreSQL has room for by default.
SELECT pg_advisory_xact_lock(9, k) FROM (
  SELECT DISTINCT hashtext(%(p)s || ':' || t) & 1023 AS k FROM unnest(%(keys)s::text[]) AS t ORDER BY 1) x;

-- name: traces_of
SELECT DISTINCT trace_id FROM record
WHERE project_id = %(p)s AND external_id = ANY(%(keys)s::text[]) AND trace_id <> '';

-- name: trace_locks
-- As deletion takes them: by trace, or by external_id where there is no trace.
SELECT pg_advisory_xact_lock(7, k) FROM (
  SELECT DISTINCT hashtext(%(p)s || ':' || t) & 4095 AS k FROM unnest(%(keys)s::text[]) AS t ORDER BY 1) x;

-- name: stages
CREATE TEMP TABLE IF NOT EXISTS stage_record (id uuid, created_at timestamptz, started_at timestamptz, ended_at timestamptz,
  trace_id text, span_id text, parent_id text, external_id text, name text, kind text, source smallint, created_by text,
  environment text, customer text, custom_id text, thread text, model text, provider text, prompt text,
  prompt_version integer, experiment text, case_id text, epoch smallint, latency_ms integer, ttft_ms integer,
  tokens_in integer, tokens_out integer, tokens_cached integer, tokens_cache_write integer, tokens integer, cost numeric,
  cost_estimated boolean, truncated boolean, error text, tags text[], metrics jsonb, metadata jsonb, inputs jsonb,
  outputs jsonb, expected jsonb, search_text text, is_root boolean, trace_spans integer, trace_tokens bigint,
  trace_cost numeric, trace_errors integer) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_change (id uuid, sign integer, created_at timestamptz, is_root boolean, status smallint,
  source smallint, trace_id text, cost numeric, tokens integer, latency_ms integer, failed integer,
  trace_spans integer, trace_tokens bigint, trace_cost numeric, trace_errors integer) ON COMMIT DELETE ROWS;
-- Inside an outer transaction nothing is committed between two batches. Not TRUNCATE: that makes new files each time.
DELETE FROM stage_record;
DELETE FROM stage_change;

-- name: before
WITH locked AS (
  SELECT * FROM record WHERE project_id = %(p)s AND id IN (
    SELECT id FROM record WHERE project_id = %(p)s AND external_id = ANY(%(keys)s::text[])
    UNION SELECT id FROM record WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' AND is_root)
  ORDER BY id FOR NO KEY UPDATE),
staged AS (
  INSERT INTO stage_change
  SELECT id, -1, created_at, is_root, status, source, trace_id, coalesce(cost, 0), coalesce(tokens, 0),
    coalesce(latency_ms, 0), (error <> '')::integer, trace_spans, trace_tokens, trace_cost, trace_errors FROM locked)
SELECT external_id, trace_id FROM locked;

-- name: stored
SELECT {stored}, r.input_hash FROM record r LEFT JOIN payload y ON y.project_id = r.project_id AND y.record_id = r.id
WHERE r.project_id = %(p)s AND r.external_id = ANY(%(keys)s::text[]);

-- name: upsert
WITH present AS MATERIALIZED (
  SELECT trace_id, span_id FROM record WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> ''
  UNION SELECT trace_id, span_id FROM stage_record WHERE trace_id <> '')
INSERT INTO record AS r (project_id, id, created_at, started_at, ended_at, trace_id, span_id, parent_id, external_id, name, kind,
  is_root, source, created_by, environment, customer, custom_id, thread, model, provider, prompt, prompt_version, experiment,
  case_id, epoch, inputs_hash, input_hash, latency_ms, ttft_ms, tokens_in, tokens_out, tokens_cached, tokens_cache_write,
  tokens, cost, cost_estimated, truncated, error, tags, metrics, metadata, trace_spans, trace_tokens, trace_cost, trace_errors)
SELECT %(p)s, id, created_at, started_at, ended_at, trace_id, span_id, parent_id, external_id, name,
  coalesce(nullif(kind, ''), 'other'),
  coalesce(is_root, parent_id = '' OR (trace_id, parent_id) NOT IN (SELECT trace_id, span_id FROM present)),
  source, created_by, environment, customer, custom_id, thread, model, provider, prompt, prompt_version, experiment, case_id,
  epoch, CASE WHEN inputs IS NOT NULL THEN sha256(convert_to(inputs::text, 'UTF8')) END,
  CASE WHEN inputs IS NOT NULL OR outputs IS NOT NULL
    THEN sha256(convert_to(concat(inputs::text, E'\n', outputs::text), 'UTF8')) END,
  latency_ms, ttft_ms, tokens_in, tokens_out, tokens_cached, tokens_cache_write, tokens, cost, cost_estimated, truncated,
  error, coalesce(tags, '{}'), metrics, metadata, trace_spans, trace_tokens, trace_cost, trace_errors
FROM stage_record t ORDER BY id
-- What is staged is the whole record already: stored pieces are in it.
ON CONFLICT (project_id, external_id) DO UPDATE SET
  started_at = excluded.started_at, ended_at = excluded.ended_at, trace_id = excluded.trace_id, span_id = excluded.span_id,
  parent_id = excluded.parent_id,
  is_root = excluded.is_root, name = excluded.name, kind = excluded.kind, environment = excluded.environment,
  customer = excluded.customer, custom_id = excluded.custom_id, thread = excluded.thread, model = excluded.model,
  provider = excluded.provider, prompt = excluded.prompt, prompt_version = excluded.prompt_version,
  experiment = excluded.experiment, case_id = excluded.case_id, epoch = excluded.epoch,
  inputs_hash = coalesce(excluded.inputs_hash, r.inputs_hash), input_hash = coalesce(excluded.input_hash, r.input_hash),
  latency_ms = excluded.latency_ms, ttft_ms = excluded.ttft_ms,
  tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out, tokens_cached = excluded.tokens_cached,
  tokens_cache_write = excluded.tokens_cache_write, tokens = excluded.tokens, cost = excluded.cost,
  cost_estimated = excluded.cost_estimated, truncated = excluded.truncated, error = excluded.error, tags = excluded.tags,
  metrics = excluded.metrics, metadata = excluded.metadata, trace_spans = coalesce(excluded.trace_spans, r.trace_spans),
  trace_tokens = coalesce(excluded.trace_tokens, r.trace_tokens), trace_cost = coalesce(excluded.trace_cost, r.trace_cost),
  trace_errors = coalesce(excluded.trace_errors, r.trace_errors);

-- name: payloads
-- A piece that says nothing of it does not bring back the payload of a record whose own is kept no longer.
INSERT INTO payload AS y (project_id, record_id, inputs, outputs, expected, search_text)
SELECT %(p)s, id, inputs, outputs, expected, search_text FROM stage_record
WHERE external_id <> ALL(%(known)s::text[]) OR num_nonnulls(inputs, outputs, expected) > 0 ORDER BY id
ON CONFLICT (project_id, record_id) DO UPDATE SET inputs = excluded.inputs, outputs = excluded.outputs,
  expected = excluded.expected, search_text = excluded.search_text
WHERE (y.inputs, y.outputs, y.expected, y.search_text)
  IS DISTINCT FROM (excluded.inputs, excluded.outputs, excluded.expected, excluded.search_text);

-- name: roots
-- Children that were roots until their parent came, and carry their trace's roll-up no longer: in one write, since each
-- writes all indexes. The partial index needs its predicate on record itself.
UPDATE record c SET is_root = false, trace_spans = NULL, trace_tokens = NULL, trace_cost = NULL, trace_errors = NULL
FROM stage_record q
WHERE c.project_id = %(p)s AND c.trace_id = ANY(%(traces)s::text[]) AND c.trace_id <> '' AND c.is_root
  AND c.trace_id = q.trace_id AND c.parent_id = q.span_id AND c.parent_id <> ''
RETURNING c.id;

-- name: carry
WITH old AS (SELECT * FROM stage_change WHERE sign = -1 AND trace_spans IS NOT NULL),
lead AS MATERIALIZED (
  SELECT DISTINCT ON (trace_id) trace_id, id FROM record
  WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' AND is_root
  ORDER BY trace_id, created_at, id),
delta AS (
  SELECT trace_id, sum(n) AS n, sum(tokens) AS tokens, sum(cost) AS cost, sum(failed) AS failed FROM (
    SELECT r.trace_id, 1 AS n, coalesce(r.tokens, 0) AS tokens, coalesce(r.cost, 0) AS cost, (r.error <> '')::integer AS failed
    FROM stage_record t JOIN record r ON r.project_id = %(p)s AND r.id = t.id
    UNION ALL
    SELECT c.trace_id, -1, -c.tokens, -c.cost, -c.failed FROM stage_change c JOIN stage_record t ON t.id = c.id
    UNION ALL
    SELECT trace_id, trace_spans, trace_tokens, trace_cost, trace_errors FROM old) x GROUP BY trace_id)
UPDATE record r SET trace_spans = CASE WHEN r.id = d.id THEN d.n END, trace_tokens = CASE WHEN r.id = d.id THEN d.tokens END,
  trace_cost = CASE WHEN r.id = d.id THEN d.cost END, trace_errors = CASE WHEN r.id = d.id THEN d.failed END
FROM (
  SELECT l.id, l.id AS target, delta.* FROM lead l JOIN delta USING (trace_id)
  UNION ALL
  SELECT l.id, old.id, delta.* FROM lead l JOIN old USING (trace_id) JOIN delta USING (trace_id) WHERE old.id <> l.id) d
WHERE r.project_id = %(p)s AND r.id = d.target AND (r.id = d.id OR r.trace_spans IS NOT NULL)
RETURNING r.trace_id;

-- name: crown
-- Spans that are each other's parents leave a trace without a root: its earliest becomes one.
UPDATE record r SET is_root = true FROM (
  SELECT DISTINCT ON (trace_id) id FROM record
  WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' ORDER BY trace_id, created_at, id) x
WHERE r.project_id = %(p)s AND r.id = x.id;

-- name: after
INSERT INTO stage_change
SELECT id, 1, created_at, is_root, status, source, trace_id, coalesce(cost, 0), coalesce(tokens, 0), coalesce(latency_ms, 0),
  (error <> '')::integer
FROM record WHERE project_id = %(p)s AND id IN (SELECT id FROM stage_change UNION SELECT id FROM stage_record);

-- name: root_scores
-- The scores of a record that stops being a root: staged now, folded into the roll-up with all others.
INSERT INTO stage_delta
SELECT s.record_id, s.metric_id, s.outcome, v.sign, v.sign * coalesce(s.value, 0), v.is_root, c.created_at
FROM stage_change b JOIN record c ON c.project_id = %(p)s AND c.id = b.id AND b.sign = -1 AND c.is_root <> b.is_root
JOIN score s ON s.project_id = %(p)s AND s.record_id = c.id AND s.is_current AND s.outcome <> 0
CROSS JOIN LATERAL (VALUES (b.is_root, -1), (c.is_root, 1)) v(is_root, sign);

-- name: record_rollup
INSERT INTO record_rollup AS x (project_id, bucket, is_root, status, source, n, cost, tokens, latency_ms, errors)
SELECT %(p)s, date_bin('1 hour', created_at, '2000-01-01Z'), is_root, status, source, sum(sign), sum(sign * cost),
  sum(sign * tokens), sum(sign * latency_ms), sum(sign * failed)
FROM stage_change GROUP BY 2, 3, 4, 5
HAVING (sum(sign), sum(sign * cost), sum(sign * tokens), sum(sign * latency_ms), sum(sign * failed)) <> (0, 0, 0, 0, 0)
ORDER BY 2, 3, 4, 5
ON CONFLICT (project_id, bucket, is_root, status, source) DO UPDATE SET n = x.n + excluded.n, cost = x.cost + excluded.cost,
  tokens = x.tokens + excluded.tokens, latency_ms = x.latency_ms + excluded.latency_ms, errors = x.errors + excluded.errors;

-- name: touched
SELECT DISTINCT id FROM stage_change WHERE evalhub_sampled(id);

-- name: announce
-- `ended` had ended before, on those hashes; `running` have not ended yet. No row where there is no news. The id tells the
-- database's time.
INSERT INTO outbox (project_id, id, ids, changed)
SELECT %(p)s, evalhub_uuid7(), ids, changed FROM (
  SELECT coalesce(array_agg(t.id ORDER BY t.id) FILTER (WHERE e.id IS NULL AND t.id <> ALL(%(running)s::uuid[])), '{}') AS ids,
    coalesce(array_agg(t.id ORDER BY t.id) FILTER (WHERE r.input_hash IS DISTINCT FROM e.hash), '{}') AS changed
  FROM stage_record t
  LEFT JOIN unnest(%(ended)s::uuid[], %(hashes)s::bytea[]) AS e(id, hash) ON e.id = t.id
  LEFT JOIN record r ON r.project_id = %(p)s AND r.id = e.id) x
WHERE cardinality(ids) + cardinality(changed) > 0 RETURNING id;

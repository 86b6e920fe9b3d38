-- Ingest. In one transaction: trace_locks, stages, COPY into stage_record, before, upsert, resolve, payloads, rehash,
-- roots, carry, then scores (root_scores, scores.sql), after, roll-ups, samples, announce. Roll-ups are after minus before
-- of every row touched, so that pieces, repeats, a corrected is_root and a handed-on trace roll-up need no case of their own.

-- name: trace_locks
-- 4,096 buckets bound the lock memory. Two writers of one new record would else both count it.
SELECT pg_advisory_xact_lock(7, k) FROM (
  SELECT DISTINCT hashtext(%(p)s || ':' || t) & 4095 AS k FROM unnest(%(keys)s::text[]) AS t ORDER BY 1) x;

-- name: stages
CREATE TEMP TABLE IF NOT EXISTS stage_record (id uuid, created_at timestamptz, started_at timestamptz, ended_at timestamptz,
  trace_id text, span_id text, parent_id text, external_id text, name text, kind text, source smallint, created_by text,
  environment text, customer text, custom_id text, thread text, model text, provider text, prompt text,
  prompt_version integer, experiment text, case_id text, epoch smallint, latency_ms integer, ttft_ms integer,
  tokens_in integer, tokens_out integer, tokens_cached integer, tokens_cache_write integer, tokens integer, cost numeric,
  cost_estimated boolean, truncated boolean, error text, tags text[], metrics jsonb, metadata jsonb, inputs jsonb,
  outputs jsonb, expected jsonb, search_text text, existed boolean) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_change (id uuid, sign integer, created_at timestamptz, is_root boolean, status smallint,
  source smallint, trace_id text, cost numeric, tokens integer, latency_ms integer, failed integer, carrier boolean)
  ON COMMIT DELETE ROWS;
-- Inside an outer transaction nothing is committed between two batches.
TRUNCATE stage_record, stage_change;

-- name: before
INSERT INTO stage_change
SELECT id, -1, created_at, is_root, status, source, trace_id, coalesce(cost, 0), coalesce(tokens, 0), coalesce(latency_ms, 0),
  (error <> '')::integer, trace_spans IS NOT NULL
FROM (SELECT * FROM record WHERE project_id = %(p)s AND id IN (
    SELECT r.id FROM stage_record t JOIN record r ON r.project_id = %(p)s AND r.external_id = t.external_id
    UNION SELECT id FROM record WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' AND is_root)
  ORDER BY id FOR NO KEY UPDATE) r;

-- name: upsert
INSERT INTO record AS r (project_id, id, created_at, started_at, ended_at, trace_id, span_id, parent_id, external_id, name, kind,
  is_root, source, created_by, environment, customer, custom_id, thread, model, provider, prompt, prompt_version, experiment,
  case_id, epoch, inputs_hash, input_hash, latency_ms, ttft_ms, tokens_in, tokens_out, tokens_cached, tokens_cache_write,
  tokens, cost, cost_estimated, truncated, error, tags, metrics, metadata)
SELECT %(p)s, id, created_at, started_at, ended_at, trace_id, span_id, parent_id, external_id, name,
  coalesce(nullif(kind, ''), 'other'),
  parent_id = '' OR NOT (
    EXISTS (SELECT FROM stage_record q WHERE q.trace_id = t.trace_id AND q.trace_id <> '' AND q.span_id = t.parent_id)
    OR EXISTS (SELECT FROM record q WHERE q.project_id = %(p)s AND q.trace_id = t.trace_id AND q.trace_id <> ''
      AND q.span_id = t.parent_id)),
  source, created_by, environment, customer, custom_id, thread, model, provider, prompt, prompt_version, experiment, case_id,
  epoch, CASE WHEN inputs IS NOT NULL THEN sha256(convert_to(inputs::text, 'UTF8')) END,
  CASE WHEN inputs IS NOT NULL OR outputs IS NOT NULL
    THEN sha256(convert_to(concat(inputs::text, E'\n', outputs::text), 'UTF8')) END,
  latency_ms, ttft_ms, tokens_in, tokens_out, tokens_cached, tokens_cache_write,
  coalesce(tokens, CASE WHEN tokens_in IS NOT NULL OR tokens_out IS NOT NULL
    THEN coalesce(tokens_in, 0) + coalesce(tokens_out, 0) END),
  cost, cost_estimated, truncated, error, coalesce(tags, '{}'), metrics, metadata
FROM stage_record t ORDER BY id
ON CONFLICT (project_id, external_id) DO UPDATE SET
  started_at = least(r.started_at, excluded.started_at), ended_at = greatest(r.ended_at, excluded.ended_at),
  parent_id = CASE WHEN excluded.parent_id <> '' THEN excluded.parent_id ELSE r.parent_id END,
  is_root = CASE WHEN excluded.parent_id <> '' THEN excluded.is_root ELSE r.is_root END,
  name = coalesce(nullif(excluded.name, ''), r.name),
  kind = CASE WHEN excluded.kind <> 'other' THEN excluded.kind ELSE r.kind END,
  created_by = coalesce(nullif(r.created_by, ''), excluded.created_by),
  environment = coalesce(nullif(excluded.environment, ''), r.environment),
  customer = coalesce(nullif(excluded.customer, ''), r.customer),
  custom_id = coalesce(nullif(excluded.custom_id, ''), r.custom_id),
  thread = coalesce(nullif(excluded.thread, ''), r.thread),
  model = coalesce(nullif(excluded.model, ''), r.model),
  provider = coalesce(nullif(excluded.provider, ''), r.provider),
  prompt = coalesce(nullif(excluded.prompt, ''), r.prompt),
  prompt_version = coalesce(excluded.prompt_version, r.prompt_version),
  experiment = coalesce(nullif(excluded.experiment, ''), r.experiment),
  case_id = coalesce(nullif(excluded.case_id, ''), r.case_id),
  epoch = coalesce(excluded.epoch, r.epoch),
  -- greatest() passes over NULL: without both times there is no duration.
  latency_ms = coalesce(excluded.latency_ms, r.latency_ms, CASE
    WHEN coalesce(r.ended_at, excluded.ended_at) IS NOT NULL AND coalesce(r.started_at, excluded.started_at) IS NOT NULL
    THEN least(2147483647, greatest(0, extract(epoch FROM
      greatest(r.ended_at, excluded.ended_at) - least(r.started_at, excluded.started_at)) * 1000))::integer END),
  ttft_ms = coalesce(excluded.ttft_ms, r.ttft_ms),
  tokens_in = coalesce(excluded.tokens_in, r.tokens_in), tokens_out = coalesce(excluded.tokens_out, r.tokens_out),
  tokens_cached = coalesce(excluded.tokens_cached, r.tokens_cached),
  tokens_cache_write = coalesce(excluded.tokens_cache_write, r.tokens_cache_write),
  -- A total that somebody sent counts; one that is only the sum of its piece is summed anew.
  tokens = CASE
    WHEN excluded.tokens <> coalesce(excluded.tokens_in, 0) + coalesce(excluded.tokens_out, 0) THEN excluded.tokens
    WHEN r.tokens <> coalesce(r.tokens_in, 0) + coalesce(r.tokens_out, 0) THEN r.tokens
    ELSE coalesce(coalesce(excluded.tokens_in, r.tokens_in) + coalesce(excluded.tokens_out, r.tokens_out),
      excluded.tokens_in, r.tokens_in, excluded.tokens_out, r.tokens_out) END,
  -- What the sender paid stands before what the price table says.
  cost = CASE WHEN excluded.cost IS NULL OR (r.cost IS NOT NULL AND NOT r.cost_estimated AND excluded.cost_estimated)
    THEN r.cost ELSE excluded.cost END,
  cost_estimated = CASE WHEN excluded.cost IS NULL OR (r.cost IS NOT NULL AND NOT r.cost_estimated AND excluded.cost_estimated)
    THEN r.cost_estimated ELSE excluded.cost_estimated END,
  truncated = r.truncated OR excluded.truncated,
  error = coalesce(nullif(excluded.error, ''), r.error),
  tags = CASE WHEN excluded.tags = '{}' THEN r.tags ELSE excluded.tags END,
  metrics = r.metrics || excluded.metrics, metadata = r.metadata || excluded.metadata;

-- name: resolve
-- The ids and times that records really have: those of their first piece.
UPDATE stage_record t SET existed = t.id <> r.id, id = r.id, created_at = r.created_at
FROM record r WHERE r.project_id = %(p)s AND r.external_id = t.external_id RETURNING t.external_id, r.id, t.existed;

-- name: payloads
INSERT INTO payload AS y (project_id, record_id, inputs, outputs, expected, search_text)
SELECT %(p)s, id, inputs, outputs, expected, search_text FROM stage_record ORDER BY id
ON CONFLICT (project_id, record_id) DO UPDATE SET inputs = coalesce(excluded.inputs, y.inputs),
  outputs = coalesce(excluded.outputs, y.outputs), expected = coalesce(excluded.expected, y.expected);

-- name: merged_payloads
SELECT y.record_id, y.inputs, y.outputs FROM stage_record t
JOIN payload y ON y.project_id = %(p)s AND y.record_id = t.id
WHERE t.existed AND (t.inputs IS NOT NULL OR t.outputs IS NOT NULL);

-- name: rehash
WITH texts AS (
  UPDATE payload y SET search_text = d.text FROM unnest(%(ids)s::uuid[], %(texts)s::text[]) AS d(id, text)
  WHERE y.project_id = %(p)s AND y.record_id = d.id)
UPDATE record r SET inputs_hash = n.inputs_hash, input_hash = n.input_hash FROM (
  SELECT y.record_id, CASE WHEN y.inputs IS NOT NULL THEN sha256(convert_to(y.inputs::text, 'UTF8')) END AS inputs_hash,
    sha256(convert_to(concat(y.inputs::text, E'\n', y.outputs::text), 'UTF8')) AS input_hash
  FROM payload y WHERE y.project_id = %(p)s AND y.record_id = ANY(%(ids)s::uuid[])) n
WHERE r.project_id = %(p)s AND r.id = n.record_id AND r.input_hash IS DISTINCT FROM n.input_hash;

-- name: roots
-- Children that were roots until their parent came. The partial index needs its predicate on record itself.
UPDATE record c SET is_root = false FROM stage_record q
WHERE c.project_id = %(p)s AND c.trace_id = q.trace_id AND c.trace_id <> '' AND c.is_root AND c.parent_id = q.span_id
  AND c.parent_id <> '';

-- name: carry
WITH old AS (SELECT trace_id, id FROM stage_change WHERE carrier),
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
    SELECT r.trace_id, r.trace_spans, r.trace_tokens, r.trace_cost, r.trace_errors
    FROM old JOIN record r ON r.project_id = %(p)s AND r.id = old.id) x GROUP BY trace_id)
UPDATE record r SET trace_spans = CASE WHEN r.id = d.id THEN d.n END, trace_tokens = CASE WHEN r.id = d.id THEN d.tokens END,
  trace_cost = CASE WHEN r.id = d.id THEN d.cost END, trace_errors = CASE WHEN r.id = d.id THEN d.failed END
FROM (
  SELECT l.id, l.id AS target, delta.* FROM lead l JOIN delta USING (trace_id)
  UNION ALL
  SELECT l.id, old.id, delta.* FROM lead l JOIN old USING (trace_id) JOIN delta USING (trace_id) WHERE old.id <> l.id) d
WHERE r.project_id = %(p)s AND r.id = d.target;

-- name: after
INSERT INTO stage_change
SELECT id, 1, created_at, is_root, status, source, trace_id, coalesce(cost, 0), coalesce(tokens, 0), coalesce(latency_ms, 0),
  (error <> '')::integer, false
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
INSERT INTO outbox (project_id, id, ids) SELECT %(p)s, %(batch)s, array_agg(id ORDER BY id) FROM stage_record;

-- name: blobs
INSERT INTO blob (project_id, sha256, content_type, size, data)
SELECT %(p)s, d.sha256, d.content_type, length(d.data), d.data
FROM unnest(%(hashes)s::text[], %(types)s::text[], %(datas)s::bytea[]) AS d(sha256, content_type, data) ORDER BY 1
ON CONFLICT (project_id, sha256) DO NOTHING;

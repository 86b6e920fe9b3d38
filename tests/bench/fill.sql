-- One chunk of the reference data: records %(low)s to %(high)s of %(n)s, in groups of 25: ten records over JSON, ten traces of
-- one span, one trace of five. Seeded: the same numbers give the same rows, but for the end of the 90 days.

-- name: draw
CREATE TEMP TABLE g ON COMMIT DROP AS
SELECT i, i / 25 AS grp, i %% 25 AS k, project_id, at, h,
  (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid AS id,
  CASE WHEN i %% 25 < 10 THEN '' WHEN i %% 25 < 20 THEN md5('t' || i) ELSE md5('g' || i / 25) END AS trace_id,
  left(md5('s' || i), 16) AS span_id,
  CASE WHEN i %% 25 > 20 THEN left(md5('s' || i / 25 * 25 + 20 + (i %% 25 - 21) / 2), 16) ELSE '' END AS parent_id,
  -- The rare source, 0.1 %% of all, only in the oldest ninth.
  CASE WHEN i %% 25 >= 10 THEN 4 WHEN i < %(n)s / 9 AND random() < 0.022 THEN 2 WHEN i %% 25 < 2 THEN 3 ELSE 1 END AS source,
  CASE WHEN u < 0.02 THEN 0 WHEN u < 0.03 THEN 3 ELSE 2 END AS status,
  floor(1000 ^ random())::integer AS customer,
  (random() ^ 3 * 8000)::integer AS latency_ms, (100 + random() * 2000)::integer AS tokens_in, (random() * 900)::integer AS tokens_out,
  round((random() * 0.01)::numeric, 6) AS cost, random() < 0.05 AS failed,
  floor(random() * 4000)::integer AS a, floor(random() * 4000)::integer AS b, random() AS rare
FROM (
  SELECT i, md5(i::text) AS h, random() AS u,
    %(until)s::timestamptz - interval '90 days' + interval '90 days' * (i::double precision / %(n)s) AS at,
    (%(projects)s::bigint[])[CASE WHEN p < 60 THEN 1 WHEN p < 80 THEN 2 WHEN p < 90 THEN 3 WHEN p < 95 THEN 4 WHEN p < 97 THEN 5
      WHEN p < 98 THEN 6 WHEN p < 99 THEN 7 ELSE 8 END] AS project_id
  FROM generate_series(%(low)s::bigint, %(high)s::bigint - 1) AS i,
    LATERAL (SELECT abs(hashint8(i / 25)::bigint) %% 100 AS p) x) y;

-- name: records
INSERT INTO record (project_id, id, created_at, started_at, ended_at, trace_id, span_id, parent_id, external_id, name, kind,
  is_root, source, status, created_by, environment, customer, thread, model, provider, prompt, prompt_version, experiment,
  case_id, epoch, inputs_hash, input_hash, latency_ms, tokens_in, tokens_out, tokens, cost, error, tags, metadata,
  trace_spans, trace_tokens, trace_cost, trace_errors)
SELECT project_id, id, at, at, at + latency_ms * interval '1 ms', trace_id, span_id, parent_id,
  CASE WHEN trace_id = '' THEN id::text ELSE trace_id || ':' || span_id END,
  CASE WHEN k > 20 THEN (ARRAY['retrieve', 'rerank', 'answer', 'check'])[k - 20] ELSE 'step ' || i %% 37 END,
  CASE WHEN k = 20 THEN 'agent' WHEN k = 21 THEN 'retriever' ELSE 'llm' END, k <= 20, source, status, 'bench',
  (ARRAY['production', 'production', 'staging', 'development'])[1 + i %% 4], 'c' || customer, 'thread-' || i / 10,
  'model-' || i %% 9, 'provider-' || i %% 3, 'prompt-' || i %% 12, 1 + i %% 10,
  CASE WHEN source = 3 THEN 'experiment-' || i / 5000 ELSE '' END, CASE WHEN source = 3 THEN 'case-' || i %% 5000 ELSE '' END,
  CASE WHEN source = 3 THEN 1 END, sha256(h::bytea), sha256(h::bytea || '!'),
  latency_ms, tokens_in, tokens_out, tokens_in + tokens_out, cost, CASE WHEN failed THEN 'the model did not answer in time' ELSE '' END,
  CASE WHEN i %% 10 = 0 THEN ARRAY['checked'] ELSE '{}' END,
  jsonb_build_object('account', 'a' || i * 7919 %% 1000, 'variant', 'v' || i %% 10, 'region', (ARRAY['eu', 'us', 'ap'])[1 + i %% 3],
    'git_sha', left(h, 7)),
  CASE WHEN leads THEN n END, CASE WHEN leads THEN trace_tokens END, CASE WHEN leads THEN trace_cost END, CASE WHEN leads THEN errors END
FROM (
  SELECT *, trace_id <> '' AND k <= 20 AS leads, count(*) OVER w AS n, sum(tokens_in + tokens_out) OVER w AS trace_tokens,
    sum(cost) OVER w AS trace_cost, sum(failed::integer) OVER w AS errors
  FROM g WINDOW w AS (PARTITION BY project_id, CASE WHEN trace_id = '' THEN i::text ELSE trace_id END)) x
ORDER BY i;

-- name: payloads
INSERT INTO payload (project_id, record_id, inputs, outputs, expected, search_text)
SELECT project_id, id,
  jsonb_build_object('messages', jsonb_build_array(jsonb_build_object('role', 'system', 'content', system),
    jsonb_build_object('role', 'user', 'content', question))),
  jsonb_build_object('answer', answer, 'finish_reason', 'stop', 'id', 'chatcmpl-' || left(h, 16)),
  CASE WHEN source = 3 THEN jsonb_build_object('answer', left(answer, 350)) END,
  concat('system ', system, ' user ', question, E'\n', answer, ' stop')
FROM (
  SELECT g.*, s.words AS system, y.words AS answer,
    x.words || CASE WHEN rare < 0.00001 THEN ' zyzzyva' WHEN rare < 0.01 THEN ' quixotic' ELSE '' END || ' ticket-' || left(h, 8) AS question
  FROM g JOIN bench_block x ON x.k = a JOIN bench_block y ON y.k = b JOIN bench_block s ON s.k = 4000 + i %% 20) z
ORDER BY i;

-- name: scores
INSERT INTO score (project_id, id, record_id, record_created_at, metric_id, status, rank, is_current, passed, value,
  numerical_value, boolean_value, categorical_value, reasoning, error, source, scorer, evaluator, version_no, cluster, tokens,
  cost, duration_ms, created_at, completed_at, task_key, input_hash)
SELECT g.project_id, (left(g.id::text, 14) || '7' || substr(md5(m.slug || h), 1, 3) || '-8' || substr(md5(m.slug || h), 4, 3) || '-'
    || substr(md5(m.slug || h), 7, 12))::uuid, g.id, at, m.id,
  CASE WHEN errored THEN 2 ELSE 1 END, CASE WHEN m.primary_evaluator <> '' THEN 2 ELSE 3 END, true,
  CASE WHEN errored THEN NULL ELSE passed END, CASE WHEN NOT errored THEN value END,
  CASE WHEN NOT errored AND m.value_type = 'numerical' THEN value END,
  CASE WHEN NOT errored AND m.value_type = 'boolean' THEN value = 1 END,
  CASE WHEN NOT errored AND m.value_type = 'categorical' THEN ARRAY[(ARRAY['bad', 'neutral', 'good'])[value::integer + 1]] END,
  CASE WHEN NOT errored AND NOT passed THEN left(words, 120) ELSE '' END, CASE WHEN errored THEN 'the judge did not answer' ELSE '' END,
  1, 'judge-1', m.slug || '-judge', 1, 'thread-' || i / 10, 700, 0.0004, 900, at + interval '5 s', at + interval '6 s',
  'rule:1:' || m.id || ':' || left(h, 8), sha256(h::bytea || '!')
FROM (SELECT *, random() AS v, random() AS w FROM g WHERE status <> 0) g
JOIN bench_block x ON x.k = a
CROSS JOIN LATERAL (VALUES ('quality', v, v >= 0.1), ('correct', (w >= 0.001)::integer, w >= 0.001),
  ((ARRAY['helpful', 'tone', 'toxicity', 'concise'])[1 + i %% 4],
    (ARRAY[1 + floor(v * 5), floor(v * 3), w, (v > 0.3)::integer])[1 + i %% 4],
    (ARRAY[v >= 0.4, v >= 0.34, w <= 0.9, v > 0.3])[1 + i %% 4])) d(slug, value, passed)
JOIN metric m ON m.project_id = g.project_id AND m.slug = d.slug
CROSS JOIN LATERAL (SELECT g.status = 3 AND m.slug = 'quality' AS errored) e
ORDER BY i;

-- The life of a score. Codes: score.status 0 pending 1 completed 2 errored 3 skipped; source 1 llm 2 code 3 human 4 api;
-- rank 0 adjudicated 1 human 2 primary evaluator 3 other; outcome 0 pending 1 pass 2 fail 3 errored 4 skipped 5 none;
-- record.status 0 unscored 1 pending 2 completed 3 errored.
-- Order in one transaction: lock_records, lock_metrics, one stage_*, decide, unset, write or insert, record_status,
-- record_deltas, score_deltas, samples. The lock is a statement of its own: the next one's snapshot then sees what its last holder
-- committed. Unset and write are two: the unique index on is_current is checked row by row.

-- name: stages
CREATE TEMP TABLE IF NOT EXISTS stage_score (id uuid, record_id uuid, record_created_at timestamptz, metric_id bigint,
  metric_version integer, rank smallint, source smallint, status smallint, passed boolean, value double precision,
  numerical_value double precision, boolean_value boolean, categorical_value text[], string_value text, reasoning text,
  error text, scorer text, evaluator_version_id bigint, evaluator text, version_no integer, run_id bigint, run_no integer,
  rule_id bigint, rule text, probability double precision, cluster text, epoch smallint, tokens integer, cost numeric,
  duration_ms integer, done_at timestamptz, task_key text, input_hash bytea, assignee_id bigint, not_before timestamptz,
  attempts smallint, wins boolean, beaten uuid) ON COMMIT DELETE ROWS;
-- is_root and created_at only where they are not the record's present ones (it is changing or going).
CREATE TEMP TABLE IF NOT EXISTS stage_delta (record_id uuid, metric_id bigint, outcome smallint, n integer,
  value double precision, is_root boolean, created_at timestamptz) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_record_delta (created_at timestamptz, is_root boolean, status smallint,
  source smallint, sign integer, cost numeric, tokens integer, latency_ms integer, failed integer) ON COMMIT DELETE ROWS;
-- Inside an outer transaction nothing is committed between two batches. Not TRUNCATE: that makes new files each time,
-- and plans anew what was planned.
DELETE FROM stage_score;
DELETE FROM stage_delta;
DELETE FROM stage_record_delta;

-- name: lock_records
SELECT id FROM record WHERE project_id = %(p)s AND id = ANY(%(records)s::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_metrics
-- Against change_metric's FOR UPDATE alone: writers of scores do not wait for each other, nor for what changes no version.
SELECT id, version FROM metric WHERE project_id = %(p)s AND id = ANY(%(metrics)s::bigint[]) ORDER BY id FOR KEY SHARE;

-- name: claim
WITH c AS MATERIALIZED (
  SELECT id FROM score
  WHERE project_id = %(p)s AND run_id = %(run)s AND status = 0 AND source IN (1, 2) AND attempts < %(most)s
    AND (lease_until IS NULL OR lease_until < now()) AND (not_before IS NULL OR not_before <= now())
  ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE score s SET lease_until = now() + %(lease)s * interval '1 second', attempts = attempts + 1
FROM c WHERE s.project_id = %(p)s AND s.id = c.id
RETURNING s.id, s.record_id, s.metric_id, s.attempts, s.source, s.evaluator_version_id, s.run_id, s.rule_id, s.epoch;

-- name: put_back
-- Under its record's lock, so that it may wait: what another run is just writing beside it must not keep it leased.
WITH d AS (SELECT * FROM json_to_recordset(%(rows)s::json) AS d(id uuid, attempts integer)),
c AS MATERIALIZED (
  SELECT s.id FROM d JOIN score s ON s.project_id = %(p)s AND s.id = d.id
  WHERE s.status = 0 AND s.attempts = d.attempts FOR UPDATE OF s)
UPDATE score s SET lease_until = NULL, not_before = %(not_before)s, error = %(reason)s,
  attempts = s.attempts - %(give_back)s::boolean::integer
FROM c WHERE s.project_id = %(p)s AND s.id = c.id;

-- name: extend
WITH d AS (SELECT * FROM json_to_recordset(%(rows)s::json) AS d(id uuid, attempts integer)),
c AS MATERIALIZED (
  SELECT s.id FROM d JOIN score s ON s.project_id = %(p)s AND s.id = d.id
  WHERE s.status = 0 AND s.attempts = d.attempts FOR UPDATE OF s SKIP LOCKED)
UPDATE score s SET lease_until = now() + %(lease)s * interval '1 second' FROM c WHERE s.project_id = %(p)s AND s.id = c.id;

-- name: stage_results
INSERT INTO stage_score (id, record_id, record_created_at, metric_id, metric_version, rank, status, passed, value,
  numerical_value, boolean_value, categorical_value, string_value, reasoning, error, scorer, tokens, cost, duration_ms,
  input_hash, done_at)
SELECT s.id, s.record_id, s.record_created_at, s.metric_id, coalesce(d.metric_version, s.metric_version), s.rank, d.status,
  d.passed, d.value, d.numerical_value, d.boolean_value, d.categorical_value, d.string_value, d.reasoning, d.error,
  coalesce(nullif(d.scorer, ''), s.scorer), d.tokens, d.cost, d.duration_ms, coalesce(d.input_hash, s.input_hash),
  clock_timestamp()
FROM json_to_recordset(%(rows)s::json) AS d(id uuid, record_id uuid, attempts integer, metric_version integer,
  status smallint, passed boolean, value double precision, numerical_value double precision, boolean_value boolean,
  categorical_value text[], string_value text, reasoning text, error text, scorer text, tokens integer, cost numeric,
  duration_ms integer, input_hash bytea, assignee_id bigint)
JOIN score s ON s.project_id = %(p)s AND s.id = d.id AND s.record_id = d.record_id
WHERE s.status = 0 AND s.attempts = d.attempts AND (d.assignee_id IS NULL OR s.assignee_id = d.assignee_id)
FOR UPDATE OF s;

-- name: outdated_results
-- Locks the metrics as lock_metrics does; returns completed results that were judged by an older version of theirs.
WITH m AS MATERIALIZED (
  SELECT id, version FROM metric WHERE project_id = %(p)s AND id IN (SELECT metric_id FROM stage_score)
  ORDER BY id FOR KEY SHARE)
SELECT t.id, m.id FROM stage_score t JOIN m ON m.id = t.metric_id WHERE t.status = 1 AND t.metric_version < m.version;

-- name: restage
UPDATE stage_score t SET passed = d.passed, value = d.value, metric_version = d.metric_version
FROM json_to_recordset(%(rows)s::json) AS d(id uuid, passed boolean, value double precision, metric_version integer)
WHERE t.id = d.id;

-- name: last_said
-- Of each subject (repeats.py) the key of its last statement; the turn in it has leading zeros.
SELECT n, key FROM (
  SELECT d.n, (SELECT s.task_key FROM score s WHERE s.project_id = %(p)s AND s.record_id = d.record_id
    AND starts_with(s.task_key, d.head) ORDER BY s.task_key DESC LIMIT 1) AS key
  FROM json_to_recordset(%(rows)s::json) AS d(n integer, record_id uuid, head text)) x
WHERE key IS NOT NULL;

-- name: stage_new
-- One time for all, after the lock: among scores of one call the id decides which came last.
INSERT INTO stage_score (id, record_id, record_created_at, metric_id, metric_version, rank, source, status, passed, value,
  numerical_value, boolean_value, categorical_value, string_value, reasoning, error, scorer, evaluator_version_id, evaluator,
  version_no, cluster, epoch, tokens, cost, duration_ms, done_at, task_key, input_hash, attempts)
SELECT DISTINCT ON (r.id, d.task_key) d.id, r.id, r.created_at, m.id, d.metric_version,
  coalesce(d.rank, CASE WHEN d.source = 3 THEN 1 WHEN d.evaluator <> '' AND d.evaluator = m.primary_evaluator THEN 2 ELSE 3 END),
  d.source, d.status, d.passed, d.value, d.numerical_value, d.boolean_value, d.categorical_value, d.string_value,
  d.reasoning, d.error, d.scorer, d.evaluator_version_id, d.evaluator, d.version_no, coalesce(nullif(r.case_id, ''), r.thread), 1, d.tokens,
  d.cost, d.duration_ms, least(coalesce(d.at, statement_timestamp()), statement_timestamp()), d.task_key, r.input_hash, d.attempts
FROM json_to_recordset(%(rows)s::json) AS d(n integer, id uuid, record_id uuid, metric_id bigint, metric_version integer,
  rank smallint, source smallint, passed boolean, value double precision, numerical_value double precision,
  boolean_value boolean, categorical_value text[], string_value text, reasoning text, scorer text,
  evaluator_version_id bigint, evaluator text, version_no integer, tokens integer, cost numeric, duration_ms integer,
  task_key text, at timestamptz, status smallint, error text, attempts smallint)
JOIN record r ON r.project_id = %(p)s AND r.id = d.record_id
JOIN metric m ON m.project_id = %(p)s AND m.id = d.metric_id
WHERE NOT EXISTS (SELECT FROM score x WHERE x.project_id = %(p)s AND x.record_id = d.record_id AND x.task_key = d.task_key)
ORDER BY r.id, d.task_key, d.n;

-- name: ids_of_tasks
SELECT s.id FROM json_to_recordset(%(rows)s::json) AS d(n integer, record_id uuid, metric_id bigint, task_key text)
LEFT JOIN score s ON s.project_id = %(p)s AND s.record_id = d.record_id AND s.task_key = d.task_key ORDER BY d.n;

-- name: stage_pending
INSERT INTO stage_score (id, record_id, record_created_at, metric_id, metric_version, rank, source, status, scorer,
  evaluator_version_id, evaluator, version_no, run_id, run_no, rule_id, rule, probability, cluster, epoch, task_key,
  input_hash, assignee_id, not_before)
SELECT evalhub_uuid7(), w.id, w.created_at, w.metric_id, w.version, w.rank, w.source, 0, w.scorer, w.evaluator_version_id,
  w.evaluator, w.version_no, w.run_id, w.run_no, w.rule_id, w.rule, w.probability, w.cluster, w.epoch, w.task_key,
  w.input_hash, w.assignee_id, w.not_before
FROM (
  SELECT DISTINCT ON (r.id, task_key) r.id, r.created_at, r.input_hash, d.n, d.metric_id, m.version, d.source, d.scorer,
    d.evaluator_version_id, d.evaluator, d.version_no, d.run_id, d.run_no, d.rule_id, d.rule, d.probability, d.epoch,
    d.assignee_id, d.not_before, coalesce(nullif(r.case_id, ''), r.thread) AS cluster,
    d.key || CASE WHEN d.per_input THEN ':' || coalesce(encode(r.input_hash, 'hex'), '') ELSE '' END AS task_key,
    coalesce(d.rank, CASE WHEN d.source = 3 THEN 1 WHEN d.evaluator <> '' AND d.evaluator = m.primary_evaluator THEN 2 ELSE 3 END) AS rank
  FROM json_to_recordset(%(rows)s::json) AS d(n integer, metric_id bigint, rank smallint, source smallint,
    scorer text, evaluator_version_id bigint, evaluator text, version_no integer, run_id bigint, run_no integer,
    rule_id bigint, rule text, probability double precision, epoch smallint, assignee_id bigint, not_before timestamptz,
    key text, per_input boolean, records uuid[])
  JOIN metric m ON m.project_id = %(p)s AND m.id = d.metric_id
  CROSS JOIN LATERAL unnest(coalesce(d.records, %(records)s::uuid[])) AS c(id)
  JOIN record r ON r.project_id = %(p)s AND r.id = c.id
  ORDER BY r.id, task_key, d.n) w
WHERE NOT EXISTS (SELECT FROM score x WHERE x.project_id = %(p)s AND x.record_id = w.id AND x.task_key = w.task_key)
ORDER BY w.id, w.n;

-- name: decide
-- The batch's best against the one present current: under the record's lock that one is the best of all others. Where it is
-- in the batch itself, it stands there as it will be. NOT EXISTS would compare each with each: when this is planned the
-- stage is all but empty.
UPDATE stage_score t SET wins = true, beaten = w.beaten FROM (
  SELECT b.id, nullif(c.id, b.id) AS beaten
  FROM (
    SELECT DISTINCT ON (record_id, metric_id) record_id, metric_id, id, status, rank, done_at FROM stage_score
    ORDER BY record_id, metric_id, status <> 1, CASE WHEN status = 1 THEN rank END,
      CASE WHEN status = 1 THEN done_at END DESC, id DESC) b
  LEFT JOIN score c ON c.project_id = %(p)s AND c.record_id = b.record_id AND c.metric_id = b.metric_id AND c.is_current
  WHERE c.id IS NULL OR c.id IN (SELECT id FROM stage_score)
    OR (c.status <> 1, CASE WHEN c.status = 1 THEN c.rank ELSE 0 END,
      CASE WHEN b.status = 1 THEN coalesce(b.done_at, 'infinity') ELSE '-infinity' END, b.id)
    > (b.status <> 1, CASE WHEN b.status = 1 THEN b.rank ELSE 0 END,
      CASE WHEN c.status = 1 THEN coalesce(c.completed_at, 'infinity') ELSE '-infinity' END, c.id)) w
WHERE t.id = w.id;

-- name: unset
WITH gone AS (
  UPDATE score c SET is_current = false FROM stage_score t
  WHERE c.project_id = %(p)s AND c.id = t.beaten AND c.is_current
  RETURNING c.record_id, c.metric_id, c.outcome, c.value)
INSERT INTO stage_delta SELECT record_id, metric_id, outcome, -1, -coalesce(value, 0) FROM gone WHERE outcome <> 0;

-- name: write
WITH w AS (
  UPDATE score s SET metric_version = t.metric_version, status = t.status, passed = t.passed, value = t.value,
    numerical_value = t.numerical_value, boolean_value = t.boolean_value, categorical_value = t.categorical_value,
    string_value = t.string_value, reasoning = t.reasoning, error = t.error, scorer = t.scorer, tokens = t.tokens,
    cost = t.cost, duration_ms = t.duration_ms, input_hash = t.input_hash, completed_at = t.done_at, lease_until = NULL,
    not_before = NULL, is_current = coalesce(t.wins, false)
  FROM stage_score t WHERE s.project_id = %(p)s AND s.id = t.id
  RETURNING s.record_id, s.metric_id, s.outcome, s.value, s.is_current)
INSERT INTO stage_delta SELECT record_id, metric_id, outcome, 1, coalesce(value, 0) FROM w WHERE is_current AND outcome <> 0;

-- name: insert
WITH w AS (
  INSERT INTO score (project_id, id, record_id, record_created_at, metric_id, metric_version, status, rank, is_current,
    passed, value, numerical_value, boolean_value, categorical_value, string_value, reasoning, error, source, scorer,
    evaluator_version_id, evaluator, version_no, run_id, run_no, rule_id, rule, probability, cluster, epoch, tokens, cost,
    duration_ms, created_at, completed_at, task_key, input_hash, assignee_id, not_before, attempts)
  SELECT %(p)s, id, record_id, record_created_at, metric_id, metric_version, status, rank, coalesce(wins, false), passed,
    value, numerical_value, boolean_value, categorical_value, string_value, coalesce(reasoning, ''), coalesce(error, ''),
    source, coalesce(scorer, ''), evaluator_version_id, coalesce(evaluator, ''), version_no, run_id, run_no, rule_id,
    coalesce(rule, ''), probability, coalesce(cluster, ''), coalesce(epoch, 1), tokens, cost, duration_ms,
    coalesce(done_at, clock_timestamp()), done_at, task_key, input_hash, assignee_id, not_before,
    coalesce(attempts, 0)
  FROM stage_score ORDER BY id
  RETURNING record_id, metric_id, outcome, value, is_current)
INSERT INTO stage_delta SELECT record_id, metric_id, outcome, 1, coalesce(value, 0) FROM w WHERE is_current AND outcome <> 0;

-- name: details
-- Not of a record whose payload went while a judge was at it: they hold the same words. Both writers lock the record.
INSERT INTO score_detail AS x (project_id, score_id, prompt, reply, output)
SELECT %(p)s, t.id, d.prompt, d.reply, d.output
FROM json_to_recordset(%(rows)s::json) AS d(id uuid, prompt text, reply text, output text) JOIN stage_score t ON t.id = d.id
WHERE EXISTS (SELECT FROM payload y WHERE y.project_id = %(p)s AND y.record_id = t.record_id)
ON CONFLICT (project_id, score_id) DO UPDATE SET prompt = excluded.prompt, reply = excluded.reply, output = excluded.output;

-- name: staged
SELECT id FROM stage_score;

-- name: staged_records
SELECT record_id FROM stage_score;

-- name: record_status
WITH n AS MATERIALIZED (
  SELECT i.id, CASE WHEN bool_or(s.status = 2) THEN 3 WHEN bool_or(s.status = 0 AND s.source <> 3) THEN 1
      WHEN bool_or(s.status = 1) THEN 2 WHEN bool_or(s.status = 0) THEN 1 ELSE 0 END::smallint AS status
  FROM unnest(%(records)s::uuid[]) AS i(id)
  LEFT JOIN score s ON s.project_id = %(p)s AND s.record_id = i.id AND s.is_current GROUP BY i.id),
differing AS MATERIALIZED (  -- few: only these are looked up a second time
  SELECT n.id, o.status AS old, n.status AS new FROM n JOIN record o ON o.project_id = %(p)s AND o.id = n.id
  WHERE o.status <> n.status),
changed AS (
  UPDATE record r SET status = d.new FROM differing d WHERE r.project_id = %(p)s AND r.id = d.id
  RETURNING r.created_at, r.is_root, r.source, d.old, d.new, r.cost, r.tokens, r.latency_ms, r.error)
INSERT INTO stage_record_delta SELECT created_at, is_root, v.status, source, v.sign, coalesce(cost, 0),
  coalesce(tokens, 0), coalesce(latency_ms, 0), (error <> '')::integer
FROM changed CROSS JOIN LATERAL (VALUES (old, -1), (new, 1)) v(status, sign);

-- name: record_deltas
INSERT INTO record_rollup AS x (project_id, bucket, is_root, status, source, n, cost, tokens, latency_ms, errors)
SELECT %(p)s, date_bin('1 hour', created_at, '2000-01-01Z'), is_root, status, source, sum(sign), sum(sign * cost),
  sum(sign * tokens), sum(sign * latency_ms), sum(sign * failed)
FROM stage_record_delta GROUP BY 2, 3, 4, 5
HAVING (sum(sign), sum(sign * cost), sum(sign * tokens), sum(sign * latency_ms), sum(sign * failed)) <> (0, 0, 0, 0, 0)
ORDER BY 2, 3, 4, 5
ON CONFLICT (project_id, bucket, is_root, status, source) DO UPDATE SET n = x.n + excluded.n, cost = x.cost + excluded.cost,
  tokens = x.tokens + excluded.tokens, latency_ms = x.latency_ms + excluded.latency_ms, errors = x.errors + excluded.errors;

-- name: score_deltas
INSERT INTO score_rollup AS x (project_id, metric_id, bucket, is_root, outcome, n, value_sum)
SELECT %(p)s, d.metric_id, date_bin('1 hour', coalesce(d.created_at, r.created_at), '2000-01-01Z'),
  coalesce(d.is_root, r.is_root), d.outcome, sum(d.n), sum(d.value)
FROM stage_delta d LEFT JOIN record r ON r.project_id = %(p)s AND r.id = d.record_id
GROUP BY 2, 3, 4, 5 HAVING sum(d.n) <> 0 OR sum(d.value) <> 0 ORDER BY 2, 3, 4, 5
ON CONFLICT (project_id, metric_id, bucket, is_root, outcome)
  DO UPDATE SET n = x.n + excluded.n, value_sum = x.value_sum + excluded.value_sum;

-- name: samples
WITH r AS (
  UPDATE record_sample x SET status = r.status FROM record r
  WHERE r.project_id = %(p)s AND r.id = ANY(%(sampled)s::uuid[]) AND x.project_id = r.project_id AND x.id = r.id
    AND x.status <> r.status),
gone AS (
  DELETE FROM score_sample x WHERE x.project_id = %(p)s AND x.record_id = ANY(%(sampled)s::uuid[])
    AND NOT EXISTS (SELECT FROM score s WHERE s.project_id = x.project_id AND s.record_id = x.record_id
      AND s.metric_id = x.metric_id AND s.is_current))
INSERT INTO score_sample AS x (project_id, record_id, metric_id, record_created_at, outcome, value)
SELECT project_id, record_id, metric_id, record_created_at, outcome, value FROM score
WHERE project_id = %(p)s AND record_id = ANY(%(sampled)s::uuid[]) AND is_current ORDER BY record_id, metric_id
ON CONFLICT (project_id, record_id, metric_id) DO UPDATE SET outcome = excluded.outcome, value = excluded.value
  WHERE (x.outcome, x.value) IS DISTINCT FROM (excluded.outcome, excluded.value);

-- name: delete
-- Leaves in stage_score the (record, metric) pairs that lost their current score: `recrown` is next.
WITH gone AS (
  DELETE FROM score WHERE project_id = %(p)s AND id = ANY(%(ids)s::uuid[])
  RETURNING id, record_id, metric_id, is_current, outcome, value),
details AS (DELETE FROM score_detail d USING gone WHERE d.project_id = %(p)s AND d.score_id = gone.id),
deltas AS (
  INSERT INTO stage_delta SELECT record_id, metric_id, outcome, -1, -coalesce(value, 0) FROM gone
  WHERE is_current AND outcome <> 0)
INSERT INTO stage_score (id, record_id, metric_id, wins) SELECT id, record_id, metric_id, is_current FROM gone;

-- name: cancel
WITH gone AS (
  DELETE FROM score WHERE project_id = %(p)s AND run_id = %(run)s AND status = 0 AND record_id = ANY(%(records)s::uuid[])
    AND (lease_until IS NULL OR lease_until < now())
  RETURNING id, record_id, metric_id, is_current)
INSERT INTO stage_score (id, record_id, metric_id, wins) SELECT id, record_id, metric_id, is_current FROM gone;

-- name: cancellable
SELECT DISTINCT record_id FROM (
  SELECT record_id FROM score WHERE project_id = %(p)s AND run_id = %(run)s AND status = 0
    AND (lease_until IS NULL OR lease_until < now()) ORDER BY id LIMIT %(limit)s) x;

-- name: recrown
-- Every attempt of the staged pairs that have lost their current one.
WITH best AS (
  SELECT DISTINCT ON (s.record_id, s.metric_id) s.id
  FROM (SELECT DISTINCT record_id, metric_id FROM stage_score WHERE wins) t
  JOIN score s ON s.project_id = %(p)s AND s.record_id = t.record_id AND s.metric_id = t.metric_id
  ORDER BY s.record_id, s.metric_id, s.status <> 1, CASE WHEN s.status = 1 THEN s.rank END,
    CASE WHEN s.status = 1 THEN s.completed_at END DESC, s.id DESC),
w AS (
  UPDATE score s SET is_current = true FROM best WHERE s.project_id = %(p)s AND s.id = best.id AND NOT s.is_current
  RETURNING s.record_id, s.metric_id, s.outcome, s.value)
INSERT INTO stage_delta SELECT record_id, metric_id, outcome, 1, coalesce(value, 0) FROM w WHERE outcome <> 0;

-- name: release
-- Whoever held a person's slot for a while holds it no longer.
UPDATE score SET lease_until = NULL, assignee_id = CASE WHEN source <> 3 THEN assignee_id END WHERE project_id = %(p)s AND id IN (
  SELECT id FROM score WHERE project_id = %(p)s AND status = 0 AND lease_until < now() AND attempts < %(most)s
  ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING run_id;

-- name: lost
SELECT id, record_id, attempts, error FROM score
WHERE project_id = %(p)s AND status = 0 AND source IN (1, 2) AND attempts >= %(most)s
  AND (lease_until IS NULL OR lease_until < now())
ORDER BY id LIMIT %(limit)s;

-- name: set_rank
-- A new primary evaluator: where a rank changes, the metric's current score is up for choice again.
UPDATE score s SET rank = CASE WHEN s.evaluator <> '' AND s.evaluator = m.primary_evaluator THEN 2 ELSE 3 END FROM metric m
WHERE m.project_id = %(p)s AND m.id = %(metric)s AND s.project_id = %(p)s AND s.metric_id = m.id AND s.rank IN (2, 3)
  AND s.record_id = ANY(%(records)s::uuid[])
  AND s.rank <> CASE WHEN s.evaluator <> '' AND s.evaluator = m.primary_evaluator THEN 2 ELSE 3 END
RETURNING s.record_id;

-- name: dethrone
WITH gone AS (
  UPDATE score SET is_current = false
  WHERE project_id = %(p)s AND metric_id = %(metric)s AND record_id = ANY(%(records)s::uuid[]) AND is_current
  RETURNING id, record_id, metric_id, outcome, value),
deltas AS (
  INSERT INTO stage_delta SELECT record_id, metric_id, outcome, -1, -coalesce(value, 0) FROM gone WHERE outcome <> 0)
INSERT INTO stage_score (id, record_id, metric_id, wins) SELECT id, record_id, metric_id, true FROM gone;

-- name: scored_records
-- Walks the unique index on (project, record, task): each slice starts where the last one ended.
SELECT DISTINCT record_id FROM score
WHERE project_id = %(p)s AND metric_id = %(metric)s AND record_id > %(after)s ORDER BY record_id LIMIT %(limit)s;

-- name: outdated
SELECT id, record_id, numerical_value, boolean_value, categorical_value, string_value FROM score
WHERE project_id = %(p)s AND metric_id = %(metric)s AND record_id = ANY(%(records)s::uuid[]) AND status = 1
  AND metric_version <> %(version)s;

-- name: rejudge
WITH d AS (
  SELECT d.*, s.outcome AS old_outcome, s.value AS old_value
  FROM json_to_recordset(%(rows)s::json) AS d(id uuid, passed boolean, value double precision)
  JOIN score s ON s.project_id = %(p)s AND s.id = d.id),
w AS (
  UPDATE score s SET passed = d.passed, value = d.value, metric_version = %(version)s FROM d
  WHERE s.project_id = %(p)s AND s.id = d.id
  RETURNING s.record_id, s.metric_id, s.is_current, s.outcome, s.value, d.old_outcome, d.old_value)
INSERT INTO stage_delta SELECT record_id, metric_id, v.outcome, v.sign, v.sign * coalesce(v.value, 0)
FROM w CROSS JOIN LATERAL (VALUES (old_outcome, old_value, -1), (outcome, value, 1)) v(outcome, value, sign) WHERE is_current;

-- name: take
-- A slot for a person (reviewing.py): no second one of a record in which they have, or had, one. In the order of
-- score_asked_of_people, whole: it is read from there, up to the first that does.
WITH c AS MATERIALIZED (
  SELECT s.id FROM score s
  WHERE s.project_id = %(p)s AND s.task_key = ANY(%(among)s) AND s.source = 3 AND s.evaluator_version_id IS NOT NULL
    AND s.status = 0 AND (s.task_key, s.id) > (%(after_key)s, %(after)s) AND /* whose */
    AND NOT EXISTS (SELECT FROM score x WHERE x.project_id = %(p)s AND x.record_id = s.record_id
      AND x.task_key = ANY(%(keys)s) AND x.id <> s.id AND x.assignee_id = %(person)s
      AND (x.status <> 0 OR x.lease_until IS NULL OR x.lease_until > now()))
  ORDER BY s.task_key, s.status, s.assignee_id, s.id LIMIT 1 FOR UPDATE /* wait */)
UPDATE score s SET assignee_id = %(person)s, lease_until = CASE
  WHEN s.assignee_id = %(person)s AND s.lease_until IS NULL THEN NULL ELSE now() + %(lease)s * interval '1 second' END
FROM c WHERE s.project_id = %(p)s AND s.id = c.id
RETURNING s.id, s.record_id, s.task_key, s.lease_until;

-- name: held
SELECT id, record_id, task_key, lease_until FROM score
WHERE project_id = %(p)s AND record_id = %(record)s AND task_key = ANY(%(keys)s) AND status = 0
  AND assignee_id = %(person)s AND (lease_until IS NULL OR lease_until > now())
ORDER BY id LIMIT 1;

-- name: let_go
UPDATE score SET assignee_id = NULL, lease_until = NULL
WHERE project_id = %(p)s AND id = %(id)s AND status = 0 AND assignee_id = %(person)s AND lease_until IS NOT NULL;

-- name: reopen
-- The values go with the answer; `recrown` is next.
WITH gone AS (
  UPDATE score s SET status = 0, passed = NULL, value = NULL, numerical_value = NULL, boolean_value = NULL,
    categorical_value = NULL, string_value = NULL, reasoning = '', scorer = '', duration_ms = NULL, completed_at = NULL,
    is_current = false, lease_until = now() + %(lease)s * interval '1 second'
  FROM score o
  WHERE s.project_id = %(p)s AND s.record_id = %(record)s AND s.task_key = ANY(%(keys)s) AND s.assignee_id = %(person)s
    AND s.status IN (1, 3) AND o.project_id = s.project_id AND o.id = s.id
  RETURNING s.id, s.record_id, s.metric_id, o.is_current, o.outcome, o.value),
deltas AS (
  INSERT INTO stage_delta SELECT record_id, metric_id, outcome, -1, -coalesce(value, 0) FROM gone
  WHERE is_current AND outcome <> 0)
INSERT INTO stage_score (id, record_id, metric_id, wins) SELECT id, record_id, metric_id, is_current FROM gone;

-- name: withdrawable
SELECT DISTINCT record_id FROM (
  SELECT record_id FROM score WHERE project_id = %(p)s AND task_key = ANY(%(keys)s) AND source = 3
    AND evaluator_version_id IS NOT NULL AND status = 0 LIMIT %(limit)s) x;

-- name: withdraw
WITH gone AS (
  DELETE FROM score WHERE project_id = %(p)s AND record_id = ANY(%(records)s::uuid[]) AND task_key = ANY(%(keys)s)
    AND status = 0
  RETURNING id, record_id, metric_id, is_current)
INSERT INTO stage_score (id, record_id, metric_id, wins) SELECT id, record_id, metric_id, is_current FROM gone;

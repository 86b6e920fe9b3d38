-- What is kept no longer. An id tells when a record arrived, so that the primary keys give the oldest first.

-- name: old_records
SELECT id, trace_id FROM record WHERE project_id = %(p)s AND id > %(after)s AND id < %(before)s ORDER BY id LIMIT %(limit)s;

-- name: old_spans
-- The rest of these traces, as far as it is as old: what goes together is not left behind as roots in between.
SELECT id FROM record
WHERE project_id = %(p)s AND trace_id = ANY(%(traces)s::text[]) AND trace_id <> '' AND id < %(before)s;

-- name: old_payloads
SELECT record_id FROM payload WHERE project_id = %(p)s AND record_id > %(after)s AND record_id < %(before)s
ORDER BY record_id LIMIT %(limit)s;

-- name: forget
-- Under the records' locks. What a judge was shown and what code printed hold the same words.
WITH d AS (
  DELETE FROM score_detail x USING score s
  WHERE s.project_id = %(p)s AND s.record_id = ANY(%(records)s::uuid[]) AND x.project_id = %(p)s AND x.score_id = s.id)
DELETE FROM payload WHERE project_id = %(p)s AND record_id = ANY(%(records)s::uuid[]) RETURNING record_id;

-- name: count_records
SELECT count(*) FROM (SELECT FROM record WHERE project_id = %(p)s AND id < %(before)s LIMIT %(limit)s) x;

-- name: count_payloads
SELECT count(*) FROM (
  SELECT FROM payload WHERE project_id = %(p)s AND record_id >= %(floor)s AND record_id < %(before)s LIMIT %(limit)s) x;

-- name: below
-- The spans below some records, each with the record it hangs on, children before their parents as far as time tells.
-- The traces are read once: a join on their index would read them once a level. UNION ends a circle of parents.
WITH RECURSIVE top AS MATERIALIZED (
  SELECT id, trace_id, span_id FROM record
  WHERE project_id = %(p)s AND id = ANY(%(ids)s::uuid[]) AND trace_id <> '' AND span_id <> ''),
spans AS MATERIALIZED (
  SELECT id, trace_id, span_id, parent_id, created_at FROM record
  WHERE project_id = %(p)s AND trace_id IN (SELECT trace_id FROM top) AND parent_id <> ''),
below(top, id, trace_id, span_id, created_at) AS (
  SELECT id, id, trace_id, span_id, '-infinity'::timestamptz FROM top
  UNION
  SELECT b.top, s.id, s.trace_id, s.span_id, s.created_at
  FROM below b JOIN spans s ON s.trace_id = b.trace_id AND s.parent_id = b.span_id AND b.span_id <> '')
SELECT top, id FROM below WHERE id <> top ORDER BY created_at DESC, id DESC;

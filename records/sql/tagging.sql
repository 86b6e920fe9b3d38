-- name: add
UPDATE record SET tags = tags || ARRAY(
  SELECT t FROM unnest(%(tags)s::text[]) WITH ORDINALITY AS x(t, n) WHERE t <> ALL(tags) ORDER BY n)
WHERE project_id = %(p)s AND id = ANY(%(records)s::uuid[]) AND NOT tags @> %(tags)s::text[]
RETURNING id, cardinality(tags);

-- name: remove
UPDATE record SET tags = ARRAY(
  SELECT t FROM unnest(tags) WITH ORDINALITY AS x(t, n) WHERE t <> ALL(%(tags)s::text[]) ORDER BY n)
WHERE project_id = %(p)s AND id = ANY(%(records)s::uuid[]) AND tags && %(tags)s::text[]
RETURNING id, cardinality(tags);

-- name: tag_samples
UPDATE record_sample x SET tags = r.tags FROM record r
WHERE r.project_id = %(p)s AND r.id = ANY(%(records)s::uuid[]) AND x.project_id = %(p)s AND x.id = r.id AND x.tags <> r.tags;

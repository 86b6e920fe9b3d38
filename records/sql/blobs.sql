-- Lifted files and who names them. Last in a transaction, behind the roll-ups, and in the order of their hashes. Whoever
-- names a file locks it until its name is committed; whoever deletes locks it more strongly, and only then, in a statement
-- of its own, looks for names: so no file goes that somebody is just naming.

-- name: lock_blobs
SELECT FROM blob WHERE project_id = %(p)s AND sha256 = ANY(%(hashes)s::text[]) ORDER BY sha256 FOR KEY SHARE;

-- name: blobs
-- What is there is locked and not written.
INSERT INTO blob AS b (project_id, sha256, content_type, size, data)
SELECT %(p)s, d.sha256, d.content_type, length(d.data), d.data
FROM unnest(%(hashes)s::text[], %(types)s::text[], %(datas)s::bytea[]) AS d(sha256, content_type, data) ORDER BY d.sha256
ON CONFLICT (project_id, sha256) DO UPDATE SET size = b.size WHERE false;

-- name: name_blobs
INSERT INTO blob_use (project_id, holder_id, sha256)
SELECT %(p)s, d.holder, d.sha256 FROM unnest(%(holders)s::uuid[], %(hashes)s::text[]) AS d(holder, sha256)
ORDER BY d.holder, d.sha256 ON CONFLICT DO NOTHING;

-- name: unname_blobs
DELETE FROM blob_use WHERE project_id = %(p)s AND holder_id = ANY(%(holders)s::uuid[]) RETURNING sha256;

-- name: unused_blobs
SELECT sha256 FROM blob b WHERE project_id = %(p)s
  AND NOT EXISTS (SELECT FROM blob_use u WHERE u.project_id = b.project_id AND u.sha256 = b.sha256)
ORDER BY sha256 LIMIT %(limit)s;

-- name: lock_to_delete
SELECT FROM blob WHERE project_id = %(p)s AND sha256 = ANY(%(hashes)s::text[]) ORDER BY sha256 FOR UPDATE;

-- name: delete_blobs
DELETE FROM blob b WHERE project_id = %(p)s AND sha256 = ANY(%(hashes)s::text[])
  AND NOT EXISTS (SELECT FROM blob_use u WHERE u.project_id = b.project_id AND u.sha256 = b.sha256)
RETURNING sha256;

"""Which paths the last records' values have: what Edit table offers as columns."""

from dataclasses import dataclass

from records.column_keys import key_of
from records.search import SearchTimeout
from records.search.plan import reading

LOOKED_AT = 200  # roots: one long trace would else hide all other records
LEVELS = 4
MOST = 60  # paths, the most frequent ones
MOST_BYTES = 64 * 1024  # as stored: what is larger is not looked into
SECONDS = 1.0

# An object is walked into, anything else is an end that a cell can show.
SQL = """
WITH RECURSIVE newest AS MATERIALIZED (
  SELECT id, metadata FROM record WHERE project_id = %(project)s AND is_root
  ORDER BY created_at DESC, id DESC LIMIT %(looked_at)s
), value(path, v) AS (
  SELECT ARRAY[x.head], x.v FROM newest n
  LEFT JOIN payload y ON y.project_id = %(project)s AND y.record_id = n.id
  CROSS JOIN LATERAL (VALUES ('inputs', y.inputs), ('outputs', y.outputs), ('expected', y.expected),
    ('metadata', n.metadata)) AS x(head, v)
  WHERE pg_column_size(x.v) <= %(most_bytes)s AND jsonb_typeof(x.v) = 'object'
  UNION ALL
  SELECT path || e.key, e.value FROM value
  CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(v) = 'object' THEN v END) AS e
  WHERE cardinality(path) <= %(levels)s AND e.key <> '' AND length(e.key) <= 80
)
SELECT path, count(*), (SELECT count(*) FROM newest) FROM value
WHERE cardinality(path) > 1 AND (jsonb_typeof(v) <> 'object' OR cardinality(path) > %(levels)s)
GROUP BY path ORDER BY count(*) DESC, path LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class FoundPath:
    """`share` of the records looked at that have something there: a whole per cent from 1 to 100."""

    key: str
    share: int


def found_paths(project_id: int) -> list[FoundPath]:
    """The most frequent first; nothing where looking takes longer than a second."""
    wanted = {
        "project": project_id, "looked_at": LOOKED_AT, "levels": LEVELS, "most": MOST, "most_bytes": MOST_BYTES,
    }  # fmt: skip
    try:
        with reading(SECONDS) as cursor:
            cursor.execute(SQL, wanted)
            return [FoundPath(key_of(path), max(1, round(100 * count / of))) for path, count, of in cursor.fetchall()]
    except SearchTimeout:
        return []

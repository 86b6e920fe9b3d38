"""Names and values that a project's records carry, for completion: of the newest records and of the sample.

Bounded reads along an index, each with a time limit: what is missing here can still be typed.
"""

from collections.abc import Sequence
from typing import Any

from records.completion import MAX_VALUE_CHARS, Asked, Key
from records.filterlang import Field
from records.filterlang.fields import MAX_KEY_CHARS
from records.models import Tag
from records.search.plan import SearchTimeout, reading

NEWEST = 400  # records looked at, as many roots (one trace may be the newest thousands), and as many of the sample
NEWEST_PAYLOADS = 40  # they may be large
MOST = 200
SECONDS = 0.1

RECENT = """
  (SELECT {columns} FROM record WHERE project_id = %(p)s ORDER BY created_at DESC, id DESC LIMIT %(n)s)
  UNION ALL
  (SELECT {columns} FROM record WHERE project_id = %(p)s AND is_root ORDER BY created_at DESC, id DESC LIMIT %(n)s)
  UNION ALL
  (SELECT {columns} FROM record_sample WHERE project_id = %(p)s ORDER BY created_at DESC LIMIT %(n)s)
"""
PAYLOADS = """
  SELECT y.{columns} FROM (
    SELECT id FROM record WHERE project_id = %(p)s ORDER BY created_at DESC, id DESC LIMIT %(n)s
  ) r JOIN payload y ON y.project_id = %(p)s AND y.record_id = r.id
"""
VALUES = """
  SELECT v, count(*) FROM ({rows}) x (v) WHERE v <> '' AND length(v) <= %(longest)s
  GROUP BY v ORDER BY 2 DESC, v LIMIT %(most)s
"""
KEYS = """
  SELECT k, bool_or(jsonb_typeof(m -> k) = 'object'), count(*)
  FROM (SELECT {column} #> %(path)s::text[] FROM ({rows}) x) y (m),
    LATERAL (SELECT jsonb_object_keys(CASE WHEN jsonb_typeof(m) = 'object' THEN m ELSE '{{}}' END) LIMIT %(most)s) z (k)
  WHERE length(k) BETWEEN 1 AND %(longest)s GROUP BY k ORDER BY 3 DESC, k LIMIT %(most)s
"""
JSON_VALUES = """
  SELECT v, count(*)
  FROM (SELECT {column} #>> %(path)s::text[], jsonb_typeof({column} #> %(path)s::text[]) FROM ({rows}) x) y (v, t)
  WHERE t NOT IN ('object', 'array', 'null') AND length(v) BETWEEN 1 AND %(longest)s
  GROUP BY v ORDER BY 2 DESC, v LIMIT %(most)s
"""
SCORED = """
  SELECT v, count(*) FROM (
    SELECT {column}::text FROM score s WHERE project_id = %(p)s ORDER BY id DESC LIMIT %(n)s
  ) x (v) WHERE v <> '' AND length(v) <= %(longest)s GROUP BY v ORDER BY 2 DESC, v LIMIT %(most)s
"""


# Of one metric, along the index that its filter uses.
NUMBERS = """
  SELECT v, count(*) FROM (
    SELECT value::text FROM score s WHERE project_id = %(p)s AND metric_id = %(metric)s AND is_current
    ORDER BY record_created_at DESC, record_id DESC LIMIT %(n)s
  ) x (v) WHERE v IS NOT NULL GROUP BY v ORDER BY 2 DESC, v LIMIT %(most)s
"""


def seen_for(project_id: int, asked: Asked) -> tuple[list[str], list[Key]]:
    """The values and the keys that `records.completion.suggestions` wants to hear of."""
    if asked.kind == "key":
        return [], seen_keys(project_id, asked.head, asked.path)
    if asked.kind == "value":
        return seen_values(project_id, asked.field), []
    return [], []


def seen_keys(project_id: int, head: str, path: tuple[str, ...]) -> list[Key]:
    """Keys under `path` of metadata, metrics or a payload value, the most frequent first."""
    rows = _rows(head)
    sql = KEYS.format(column=head, rows=rows.format(columns=head))
    return [Key(name, nested) for name, nested, _ in _read(sql, project_id, head, path, MAX_KEY_CHARS)]


def seen_values(project_id: int, field: Field) -> list[str]:
    """Values of a field that holds words, the most frequent first; none where any would do (numbers but a metric's,
    times, ids)."""
    spec, column = field.spec, field.spec.sql.partition(".")[2]
    if spec.kind == "set":
        sql = VALUES.format(rows=f"SELECT unnest(tags) FROM ({RECENT.format(columns='tags')}) t")  # noqa: S608 - ours
        read = [row[0] for row in _read(sql, project_id, "", (), MAX_VALUE_CHARS)]
        given = Tag.objects.filter(project_id=project_id).values_list("name", flat=True)[
            :MOST
        ]  # by hand, perhaps long ago
        return list(dict.fromkeys([*read, *given]))
    if spec.kind == "json" or field.path:
        head = field.text.partition(".")[0]
        if spec.column is None:
            sql = JSON_VALUES.format(column=head, rows=_rows(head).format(columns=head))
            return [row[0] for row in _read(sql, project_id, head, field.path, MAX_VALUE_CHARS)]
        spec, column = spec.column, spec.column.sql.partition(".")[2]
    if spec.kind == "text":
        sql = VALUES.format(rows=RECENT.format(columns=column))
    elif spec.kind == "scored":
        sql = SCORED.format(column=spec.sql)
    elif spec.kind == "score_number" and column == "value":
        return [row[0] for row in _read(NUMBERS, project_id, "", (), MAX_VALUE_CHARS, metric=field.metric.id)]
    else:
        return []
    return [row[0] for row in _read(sql, project_id, "", (), MAX_VALUE_CHARS)]


def _rows(head: str) -> str:
    return RECENT if head in ("metadata", "metrics") else PAYLOADS


def _read(sql: str, project_id: int, head: str, path: Sequence[str], longest: int, **more: Any) -> list[Any]:
    """`sql` is one of the texts above with columns of ours; the path is bound."""
    n = NEWEST if head in ("", "metadata", "metrics") else NEWEST_PAYLOADS
    try:
        with reading(SECONDS) as cursor:
            params = {"p": project_id, "n": n, "path": list(path), "longest": longest, "most": MOST}
            cursor.execute(sql, params | more)
            return cursor.fetchall()
    except SearchTimeout:
        return []

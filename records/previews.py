"""The beginning of each payload value that the visible columns show: one query a page, cut in the database."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import connection

# What somebody would call "the input" of a value: the last thing said, the one telling field, else all of it as JSON.
TELLING = ("question", "query", "input", "prompt", "text", "answer", "output", "content", "message", "result")
WHOLE = """CASE jsonb_typeof({v})
  WHEN 'array' THEN coalesce((SELECT e->>'content' FROM jsonb_array_elements({v}) WITH ORDINALITY AS x(e, i)
    WHERE jsonb_typeof(e) = 'object' AND e->>'content' <> '' AND e->>'role' = ANY(%s)
    ORDER BY i DESC LIMIT 1), {v}::text)
  WHEN 'object' THEN coalesce((SELECT e->>'content' FROM jsonb_array_elements(
      CASE WHEN jsonb_typeof({v}->'messages') = 'array' THEN {v}->'messages' ELSE '[]' END) WITH ORDINALITY AS x(e, i)
    WHERE jsonb_typeof(e) = 'object' AND e->>'content' <> '' AND e->>'role' = ANY(%s) ORDER BY i DESC LIMIT 1),
    (SELECT {v}->>k FROM unnest(%s::text[]) AS k WHERE jsonb_typeof({v}->k) = 'string' LIMIT 1), {v}::text)
  ELSE {v} #>> '{{}}' END"""
SPEAKERS = {
    "inputs": ["user", "human"],
    "outputs": ["assistant", "ai", "model"],
    "expected": ["assistant", "ai", "model", "user"],
}
PAYLOAD = ("inputs", "outputs", "expected")


class Begun(dict[tuple[str, ...], str | None]):
    """By path how the values of one record begin; None where there is nothing at the path.

    `expired`: inputs, outputs and expected are kept no longer.
    """

    expired = False


def previews(project_id: int, ids: Collection[UUID], paths: Iterable[tuple[str, ...]], chars: int) -> dict[UUID, Begun]:
    """By record the first `chars` characters at each path."""
    wanted = list(dict.fromkeys(paths))
    if not wanted or not ids:
        return {}
    selects, params = [], []
    for head, *rest in wanted:
        value = f"y.{head}" if head in PAYLOAD else "r.metadata"
        if rest:
            selects.append(f"left({value} #>> %s::text[], %s)")
            params += [rest, chars]
        else:
            speakers = SPEAKERS[head]
            selects.append(f"left({WHOLE.format(v=value)}, %s)")
            params += [speakers, speakers, list(TELLING), chars]
    sql = (
        f"SELECT r.id, y.record_id IS NULL, {', '.join(selects)} FROM record r "  # noqa: S608 - every name is ours, every value bound
        "LEFT JOIN payload y ON y.project_id = r.project_id AND y.record_id = r.id "
        "WHERE r.project_id = %s AND r.id = ANY(%s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, project_id, list(ids)])
        found = {}
        for id, expired, *values in cursor:
            found[id] = Begun(zip(wanted, values, strict=True))
            found[id].expired = expired
        return found

"""What the gates ask of records, for all rules of a project in one query: it answers 0 or 1 for each filter."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db import connection
from django.utils import timezone

from evalhub.models import Project
from records.ended import ENDED
from records.filterlang import Condition, FilterError
from records.models import Source
from records.vocabulary import vocabulary_of
from scoring.rules.editing import compiled
from scoring.rules.gates import Facts

FACTS = f"""
SELECT r.id, r.trace_id, r.name, r.is_root, r.is_root AND r.parent_id <> '',
  r.trace_id = '' OR r.is_root AND r.trace_spans IS NOT NULL, {ENDED}, r.experiment,
  r.source = {int(Source.PLAYGROUND)}, concat({{hits}})
FROM record r WHERE r.project_id = %s AND r.id = ANY(%s) ORDER BY r.id
"""  # noqa: S608 - the names are ours

Conditions = Mapping[str, Condition]


def conditions_of(project: Project, filters: Iterable[str]) -> tuple[dict[str, Condition], dict[str, FilterError]]:
    """(those that can be read, what is wrong with the others), by their texts."""
    vocabulary, now = vocabulary_of(project), timezone.now()
    read: dict[str, Condition] = {}
    wrong: dict[str, FilterError] = {}
    for text in dict.fromkeys(filters):
        try:
            read[text] = compiled(text, vocabulary, now, project.time_zone)
        except FilterError as error:
            wrong[text] = error
    return read, wrong


def facts_of(
    project_id: int, record_ids: Collection[UUID], conditions: Conditions, quiet: float | None = None
) -> list[Facts]:
    """In the order of arrival; records that the project does not have are left out. `quiet` None: long enough."""
    hits = ", ".join(f"{condition.column}::integer" for condition in conditions.values())
    params = [param for condition in conditions.values() for param in condition.params]
    with connection.cursor() as cursor:
        cursor.execute(FACTS.format(hits=hits or "''"), [*params, project_id, list(record_ids)])
        rows = cursor.fetchall()
    more = () if quiet is None else (quiet,)
    # Few of all combinations occur, each many times.
    matches = {
        hits: frozenset(text for text, hit in zip(conditions, hits, strict=False) if hit == "1")
        for hits in {row[-1] for row in rows}
    }
    return [Facts(*row[:-1], matches[row[-1]], *more) for row in rows]

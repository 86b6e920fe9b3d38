"""What has arrived since a list was shown. Ids are in the order of arrival, so this looks at the end of an index."""

from uuid import UUID

from records.models import Record
from records.search import Search
from records.search.plan import plan_of, reading

LOOKED_AT = 1000  # new records that are held against the filter
SECONDS = 0.3


def any_since(project_id: int, since: UUID) -> bool:
    """Whether anything at all has arrived, which is nearly always no and costs one step into the index."""
    return Record.objects.filter(project_id=project_id, id__gt=since).exists()


def arrived(search: Search, since: UUID) -> int:
    """How many of the records that arrived after `since` a search finds, at most `LOOKED_AT`.

    No more than so many are held against the filter, whatever it is. Raises FilterError, SearchTimeout.
    """
    plan = plan_of(search, drive=False)
    newer = "SELECT * FROM record WHERE project_id = %s AND id > %s ORDER BY id LIMIT %s"
    plan.source = f"({newer}) r"
    with reading(SECONDS) as cursor:
        cursor.execute(plan.sql("count(*)", [], ""), [search.project_id, since, LOOKED_AT, *plan.params])
        return cursor.fetchone()[0]

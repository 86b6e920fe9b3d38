"""What the monitor splits by: a column of the record, or any key of its metadata; the most frequent groups by name."""

from dataclasses import dataclass
from typing import Any

from records.completion import plain_key, plain_value
from records.filterlang import Compare, FilterError, Vocabulary, parse
from records.search import SearchTimeout
from records.search.plan import plan_of, reading
from scoring.monitor.scope import Scope
from scoring.monitor.size import record_table

MOST = 5  # groups shown by name
MAX_CHARS = 200  # a longer value is among the rest
SECONDS = 0.5
OTHERS = "others"
COLUMNS = {"environment": "r.environment", "model": "r.model"}
PROMPT = "CASE WHEN r.prompt_version IS NULL THEN r.prompt ELSE r.prompt || ' v' || r.prompt_version END"
LABELS = {"environment": "environment", "model": "model", "prompt": "prompt version"}


@dataclass(frozen=True, slots=True)
class Grouping:
    """`sql` over `record r` gives a text; `key` stands in the URL."""

    key: str
    label: str
    sql: str
    params: tuple[Any, ...] = ()

    def clause(self, value: str) -> str:
        """The filter that finds the group."""
        if self.key == "prompt":
            return _prompt_clause(value)
        return f"{self.key} = {plain_value(value)}" if value else f"{self.key} IS NULL"

    def rest(self, values: tuple[str, ...]) -> str:
        """The filter that finds what none of the groups holds."""
        return " ".join(f"NOT ({self.clause(value)})" for value in values)


class UnknownGrouping(ValueError):
    """What the URL asks to group by cannot be."""


def grouping_of(key: str, vocabulary: Vocabulary) -> Grouping | None:
    """None for no grouping. Raises UnknownGrouping."""
    if not key:
        return None
    if key in COLUMNS:
        return Grouping(key, LABELS[key], COLUMNS[key])
    if key == "prompt":
        return Grouping(key, LABELS[key], PROMPT)
    if not key.startswith("metadata."):
        raise UnknownGrouping(
            f"There is no grouping by {key[:60]}: it is environment, model, prompt or metadata.<key>."
        )
    try:
        node = parse(f"{key} = x", vocabulary)
    except FilterError as error:
        raise UnknownGrouping(f"{key[:60]} names no key of the metadata: {error.message}.") from None
    if not isinstance(node, Compare):
        raise UnknownGrouping(f"{key[:60]} names no key of the metadata.")
    path = list(node.field.path) or node.field.text.split(".")[1:]
    name = ".".join(["metadata", *map(plain_key, path)])
    sql = "coalesce(r.metadata #>> %s::text[], '')"
    if node.field.spec.column:  # what senders put there has a column of its own
        sql = f"coalesce(nullif({node.field.spec.column.sql}::text, ''), r.metadata #>> %s::text[], '')"
    return Grouping(name, ".".join(path), sql, (path,))


def _prompt_clause(value: str) -> str:
    name, found, number = value.rpartition(" v")
    if not (found and number.isascii() and number.isdigit()):
        name, number = value, ""
    said = f"prompt = {plain_value(name)}" if name else "prompt IS NULL"
    return f"{said} prompt_version = {number}" if number else f"{said} prompt_version IS NULL"


def can_be_named(value: str) -> bool:
    return len(value) <= MAX_CHARS and "\0" not in value


def top_groups(scope: Scope, grouping: Grouping) -> tuple[str, ...]:
    """The most frequent groups of the scope: five, or four where there are more than five. Of the 1 % sample where
    there are many records, and none where even that takes too long."""
    try:
        with reading(SECONDS) as cursor:
            table = record_table(cursor, scope)
            plan = plan_of(scope.search, table=table, drive=False)
            window, bounds = scope.window("r.created_at")
            inner = plan.sql(f"{grouping.sql} AS g", window, "")
            cursor.execute(
                f"SELECT g FROM ({inner}) x WHERE length(g) <= %s GROUP BY g ORDER BY count(*) DESC, g LIMIT %s",  # noqa: S608
                [*grouping.params, *plan.params, *bounds, MAX_CHARS, MOST + 1],
            )
            found = tuple(value for (value,) in cursor)
    except SearchTimeout:
        return ()
    return found if len(found) <= MOST else found[: MOST - 1]

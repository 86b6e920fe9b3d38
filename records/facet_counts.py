"""How many records each choice of a filter menu would leave. Asked for when a menu opens, never by the page itself."""

from dataclasses import dataclass, replace

from records.filterbar import Facet
from records.filterlang import parse
from records.search import Search, SearchTimeout, count
from records.search.count import SAMPLE_FACTOR
from records.search.plan import SAMPLE, plan_of, reading

NEWEST = 10_000  # records whose values are counted
SECONDS = 0.3
CHOICE_SECONDS = 0.1
MOST = 20

# Menu -> column of record whose values are its choices.
COLUMNS = {"model": "r.model", "environment": "r.environment"}


@dataclass(frozen=True, slots=True)
class Values:
    """(value, records) of a column, the most frequent first. `about`: how the numbers came about, where not exact."""

    counts: list[tuple[str, int]]
    about: str = ""


def count_choices(search: Search, facet: Facet) -> None:
    """Sets `count` of each choice that has a clause; a count that takes too long is left out."""
    for choice in facet.choices:
        if not choice.clause:
            continue
        try:
            chosen = replace(search, node=parse(choice.q, search.vocabulary))
            choice.count = str(count(chosen, budget=CHOICE_SECONDS, sample=True))
        except SearchTimeout:
            choice.count = ""


def values_of(search: Search, key: str) -> Values:
    """What the records found hold in the column of the menu `key`; of the newest ones, or by the sample if that is
    quicker than looking for them. Raises FilterError."""
    column = COLUMNS[key]
    try:
        found = _values(search, column, "record")
    except SearchTimeout:
        try:
            sampled = _values(search, column, SAMPLE)
        except SearchTimeout:
            return Values([], "Counting takes too long for this filter.")
        return Values([(value, n * SAMPLE_FACTOR) for value, n in sampled], "About, by one record in a hundred.")
    partly = sum(n for _, n in found) >= NEWEST
    return Values(found[:MOST], f"Among the newest {NEWEST:,}." if partly else "")


def _values(search: Search, column: str, table: str) -> list[tuple[str, int]]:
    plan = plan_of(search, table=table, drive=table == "record")
    newest = plan.sql(f"{column} AS v", [], f"ORDER BY {plan.time} DESC, {plan.id} DESC LIMIT %s")
    sql = f"SELECT v, count(*) FROM ({newest}) x GROUP BY v ORDER BY 2 DESC, v LIMIT 1000"  # noqa: S608 - values are bound
    with reading(SECONDS) as cursor:
        cursor.execute(sql, [*plan.params, NEWEST])
        return cursor.fetchall()

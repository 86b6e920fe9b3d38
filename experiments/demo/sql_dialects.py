"""How the demo's SQL differs between databases: the first rows, days ago, months. Pure."""

from typing import NamedTuple

PROBLEMS = ("limit clause", "date arithmetic", "function")


class Dialect(NamedTuple):
    """`top` stands behind SELECT, `limit` at the end. {n}, {days} and {column} are filled in."""

    name: str
    top: str
    limit: str
    ago: str
    month: str


POSTGRESQL = Dialect("postgresql", "", " LIMIT {n}", "now() - interval '{days} days'", "date_trunc('month', {column})")
MYSQL = Dialect("mysql", "", " LIMIT {n}", "NOW() - INTERVAL {days} DAY", "DATE_FORMAT({column}, '%Y-%m-01')")
SQLITE = Dialect("sqlite", "", " LIMIT {n}", "datetime('now', '-{days} days')", "strftime('%Y-%m-01', {column})")
SQLSERVER = Dialect(
    "sqlserver", "TOP {n} ", "", "DATEADD(day, -{days}, GETDATE())",
    "DATEFROMPARTS(YEAR({column}), MONTH({column}), 1)",
)  # fmt: skip
DIALECTS = (POSTGRESQL, MYSQL, SQLITE, SQLSERVER)


def written(template: str, dialect: Dialect, slots: dict[str, str], column: str = "") -> str:
    """The template in a dialect; it may use {top}, {limit}, {ago} and {month} beside the slots."""
    pieces = {
        "top": dialect.top.format_map(slots), "limit": dialect.limit.format_map(slots),
        "ago": dialect.ago.format_map(slots), "month": dialect.month.format(column=column),
    }  # fmt: skip
    return template.format_map(slots | pieces)


def problems_of(template: str, meant: Dialect, used: Dialect) -> list[str]:
    """Which pieces of `template`, written for `used`, the database that was `meant` refuses."""
    found = []
    if "{limit}" in template and (meant.limit, meant.top) != (used.limit, used.top):
        found.append("limit clause")
    if "{ago}" in template and meant.ago != used.ago:
        found.append("date arithmetic")
    if "{month}" in template and meant.month != used.month:
        found.append("function")
    return found

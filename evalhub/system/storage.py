"""What the database holds, and which statements take its time."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import DatabaseError, connection, transaction

MOST_TABLES = 25
MOST_STATEMENTS = 20
MOST_SQL_CHARS = 400

TABLES = """SELECT relname, n_live_tup, pg_table_size(relid), pg_indexes_size(relid), n_dead_tup,
  greatest(last_vacuum, last_autovacuum)
FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT %s"""
STATEMENTS = """SELECT left(query, %s), calls, mean_exec_time, total_exec_time, rows
FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() ORDER BY total_exec_time DESC LIMIT %s"""


class TableSize(NamedTuple):
    """Bytes; `rows` as the statistics have counted them."""

    name: str
    rows: int
    data: int
    indexes: int
    dead: int
    vacuumed_at: datetime | None

    @property
    def total(self) -> int:
        return self.data + self.indexes


class Statement(NamedTuple):
    """Times in milliseconds. The text has no values in it: PostgreSQL keeps it so."""

    sql: str
    calls: int
    mean: float
    total: float
    rows: int


@dataclass(frozen=True, slots=True)
class Server:
    version: str
    size: int
    connections: int
    most_connections: int


def server() -> Server:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()), "
            "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()), "
            "current_setting('max_connections')::integer"
        )
        return Server(*cursor.fetchone())


def tables() -> list[TableSize]:
    """The largest first."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [MOST_TABLES])
        return [TableSize._make(row) for row in cursor.fetchall()]


def statements() -> list[Statement] | None:
    """Those that took most of the database's time; None where it does not keep count (pg_stat_statements)."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('pg_stat_statements')")
            if cursor.fetchone()[0] is None:
                return None
            cursor.execute(STATEMENTS, [MOST_SQL_CHARS, MOST_STATEMENTS])
            return [Statement._make(row) for row in cursor.fetchall()]
    except DatabaseError:  # created, but the server was not started with it, or we may not read it
        return None

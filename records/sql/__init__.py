"""The write path's statements: `-- name: x` in a .sql file beside this one becomes `load("file")["x"]`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection


def load(file: str) -> dict[str, str]:
    parts = re.split(r"^-- name: (\w+)\n", (Path(__file__).parent / f"{file}.sql").read_text(), flags=re.M)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


Step = Callable[..., list[tuple]]


def steps(cursor: Any, statements: dict[str, str], project_id: int) -> Step:
    """`step("name", param=...)` runs one statement for the project, `%(p)s` in it, and returns its rows."""

    def step(name: str, **params: Any) -> list[tuple]:
        cursor.execute(statements[name], {"p": project_id, **params})
        return cursor.fetchall() if cursor.description else []

    return step


# A plan that is made while a table is all but empty must still do when it holds millions of rows.
PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"


def preparing_cursor() -> psycopg.Cursor:
    """A cursor for the present transaction whose statements are planned once a connection; Django's plans each anew.

    Worth it where a batch is a dozen long statements: ingest spent a quarter of the database's time on plans.
    """
    with connection.cursor() as cursor:
        cursor.execute(PLANNED_ONCE)
    return psycopg.Cursor(connection.connection)

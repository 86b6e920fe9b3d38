"""The write path's statements: `-- name: x` in a .sql file beside this one becomes `load("file")["x"]`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any


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

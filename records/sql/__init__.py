"""The write path's statements: `-- name: x` in a .sql file beside this one becomes `load("file")["x"]`."""

import re
from pathlib import Path


def load(file: str) -> dict[str, str]:
    parts = re.split(r"^-- name: (\w+)\n", (Path(__file__).parent / f"{file}.sql").read_text(), flags=re.M)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}

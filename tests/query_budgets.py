"""The number of queries of each page, pinned in query_budgets.json: a new one is a decision and not an accident.

After such a decision `UPDATE_QUERY_BUDGETS=1 pytest -n 0 ...` writes the numbers it meets; the diff shows the change.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext

FILE = Path(__file__).with_suffix(".json")


@contextmanager
def query_budget(page: str) -> Iterator[None]:
    """Fails unless the block sends exactly the number of queries that is pinned for `page`."""
    with CaptureQueriesContext(connection) as captured:
        yield
    budgets = json.loads(FILE.read_text())
    if os.environ.get("UPDATE_QUERY_BUDGETS"):
        FILE.write_text(json.dumps(dict(sorted((budgets | {page: len(captured)}).items())), indent=2) + "\n")
        return
    listed = "\n".join(query["sql"][:300] for query in captured)
    assert len(captured) == budgets.get(page), f"{page}: {len(captured)} queries, pinned {budgets.get(page)}\n{listed}"

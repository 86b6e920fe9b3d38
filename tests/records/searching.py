"""Random records with their roll-ups, and the same search by reading everything."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from evalhub.models import Project
from records.filterlang import Vocabulary, parse
from records.search import Page, Search, page
from tests.records.filterlang.rows import NOW, fill, outcome
from tests.records.recount import HOUR, rebuild

SCORE_ROLLUP = f"""
DELETE FROM score_rollup WHERE project_id = %(p)s;
INSERT INTO score_rollup (project_id, metric_id, bucket, is_root, outcome, n, value_sum)
  SELECT s.project_id, s.metric_id, {HOUR.format("r.created_at")}, r.is_root, s.outcome, count(*), sum(coalesce(s.value, 0))
  FROM score s JOIN record r ON r.project_id = s.project_id AND r.id = s.record_id
  WHERE s.project_id = %(p)s AND s.is_current AND s.outcome <> 0 GROUP BY 1, 2, 3, 4, 5"""  # noqa: E501

AN_HOUR = timedelta(hours=1)

# One filter for each way a search can go, and what it means of a row.
FILTERS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("", lambda r: True),
    ("status:completed", lambda r: r["status"] == 2),
    ("model:gpt-4o", lambda r: r["model"].lower() == "gpt-4o"),
    ("experiment = Baseline", lambda r: r["experiment"] == "Baseline"),
    ("customer:gpt* latency:>0.4", lambda r: r["customer"].lower().startswith("gpt") and (r["latency_ms"] or 0) > 400),
    ("created:<-5h", lambda r: (NOW - r["created_at"]).total_seconds() > 5 * 3600),
    ("created BETWEEN -85h AND -1h", lambda r: 1 <= (NOW - r["created_at"]).total_seconds() / 3600 <= 85),
    ("metric.accuracy.status:fail", lambda r: outcome_of(r, "accuracy") == "fail"),
    ("metric.accuracy:>=0.5", lambda r: (value_of(r) if value_of(r) is not None else -1) >= 0.5),
    (
        "metric.accuracy.status:pass metric.safe.status:pass created:<-1h",
        lambda r: outcome_of(r, "accuracy") == outcome_of(r, "safe") == "pass" and r["created_at"] < NOW - AN_HOUR,
    ),
    ("NOT metric.accuracy.status:fail", lambda r: outcome_of(r, "accuracy") != "fail"),
    ("gold", lambda r: "gold" in (r["search_text"] or "").lower()),
    ("model:nothing-of-the-kind tag:ci", lambda r: False),
]


def current(row: dict[str, Any], slug: str) -> dict[str, Any] | None:
    return next((score for score in row["scores"][slug] if score["is_current"]), None)


def outcome_of(row: dict[str, Any], slug: str) -> str:
    score = current(row, slug)
    return outcome(score) if score else ""


def value_of(row: dict[str, Any]) -> float | None:
    return (current(row, "accuracy") or {}).get("value")


def stocked(project: Project, count: int = 150, seed: int = 1) -> tuple[list[dict[str, Any]], Vocabulary]:
    rows, vocabulary = fill(project, count, seed)
    rebuild(project.id)
    with connection.cursor() as cursor:
        cursor.execute(SCORE_ROLLUP, {"p": project.id})
    return rows, vocabulary


def search_for(project: Project, vocabulary: Vocabulary, text: str, **options: Any) -> Search:
    return Search(project.id, parse(text, vocabulary), vocabulary, NOW, UTC, **options)


def visited(search: Search, limit: int, budget: float = 60) -> list[UUID]:
    """Every row of every page, in the order in which somebody who pages on sees them."""
    found: list[UUID] = []
    after = ""
    for _ in range(5_000):
        at: Page = page(search, after, limit, budget)
        assert len(at.rows) <= limit
        found += [row.id for row in at.rows]
        if not at.next:
            return found
        assert at.next != after
        after = at.next
    raise AssertionError("the pages have no end")

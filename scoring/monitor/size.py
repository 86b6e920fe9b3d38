"""How much there is to read: it decides between every row and the 1 % copy."""

from typing import Any

from records.history import HOUR, floor
from records.search.plan import Plan, plan_of
from scoring.monitor.scope import Scope

EXACT_RECORDS = 100_000  # so many in the time are read one by one
EXACT_TEXTS = 5_000  # the same where each row's payload has to be read
SAMPLE_FACTOR = 100


def records_in(cursor: Any, scope: Scope) -> int:
    """In the hours that the scope touches, whatever its filter."""
    roots = " AND is_root" if scope.search.roots else ""
    cursor.execute(
        "SELECT coalesce(sum(n), 0)::bigint FROM record_rollup WHERE project_id = %s "  # noqa: S608
        f"AND bucket >= %s AND bucket < %s{roots}",
        [scope.search.project_id, floor(scope.since, HOUR), scope.until],
    )
    return cursor.fetchone()[0]


def scores_in(cursor: Any, scope: Scope, metric_id: int) -> tuple[int, int]:
    """Current scores of a metric in those hours: on roots, and on spans below them."""
    cursor.execute(
        "SELECT is_root, sum(n)::bigint FROM score_rollup WHERE project_id = %s AND metric_id = %s "
        "AND bucket >= %s AND bucket < %s GROUP BY 1",
        [scope.search.project_id, metric_id, floor(scope.since, HOUR), scope.until],
    )
    found = dict(cursor.fetchall())
    return found.get(True, 0), found.get(False, 0)


def record_table(cursor: Any, scope: Scope) -> str:
    """`record`, or `record_sample` where there are too many to read them all."""
    texts = reads_payloads(plan_of(scope.search, drive=False))
    return "record" if records_in(cursor, scope) <= (EXACT_TEXTS if texts else EXACT_RECORDS) else "record_sample"


def reads_payloads(plan: Plan) -> bool:
    return "payload y" in plan.sql("", [], "")

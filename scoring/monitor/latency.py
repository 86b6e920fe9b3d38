"""How long records take: median and 95th percentile, of every record or of the 1 % copy."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from records.search import SearchTimeout
from records.search.plan import plan_of, reading
from scoring.monitor.grouping import Grouping
from scoring.monitor.scope import Scope
from scoring.monitor.size import record_table
from scoring.monitor.traffic import LEAST_SAMPLED, RARE_SECONDS, SECONDS, group_sql, windowed
from scoring.stats.estimates import FEW, Estimate, counted, unknown
from scoring.stats.quantiles import bounds

SHARES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Times:
    """Of `n` records, in seconds."""

    n: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """By (bucket, group) as `traffic.Traffic`; of a whole group by (None, group), of all by (None, None)."""

    cells: dict[tuple[datetime | None, int | None], Times] = field(default_factory=dict)
    about: bool = False


def latency(scope: Scope, grouping: Grouping | None = None, groups: tuple[str, ...] = ()) -> Latency:
    """Raises FilterError, SearchTimeout."""
    with reading(SECONDS) as cursor:
        if record_table(cursor, scope) == "record":
            return _measured(cursor, scope, "record", grouping, groups)
        sampled = _measured(cursor, scope, "record_sample", grouping, groups)
    if _n(sampled) >= LEAST_SAMPLED:
        return sampled
    try:
        with reading(RARE_SECONDS) as cursor:
            return _measured(cursor, scope, "record", grouping, groups)
    except SearchTimeout:
        return sampled


def quantile(scope: Scope, share: float) -> Estimate:
    """One quantile over the whole scope, in seconds, with the interval that its neighbours in rank give.

    Below 15 records the count alone. Raises FilterError, SearchTimeout.
    """
    with reading(SECONDS) as cursor:
        table = record_table(cursor, scope)
        plan = plan_of(scope.search, table=table, drive=False)
        plan.add("r.latency_ms IS NOT NULL")
        cursor.execute(*windowed(plan, scope, "count(*)", [], ""))
        n = cursor.fetchone()[0]
        if n < FEW:
            return unknown(n, f"{counted(n, 'record')}: too few")
        ends = bounds(n, share)
        wanted = [share, *(ends or ())]
        select = "percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY r.latency_ms)"
        cursor.execute(*windowed(plan, scope, select, [wanted], ""))
        value, *interval = (ms / 1000 for ms in cursor.fetchone()[0])
    said = f"{value:.3g} s" + (f" ({interval[0]:.3g} to {interval[1]:.3g})" if ends else "")
    low, high = interval or (None, None)
    return Estimate(value, low, high, n, f"{said}, {counted(n, 'record')}")


def _measured(cursor: Any, scope: Scope, table: str, grouping: Grouping | None, groups: tuple[str, ...]) -> Latency:
    plan = plan_of(scope.search, table=table, drive=False)
    plan.add("r.latency_ms IS NOT NULL")
    (bucket, params), (group, more) = scope.bucket("r.created_at"), group_sql(grouping, groups)
    select = f"{bucket} AS b, {group} AS g, r.latency_ms AS ms"
    inner, bound = windowed(plan, scope, select, [*params, *more], "")
    cursor.execute(
        "SELECT b, g, count(*), percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY ms) "  # noqa: S608 - bound
        f"FROM ({inner}) x GROUP BY GROUPING SETS ((b, g), (g), ())",
        [list(SHARES), *bound],
    )
    cells = {(start, place): _times(n, found) for start, place, n, found in cursor if n}
    return Latency(cells, about=table != "record")


def _times(n: int, found: list[float]) -> Times:
    if n < FEW:
        return Times(n, None, None)
    return Times(n, *(value / 1000 for value in found))


def _n(found: Latency) -> int:
    return found.cells.get((None, None), Times(0, None, None)).n

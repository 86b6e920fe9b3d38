"""Volume, errors, tokens and cost: from the hourly roll-up where it knows them, else from the records, else from the
1 % copy of them."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from records.history import ORIGIN
from records.search import SearchTimeout
from records.search.count import rollup_of
from records.search.plan import Plan, plan_of, reading
from scoring.monitor.grouping import Grouping
from scoring.monitor.scope import Scope
from scoring.monitor.size import SAMPLE_FACTOR, record_table

SECONDS = 4.0
RARE_SECONDS = 1.5  # for what is too rare for the sample, before the sample has to do
LEAST_SAMPLED = 200  # matching rows of the sample below which every record is looked at, if there is time

# A trace's earliest root carries what all its spans come to; its other roots are among them.
OF_TRACE = "CASE WHEN r.trace_spans IS NOT NULL THEN r.trace_{0} WHEN r.trace_id = '' THEN r.{0} END"


@dataclass(frozen=True, slots=True)
class Counts:
    """`seen` rows were read for `records`: fewer in a sample. Cost in USD, of what has a price."""

    seen: int = 0
    records: int = 0
    errors: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.seen + other.seen, self.records + other.records, self.errors + other.errors,
            self.tokens + other.tokens, self.cost + other.cost,
        )  # fmt: skip

    def scaled(self, factor: int) -> "Counts":
        """The sums; what is counted for a rate stays as it was seen."""
        return replace(self, records=self.records * factor, tokens=self.tokens * factor, cost=self.cost * factor)


@dataclass(frozen=True, slots=True)
class Traffic:
    """By (bucket, group): 0 for no group or the rest, else its place in `groups` from 1 on."""

    cells: dict[tuple[datetime, int], Counts] = field(default_factory=dict)
    about: bool = False

    def total(self, group: int | None = None) -> Counts:
        found = (counts for (_, place), counts in self.cells.items() if group in (None, place))
        return sum(found, Counts())


def traffic(scope: Scope, grouping: Grouping | None = None, groups: tuple[str, ...] = ()) -> Traffic:
    """Raises FilterError, SearchTimeout."""
    if grouping is None and scope.is_hourly and (rolled := _rolled(scope)) is not None:
        return rolled
    with reading(SECONDS) as cursor:
        if record_table(cursor, scope) == "record":
            return _counted(cursor, scope, "record", grouping, groups)
        sampled = _counted(cursor, scope, "record_sample", grouping, groups)
    if sampled.total().seen >= LEAST_SAMPLED:
        return sampled
    try:
        with reading(RARE_SECONDS) as cursor:
            return _counted(cursor, scope, "record", grouping, groups)
    except SearchTimeout:
        return sampled


def _rolled(scope: Scope) -> Traffic | None:
    """None where the roll-up does not know: other conditions than status and source, or these among roots, whose spans
    have a status of their own."""
    search = scope.search
    rolled = rollup_of(search)
    if rolled is None or rolled.table != "record_rollup" or search.bounds() != (None, None):
        return None
    if search.roots and len(rolled.params) > 1:
        return None
    only = " FILTER (WHERE is_root)" if search.roots else ""
    where = "project_id = %s" if search.roots else rolled.where
    bucket, params = "%s::timestamptz", [scope.since]
    if scope.seconds is not None:
        bucket, params = "date_bin(%s, bucket, %s)", [timedelta(seconds=scope.seconds), ORIGIN]
    with reading(SECONDS) as cursor:
        cursor.execute(
            f"SELECT {bucket}, 0, coalesce(sum(n){only}, 0)::bigint, coalesce(sum(errors){only}, 0)::bigint, "  # noqa: S608
            "sum(tokens)::bigint, sum(cost) FROM record_rollup "
            f"WHERE {where} AND bucket >= %s AND bucket < %s GROUP BY 1",
            [*params, *rolled.params, scope.since, scope.until],
        )
        return Traffic(_cells(cursor))


def _counted(cursor: Any, scope: Scope, table: str, grouping: Grouping | None, groups: tuple[str, ...]) -> Traffic:
    plan = plan_of(scope.search, table=table, drive=False)
    (bucket, params), (group, more) = scope.bucket("r.created_at"), group_sql(grouping, groups)
    tokens, cost = (OF_TRACE.format(name) if scope.search.roots else f"r.{name}" for name in ("tokens", "cost"))
    select = (
        f"{bucket}, {group}, count(*), count(*) FILTER (WHERE r.error <> ''), coalesce(sum({tokens}), 0)::bigint, "
        f"coalesce(sum({cost}), 0)"
    )
    cursor.execute(*windowed(plan, scope, select, [*params, *more], "GROUP BY 1, 2"))
    sampled = table != "record"
    cells = _cells(cursor)
    if sampled:
        cells = {key: counts.scaled(SAMPLE_FACTOR) for key, counts in cells.items()}
    return Traffic(cells, about=sampled)


def windowed(plan: Plan, scope: Scope, select: str, params: list[Any], tail: str) -> tuple[str, list[Any]]:
    """A query over the plan's records in the scope's time; `params` are those of `select`."""
    window, bounds = scope.window("r.created_at")
    return plan.sql(select, window, tail), [*params, *plan.params, *bounds]


def group_sql(grouping: Grouping | None, groups: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The place of the record's group among `groups`, from 1 on; 0 for the rest, and where nothing is grouped."""
    if grouping is None:
        return "0", []
    return f"coalesce(array_position(%s::text[], {grouping.sql}), 0)", [list(groups), *grouping.params]


def _cells(cursor: Any) -> dict[tuple[datetime, int], Counts]:
    cells: dict[tuple[datetime, int], Counts] = defaultdict(Counts)
    for start, group, records, errors, tokens, cost in cursor:
        if records or tokens or cost:
            cells[start, group] += Counts(records, records, errors, tokens, cost)
    return dict(cells)

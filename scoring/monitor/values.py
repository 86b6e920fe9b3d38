"""One metric over time: sums from which its pass rate and its mean follow, weighted by how online scoring drew.

What machines say counts, as for every rate: where a person's value stands in the column, the machine's value of before
is taken, since people look where the machine seemed wrong. A metric that only people score shows theirs.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from records.search import SearchTimeout
from records.search.plan import plan_of, reading
from scoring.monitor.grouping import Grouping
from scoring.monitor.scope import Scope
from scoring.monitor.size import EXACT_TEXTS, reads_payloads, records_in, scores_in
from scoring.monitor.traffic import LEAST_SAMPLED, RARE_SECONDS, SECONDS, group_sql
from scoring.stats.weighted import Sums

EXACT_ALONE = 100_000  # scores in the time that are read one by one
EXACT_JOINED = 30_000  # the same where each one's record is looked up

# Of the record that {of}'s row is about. A machine's value: of its completed ones that which would be current if no
# person had said anything.
MACHINE = """SELECT m.outcome, m.value, m.probability FROM score m WHERE m.project_id = {of}.project_id
  AND m.record_id = {of}.{id} AND m.metric_id = {metric} AND m.rank >= 2 AND m.status = 1
  ORDER BY m.rank, m.completed_at DESC, m.id DESC LIMIT 1"""
PERSON = """SELECT m.outcome, m.value, m.probability FROM score m WHERE m.project_id = {of}.project_id
  AND m.record_id = {of}.{id} AND m.metric_id = {metric} AND m.is_current AND m.rank < 2
  AND m.outcome IN (1, 2, 5) OFFSET 0"""
OWN = "SELECT s.record_id, s.record_created_at, s.outcome, s.value, s.probability FROM score s WHERE {where}"
# Each look-up by itself (LIMIT, OFFSET 0): left to itself, the planner multiplies what it takes for little.
LOOKED_UP = "SELECT s.record_id, s.record_created_at, m.* FROM {table} s CROSS JOIN LATERAL ({score}) m WHERE {where}"
WEIGHED = "1 / coalesce(nullif(h.probability, 0), 1) AS w, h.outcome, h.value"
DRAW = "coalesce(nullif(r.trace_id, ''), r.id::text)"  # the spans of a trace were drawn together

# Verdicts and values of the same rows.
BOTH = """SELECT b, g, c, v.verdict, w, v.x FROM ({rows}) r CROSS JOIN LATERAL (VALUES
  (true, CASE outcome WHEN 1 THEN 1.0::float8 WHEN 2 THEN 0.0 END), (false, value)) v(verdict, x)
  WHERE v.x IS NOT NULL"""
EACH = f"""SELECT b, g, verdict, count(*), count(*), sum(w), sum(w * x), sum(w * w), sum(w * w * x), sum(w * w * x * x)
FROM ({BOTH}) k GROUP BY b, g, verdict"""  # noqa: S608 - our own
# The sums of what was drawn together are squared as one.
DRAWS = f"""SELECT b, g, verdict, sum(n)::bigint, count(*), sum(w), sum(a), sum(w * w), sum(w * a), sum(a * a) FROM (
  SELECT b, g, verdict, count(*) AS n, sum(w) AS w, sum(w * x) AS a FROM ({BOTH}) k GROUP BY b, g, verdict, c) d
GROUP BY b, g, verdict"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Values:
    """Sums of verdicts (1 passes, 0 fails) and of values, by (bucket, group) as `traffic.Traffic`."""

    verdicts: dict[tuple[datetime, int], Sums] = field(default_factory=dict)
    numbers: dict[tuple[datetime, int], Sums] = field(default_factory=dict)
    about: bool = False
    by_people: bool = False

    @property
    def n(self) -> int:
        return max(sum(sums.n for sums in found.values()) for found in (self.verdicts, self.numbers))


def values(scope: Scope, metric_id: int, grouping: Grouping | None = None, groups: tuple[str, ...] = ()) -> Values:
    """Raises FilterError, SearchTimeout."""
    found = _read(scope, metric_id, grouping, groups, people=False)
    if found.n:
        return found
    theirs = _read(scope, metric_id, grouping, groups, people=True)
    return Values(theirs.verdicts, theirs.numbers, theirs.about, by_people=bool(theirs.n))


def _read(scope: Scope, metric_id: int, grouping: Grouping | None, groups: tuple[str, ...], people: bool) -> Values:
    plan = plan_of(scope.search, drive=False)
    with reading(SECONDS) as cursor:
        on_roots, below = scores_in(cursor, scope, metric_id)
        alone = grouping is None and not plan.selective and _no_bounds(scope) and not below
        many = on_roots + (0 if scope.search.roots else below) > (EXACT_ALONE if alone else EXACT_JOINED)
        if not many and reads_payloads(plan):
            many = records_in(cursor, scope) > EXACT_TEXTS
        found = _summed(cursor, scope, metric_id, grouping, groups, people, alone, sampled=many)
    if not many or found.n >= LEAST_SAMPLED:
        return found
    try:
        with reading(RARE_SECONDS) as cursor:
            return _from_records(cursor, scope, metric_id, grouping, groups, people)
    except SearchTimeout:
        return found


def _summed(
    cursor: Any, scope: Scope, metric_id: int, grouping: Grouping | None, groups: tuple[str, ...], people: bool,
    alone: bool, sampled: bool,
) -> Values:  # fmt: skip
    """From the scores to their records. `alone`: the scores need no look at these."""
    search = scope.search
    scores, given = _scores(scope, metric_id, people, sampled)
    bucket, params = scope.bucket("h.record_created_at")
    if alone:
        rows = f"SELECT {bucket} AS b, 0 AS g, NULL AS c, {WEIGHED} FROM ({scores}) h"  # noqa: S608
        return _read_sums(cursor, EACH.format(rows=rows), [*params, *given], about=sampled)
    group, more = group_sql(grouping, groups)
    plan = plan_of(search, drive=False)
    record = plan.sql("r.*", ["r.id = h.record_id"], "OFFSET 0")
    rows = (
        f"SELECT {bucket} AS b, {group} AS g, {DRAW} AS c, {WEIGHED} "  # noqa: S608 - bound
        f"FROM ({scores}) h CROSS JOIN LATERAL ({record}) r"
    )
    sums = (EACH if search.roots else DRAWS).format(rows=rows)
    return _read_sums(cursor, sums, [*params, *more, *given, *plan.params], about=sampled)


def _from_records(
    cursor: Any, scope: Scope, metric_id: int, grouping: Grouping | None, groups: tuple[str, ...], people: bool
) -> Values:
    """From the few records that the filter finds to their scores."""
    (bucket, params), (group, more) = scope.bucket("r.created_at"), group_sql(grouping, groups)
    plan = plan_of(scope.search)
    window, bounds = scope.window(*dict.fromkeys([plan.time, "r.created_at"]))
    records = plan.sql("r.*", window, "OFFSET 0")
    score = (PERSON if people else MACHINE).format(of="r", id="id", metric=int(metric_id))
    rows = (
        f"SELECT {bucket} AS b, {group} AS g, {DRAW} AS c, {WEIGHED} "  # noqa: S608 - bound
        f"FROM ({records}) r CROSS JOIN LATERAL ({score}) h"
    )
    sums = (EACH if scope.search.roots else DRAWS).format(rows=rows)
    return _read_sums(cursor, sums, [*params, *more, *plan.params, *bounds], about=False)


def _read_sums(cursor: Any, sql: str, params: list[Any], about: bool) -> Values:
    cursor.execute(sql, params)
    found: dict[bool, dict[tuple[datetime, int], Sums]] = defaultdict(dict)
    for start, place, verdict, *sums in cursor:
        found[verdict][start, place] = Sums(*sums)
    return Values(found[True], found[False], about)


def _scores(scope: Scope, metric_id: int, people: bool, sampled: bool) -> tuple[str, list[Any]]:
    """One value a record, with when the record happened and with which probability it was drawn."""
    window, bounds = scope.window("s.record_created_at")
    where = " AND ".join(["s.project_id = %s", "s.metric_id = %s", *window])
    given = [scope.search.project_id, metric_id, *bounds]
    machine, person = (text.format(of="s", id="record_id", metric=int(metric_id)) for text in (MACHINE, PERSON))
    if sampled:
        return LOOKED_UP.format(table="score_sample", score=person if people else machine, where=where), given
    by_people = f"{where} AND s.is_current AND s.rank < 2"
    if people:
        return OWN.format(where=f"{by_people} AND s.outcome IN (1, 2, 5)"), given
    by_machines = OWN.format(where=f"{where} AND s.is_current AND s.rank >= 2 AND s.outcome IN (1, 2, 5)")
    corrected = LOOKED_UP.format(table="score", score=machine, where=by_people)
    return f"{by_machines} UNION ALL {corrected}", given * 2


def _no_bounds(scope: Scope) -> bool:
    return scope.search.bounds() == (None, None)

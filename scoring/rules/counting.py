"""The hourly counters of rules, and what a rule has spent today. A day, and an hour, is of UTC by the database's clock.

The counts are written last in the transaction of what they count: their rows are hot.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from scoring.models import Counted, Why

# Rules that are gone meanwhile are left out; those that are there stay until the commit.
ADD = """
WITH d AS (SELECT * FROM unnest(%(rules)s::bigint[], %(gates)s::text[], %(counts)s::bigint[], %(costs)s::numeric[])
  AS d(rule_id, gate, count, cost)),
there AS MATERIALIZED (
  SELECT id FROM rule WHERE project_id = %(p)s AND id IN (SELECT rule_id FROM d) ORDER BY id FOR KEY SHARE)
INSERT INTO rule_count AS x (project_id, rule_id, hour, gate, count, cost)
SELECT %(p)s, d.rule_id, date_trunc('hour', now(), 'UTC'), d.gate, d.count, d.cost
FROM d JOIN there ON there.id = d.rule_id ORDER BY d.rule_id, d.gate
ON CONFLICT (rule_id, hour, gate) DO UPDATE SET count = x.count + excluded.count, cost = x.cost + excluded.cost
"""

UNSCORED = """
INSERT INTO unscored (project_id, rule_id, record_id, reason, at)
SELECT DISTINCT ON (d.rule_id, d.record_id) %(p)s, d.rule_id, d.record_id, %(reason)s, now()
FROM unnest(%(rules)s::bigint[], %(records)s::uuid[]) AS d(rule_id, record_id) JOIN rule ON rule.id = d.rule_id
ORDER BY d.rule_id, d.record_id
ON CONFLICT (rule_id, reason, record_id) DO UPDATE SET at = excluded.at
"""

SPENT = """
SELECT rule_id, coalesce(sum(count) FILTER (WHERE gate = 'calls'), 0), coalesce(sum(cost), 0) FROM rule_count
WHERE rule_id = ANY(%s) AND hour >= date_trunc('day', now(), 'UTC') GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one rule today: evaluations planned, and USD that they have cost so far."""

    calls: int = 0
    usd: Decimal = Decimal(0)


Counts = Mapping[tuple[int, Counted], int]


def add_counts(project_id: int, counts: Counts, costs: Mapping[tuple[int, Counted], Decimal] | None = None) -> None:
    """By (rule, what is counted). Where nothing is counted there is no query."""
    some = sorted(key for key, n in counts.items() if n)
    if not some:
        return
    params = {
        "p": project_id,
        "rules": [rule for rule, _ in some],
        "gates": [str(gate) for _, gate in some],
        "counts": [counts[key] for key in some],
        "costs": [(costs or {}).get(key, Decimal(0)) for key in some],
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, params)


def note_unscored(project_id: int, pairs: Iterable[tuple[int, UUID]], reason: Why) -> None:
    """(rule, record) that were drawn and are not scored; in a transaction that holds the rules."""
    pairs = list(pairs)
    if not pairs:
        return
    params = {"rules": [rule for rule, _ in pairs], "records": [record for _, record in pairs]}
    with connection.cursor() as cursor:
        cursor.execute(UNSCORED, {"p": project_id, "reason": str(reason), **params})


def spent_today(rule_ids: Collection[int]) -> dict[int, Spent]:
    """By rule; of those that have spent nothing there is none."""
    with connection.cursor() as cursor:
        cursor.execute(SPENT, [list(rule_ids)])
        return {rule: Spent(int(calls), usd) for rule, calls, usd in cursor.fetchall()}

"""What became of the records that passed by a rule: counts of the last day and week, what waits, what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Q, Sum

from scoring.models import Counted, Rule, RuleCount

DAY, WEEK = timedelta(days=1), timedelta(days=7)

MOST_COUNTED = 100_000  # of what waits: more are not counted, and said to be more

WAITING = """
SELECT rule_id, count(*), min(created_at), sum(count(*)) OVER () > %(most)s,
  coalesce((array_agg(error ORDER BY id) FILTER (WHERE error <> ''))[1], '')
FROM (
  SELECT id, rule_id, created_at, error FROM score WHERE project_id = %(p)s AND status = 0 AND rule_id IS NOT NULL
  ORDER BY id LIMIT %(most)s + 1) waiting
GROUP BY rule_id
"""

# Of each rule the newest error that still stands, by the index of current outcomes: a step for each of its metrics.
LAST_ERRORS = """
SELECT DISTINCT ON (t.rule_id) t.rule_id, s.record_id, s.evaluator, s.error, s.completed_at
FROM unnest(%(rules)s::bigint[], %(metrics)s::bigint[]) AS t(rule_id, metric_id)
CROSS JOIN LATERAL (
  SELECT record_id, evaluator, error, completed_at FROM score
  WHERE project_id = %(p)s AND metric_id = t.metric_id AND outcome = 3 AND is_current
    AND record_created_at > %(since)s AND rule_id = t.rule_id
  ORDER BY record_created_at DESC, record_id DESC LIMIT 1) s
ORDER BY t.rule_id, s.completed_at DESC NULLS LAST
"""


@dataclass(slots=True)
class Funnel:
    """Of one window of time. Up to `planned` in records, from `calls` on in scores; `cost` in USD."""

    counts: dict[str, int] = field(default_factory=dict)
    cost: Decimal = Decimal(0)

    def __getattr__(self, name: str) -> int:
        if name not in Counted:
            raise AttributeError(name)
        return self.counts.get(name, 0)

    @property
    def steps(self) -> list["Step"]:
        """The gates in order, each with what was lost before the next one."""
        names = (Counted.SEEN, Counted.SPANS, Counted.FILTER, Counted.SAMPLED)
        numbers = [self.counts.get(name, 0) for name in names]
        most, after = max(numbers[0], 1), [*numbers[1:], numbers[-1]]
        return [
            Step(name, n, round(100 * n / most, 2), n - next_one)
            for name, n, next_one in zip(names, numbers, after, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """One gate of the funnel: `n` records passed it, `percent` of what was seen; `lost` of them not the next one."""

    gate: str
    n: int
    percent: float
    lost: int


@dataclass(frozen=True, slots=True)
class LastError:
    record_id: UUID
    evaluator: str
    error: str
    at: datetime | None


@dataclass(slots=True)
class Standing:
    """How a rule is doing now. `oldest`: since when the first of what is `pending` waits (`more_pending`: at least so
    many); `waits_for`: what the first that was tried met with; `spent`: USD today (UTC); `out_of_budget`: nothing more
    is asked today."""

    day: Funnel = field(default_factory=Funnel)
    week: Funnel = field(default_factory=Funnel)
    spent: Decimal = Decimal(0)
    calls_today: int = 0
    over_today: int = 0
    out_of_budget: bool = False
    pending: int = 0
    more_pending: bool = False
    oldest: datetime | None = None
    waits_for: str = ""
    last_error: LastError | None = None

    def lag(self, now: datetime) -> float:
        """Seconds that the oldest waiting score has waited."""
        return max(0.0, (now - self.oldest).total_seconds()) if self.oldest else 0.0


def standings(project_id: int, rules: Sequence[Rule], now: datetime) -> dict[int, Standing]:
    """By rule id. Three queries; the rules' evaluators must be prefetched."""
    found = {rule.pk: Standing() for rule in rules}
    _count(project_id, found, now)
    for rule in rules:
        found[rule.pk].out_of_budget = _is_out_of_budget(rule, found[rule.pk])
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"p": project_id, "most": MOST_COUNTED})
        for id, n, oldest, more, why in cursor.fetchall():
            if id in found:  # one that was just deleted is not
                found[id].pending, found[id].oldest, found[id].more_pending = n, oldest, more
                found[id].waits_for = why
        failing = [rule for rule in rules if found[rule.pk].week.errored]
        pairs = [(rule.pk, evaluator.metric_id) for rule in failing for evaluator in rule.evaluators.all()]
        if pairs:
            ids, metrics = (list(column) for column in zip(*pairs, strict=True))
            cursor.execute(LAST_ERRORS, {"p": project_id, "rules": ids, "metrics": metrics, "since": now - WEEK})
            for id, *rest in cursor.fetchall():
                found[id].last_error = LastError(*rest)
    return found


def _count(project_id: int, found: dict[int, Standing], now: datetime) -> None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    counts = RuleCount.objects.filter(project_id=project_id, rule_id__in=list(found), hour__gt=now - WEEK)
    within = Q(hour__gt=now - DAY)
    rows = counts.values("rule_id", "gate").annotate(
        week=Sum("count"), week_cost=Sum("cost"), day=Sum("count", filter=within), day_cost=Sum("cost", filter=within),
        today=Sum("count", filter=Q(hour__gte=today)), today_cost=Sum("cost", filter=Q(hour__gte=today)),
    )  # fmt: skip
    for row in rows:
        standing = found[row["rule_id"]]
        for funnel, name in ((standing.day, "day"), (standing.week, "week")):
            funnel.counts[row["gate"]] = row[name] or 0
            funnel.cost += row[f"{name}_cost"] or 0
        standing.spent += row["today_cost"] or 0
        if row["gate"] == Counted.CALLS:
            standing.calls_today = row["today"] or 0
        elif row["gate"] == Counted.OVER_BUDGET:
            standing.over_today = row["today"] or 0


def _is_out_of_budget(rule: Rule, standing: Standing) -> bool:
    """A budget that was raised since is not used up, whatever was over it before."""
    usd, calls = rule.budget_usd_day, rule.budget_calls_day
    used_up = (usd is not None and standing.spent >= usd) or (calls is not None and standing.calls_today >= calls)
    return rule.at_work and used_up

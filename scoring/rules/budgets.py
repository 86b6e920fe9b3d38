"""What a rule may still spend today.

Evaluations are counted when they are planned. Of USD, what was spent and what those that wait are expected to cost; and
since nobody knows that before, the spending itself ends it too (`enforce`).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from records.scores import withdraw_rule
from scoring.models import Counted, EvaluatorVersion, Rule, Why
from scoring.rules.counting import Spent, add_counts, note_unscored, spent_today
from scoring.runs.estimate import expected_cost

WAITING = """
SELECT evaluator_version_id, count(*) FROM score
WHERE project_id = %s AND rule_id IS NOT NULL AND rule_id = %s AND status = 0 GROUP BY 1
"""


class Budget:
    """What is left of one rule's day, while `records` are planned."""

    def __init__(self, rule: Rule, versions: Sequence[EvaluatorVersion], spent: Spent, records: Sequence[UUID]) -> None:
        self.calls_left = None if rule.budget_calls_day is None else rule.budget_calls_day - spent.calls
        self.usd_left: Decimal | None = None
        self.calls, self.usd = len(versions), Decimal(0)
        if rule.budget_usd_day is not None:
            each = {
                version.pk: expected_cost(rule.project_id, version.evaluator, records) or Decimal(0)
                for version in versions
            }
            self.usd = sum(each.values(), Decimal(0))
            with connection.cursor() as cursor:
                cursor.execute(WAITING, [rule.project_id, rule.pk])
                expected = sum((each.get(id, Decimal(0)) * n for id, n in cursor.fetchall()), Decimal(0))
            self.usd_left = rule.budget_usd_day - spent.usd - expected

    def spend(self) -> bool:
        """One record's evaluations, where there is room for all of them."""
        if self.calls_left is not None and self.calls_left < self.calls:
            return False
        if self.usd_left is not None and (self.usd_left <= 0 or self.usd_left < self.usd):
            return False
        if self.calls_left is not None:
            self.calls_left -= self.calls
        if self.usd_left is not None:
            self.usd_left -= self.usd
        return True


def enforce(project_id: int) -> None:
    """Takes away what still waits of rules that have spent their USD of today. Each record is noted as unscored."""
    limits = dict(
        Rule.objects.filter(project_id=project_id, budget_usd_day__isnull=False).values_list("id", "budget_usd_day")
    )
    spent = spent_today(limits) if limits else {}
    for rule_id, limit in limits.items():
        while spent.get(rule_id, Spent()).usd >= limit and _withdraw(project_id, rule_id):
            pass


def _withdraw(project_id: int, rule_id: int) -> int:
    with transaction.atomic():
        gone = withdraw_rule(project_id, rule_id)
        if gone:
            records = Counter(gone)
            note_unscored(project_id, ((rule_id, id) for id in records), Why.OVER_BUDGET)
            counts: dict[tuple[int, Counted], int] = defaultdict(int)
            counts[rule_id, Counted.OVER_BUDGET] = len(records)
            counts[rule_id, Counted.PLANNED] = -len(records)
            counts[rule_id, Counted.CALLS] = -len(gone)
            add_counts(project_id, counts)
    return len(gone)

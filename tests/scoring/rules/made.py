"""What tests of rules begin with: a saved rule, its counts, and scores that it has planned."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import ScoreSource, Source
from records.scores import Task, plan_scores
from scoring.models import Rule, RuleCount
from scoring.rules.editing import save_rule


def rule(project, *evaluators, **fields) -> Rule:
    terms = {"name": "Support", "spans_mode": "root", "rate": 1.0, "enabled": True} | fields
    return save_rule(project, "anna", evaluators=list(evaluators), **terms)


def fresh(project, count: int, outputs: str = "ok") -> list[UUID]:
    """Ids of records of just now, which have ended."""
    drafts = [
        RecordDraft(f"f{n}", Source.API, timezone.now(), inputs={"n": n}, outputs=outputs, model="gpt")
        for n in range(count)
    ]
    return ingest(project, drafts, "ci").ids


def counted(rule: Rule, hours_ago: float = 0, cost: float = 0, **counts: int) -> None:
    """Counts of one hour; `cost` in USD goes to what was completed."""
    hour = (timezone.now() - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
    for gate, n in counts.items():
        RuleCount.objects.create(
            project=rule.project, rule=rule, hour=hour, gate=gate, count=n, cost=cost if gate == "completed" else 0
        )


def planned(rule: Rule, evaluator, ids) -> None:
    """Pending scores, as the rule's planning makes them."""
    task = Task(
        evaluator.metric_id, f"rule:{rule.pk}:{evaluator.current_id}", ScoreSource.CODE, evaluator=evaluator.slug,
        evaluator_version_id=evaluator.current_id, version_no=evaluator.current.number, rule_id=rule.pk, rule=rule.slug,
        probability=rule.rate,
    )  # fmt: skip
    plan_scores(rule.project_id, ids, [task])

"""Rules of a demo project with a past: versions, hourly counts by the gates themselves, and scores that bear a rule.

What the evaluators say was told with the stories: a rule's score repeats what its evaluator has said of the record.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from evalhub.models import Project
from experiments.demo.setups import AUTHOR
from experiments.demo.stories import FIELD_OF, Plan
from records.limits import MAX_ITEMS
from records.models import Metric, Outbox, Record, Score, ScoreSource, ScoreStatus
from records.scores import ScoreResult, Task, claim, complete, plan_scores
from records.values import TypedValue, read_value
from scoring.models import Counted, Evaluator, Rule, RuleCount, RuleVersion, Unscored, Why
from scoring.rules.editing import save_rule
from scoring.rules.facts import conditions_of, facts_of
from scoring.rules.gates import PASSED, decide

DAYS = 7  # of the past that is counted and scored
LEASE_SECONDS = 300
STEPS = (Counted.SEEN, Counted.SPANS, Counted.FILTER, Counted.SAMPLED)
OUTCOMES = {
    ScoreStatus.COMPLETED: Counted.COMPLETED, ScoreStatus.ERRORED: Counted.ERRORED,
    ScoreStatus.SKIPPED: Counted.SKIPPED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A rule from `days_ago` on, with changes of its terms `later_days_ago`; `paused_days_ago`: somebody paused it."""

    name: str
    description: str
    evaluators: tuple[str, ...]
    terms: dict[str, Any]
    days_ago: float
    later: tuple[dict[str, Any], ...] = ()
    later_days_ago: float = 0
    paused_days_ago: float | None = None


@dataclass(slots=True)
class Hours:
    """What is counted, by hour."""

    counts: dict[tuple[datetime, Counted], int] = field(default_factory=lambda: defaultdict(int))
    costs: dict[datetime, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, at: datetime, gate: Counted, n: int = 1) -> None:
        self.counts[at.replace(minute=0, second=0, microsecond=0), gate] += n

    def store(self, rule: Rule) -> None:
        RuleCount.objects.bulk_create(
            RuleCount(
                project_id=rule.project_id, rule=rule, hour=hour, gate=gate, count=n,
                cost=self.costs[hour] if gate == Counted.COMPLETED else 0,
            )
            for (hour, gate), n in self.counts.items()
        )  # fmt: skip


def make_rules(project: Project, told: Sequence[Told], plan: Plan) -> int:
    """How many scores they have made."""
    Outbox.objects.filter(project=project).delete()  # the past is told here: the planner would put all of it into now
    return sum(_past(_made(project, one, plan), plan.now) for one in told)


def _made(project: Project, told: Told, plan: Plan) -> Rule:
    evaluators = list(Evaluator.objects.filter(project=project, slug__in=told.evaluators))
    about = {"name": told.name, "description": told.description, "evaluators": evaluators}
    rule = save_rule(project, AUTHOR, **about, **told.terms, enabled=True)
    days = [told.days_ago]
    for change in told.later:
        save_rule(project, AUTHOR, rule=rule, **change)
        days.append(told.later_days_ago)
    if told.paused_days_ago is not None:
        save_rule(project, AUTHOR, rule=rule, enabled=False)
        days.append(told.paused_days_ago)
    # The demo's past is told, not lived; and the same traces are drawn each time.
    starts = [plan.now - timedelta(days=n) for n in days]
    salt = f"demo {told.name}"[:32]
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True), 1):
        RuleVersion.objects.filter(rule=rule, number=number).update(valid_from=start, valid_to=end, salt=salt)
    Rule.objects.filter(pk=rule.pk).update(created_at=starts[0], enabled_at=starts[0], salt=salt)
    rule.refresh_from_db()
    return rule


def _past(rule: Rule, now: datetime) -> int:
    """Lets the records of the last days pass by, each by the version of its time."""
    hours, drawn = Hours(), []
    versions = list(rule.versions.all())
    conditions, _ = conditions_of(rule.project, {version.filter for version in versions})
    records = Record.objects.filter(project=rule.project, created_at__gt=now - timedelta(days=DAYS))
    at = dict(records.order_by("created_at", "id").values_list("id", "created_at"))
    for ids in batched(at, MAX_ITEMS):
        facts = {found.id: found for found in facts_of(rule.project_id, ids, conditions)}
        for id in ids:
            version = next((one for one in versions if one.valid_from <= at[id]), None)
            passed = PASSED[decide(version, facts[id])] if version else 0
            for step in STEPS[:passed]:
                hours.add(at[id], step)
            if passed == len(STEPS):
                drawn.append(id)
    made = _scored(rule, _within_budget(rule, drawn, at, hours), at, hours)
    hours.store(rule)
    return made


def _within_budget(rule: Rule, drawn: Iterable[UUID], at: dict[UUID, datetime], hours: Hours) -> list[UUID]:
    """Of each day (UTC) as many as the budget of calls has room for; the others are noted."""
    kept, over, calls = [], [], defaultdict(int)
    each = rule.evaluators.count()
    for id in drawn:
        day = at[id].astimezone(UTC).date()
        if rule.budget_calls_day is not None and calls[day] + each > rule.budget_calls_day:
            over.append(id)
            hours.add(at[id], Counted.OVER_BUDGET)
        else:
            calls[day] += each
            kept.append(id)
            hours.add(at[id], Counted.PLANNED)
            hours.add(at[id], Counted.CALLS, each)
    Unscored.objects.bulk_create(
        Unscored(project=rule.project, rule=rule, record_id=id, reason=Why.OVER_BUDGET, at=at[id]) for id in over
    )
    return kept


def _scored(rule: Rule, ids: Sequence[UUID], at: dict[UUID, datetime], hours: Hours) -> int:
    """Plans the rule's scores and plays the worker."""
    made = 0
    for evaluator in rule.evaluators.select_related("metric", "current"):
        said = _said(rule.project_id, evaluator, ids)
        known = [id for id in ids if id in said]
        for part in batched(known, MAX_ITEMS):
            plan_scores(rule.project_id, part, [_task(rule, evaluator)])
            claimed = claim(rule.project_id, None, MAX_ITEMS, LEASE_SECONDS)
            results = [_result(task.id, task.attempts, evaluator.metric, said[task.record_id]) for task in claimed]
            complete(rule.project_id, results)
            for result in results:
                moment = at[result.record_id]
                hours.add(moment, OUTCOMES[result.status])
                if result.status == ScoreStatus.COMPLETED:
                    hours.costs[moment.replace(minute=0, second=0, microsecond=0)] += result.cost or 0
            made += len(results)
    return made


def _task(rule: Rule, evaluator: Evaluator) -> Task:
    source = ScoreSource.LLM if evaluator.type == "llm" else ScoreSource.CODE
    return Task(
        evaluator.metric_id, f"rule:{rule.pk}:{evaluator.current_id}", source, per_input=True,
        scorer=evaluator.current.definition.get("model", ""), evaluator=evaluator.slug,
        evaluator_version_id=evaluator.current_id, version_no=evaluator.current.number, rule_id=rule.pk, rule=rule.slug,
        probability=rule.rate,
    )  # fmt: skip


def _said(project_id: int, evaluator: Evaluator, ids: Sequence[UUID]) -> dict[UUID, Score]:
    """What the evaluator has said of each record, its newest word."""
    found: dict[UUID, Score] = {}
    scores = Score.objects.filter(project_id=project_id, record_id__in=ids, evaluator=evaluator.slug)
    for score in scores.exclude(status=ScoreStatus.PENDING).order_by("id"):
        found[score.record_id] = score
    return found


def _result(id: UUID, attempts: int, metric: Metric, said: Score) -> ScoreResult:
    return ScoreResult(
        id, said.record_id, attempts, ScoreStatus(said.status), value=_value(metric, said), reasoning=said.reasoning,
        error=said.error, scorer=said.scorer, tokens=said.tokens, cost=said.cost, duration_ms=said.duration_ms,
    )  # fmt: skip


def _value(metric: Metric, said: Score) -> TypedValue | None:
    name = FIELD_OF[metric.value_type]
    return read_value(metric, {name: getattr(said, name)}) if said.status == ScoreStatus.COMPLETED else None

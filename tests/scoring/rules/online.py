"""What tests of online scoring begin with: rules at work, records by ingest, and a worker that is called by hand."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Record, Score, Source
from scoring.models import OpenTrace, Rule, RuleCount
from scoring.rules import planning, working
from scoring.rules.editing import save_rule
from scoring.sandbox import Sandbox
from tests.scoring.running import exact

START = timezone.now() - timedelta(hours=1)


def rule(project, name: str = "Support", evaluators=None, **fields) -> Rule:
    """At work on all spans, each of which is drawn."""
    evaluators = evaluators if evaluators is not None else [exact(project, f"e{Rule.objects.count()}")]
    terms = {"spans_mode": "all", "rate": 1.0, "enabled": True} | fields
    return save_rule(project, "anna", name=name, evaluators=evaluators, **terms)


def span(key: str, parent: str = "", trace: str = "t", *, at: int = 0, ended: bool = True, **fields) -> RecordDraft:
    start = START + timedelta(seconds=at)
    end = start + timedelta(seconds=1) if ended else None
    fields = {"name": key, "inputs": {"of": key}, "outputs": "1"} | fields
    return RecordDraft(
        f"{trace}:{key}", Source.TRACE, start, started_at=start, ended_at=end, trace_id=trace, span_id=key,
        parent_id=parent, **fields,
    )  # fmt: skip


def sent(project, *drafts: RecordDraft) -> list[UUID]:
    return ingest(project, drafts, "ci").ids


def plan(project) -> None:
    planning.plan(project.pk)


def score(project) -> None:
    """All that a worker would do now, in this process."""
    with Sandbox() as sandbox:
        while planning.plan(project.pk) or working.take_turn(project.pk, 20, sandbox):
            pass


def turn(project, seconds: float = 20) -> bool:
    """A worker's turn at what is planned; whether more is left."""
    with Sandbox() as sandbox:
        return working.take_turn(project.pk, seconds, sandbox)


def quiet(project) -> None:
    """Nothing has come for so long that all traces are due."""
    OpenTrace.objects.filter(project=project).update(due_at=START)


def scores_of(rule: Rule):
    return Score.objects.filter(project_id=rule.project_id, rule_id=rule.pk)


def scored(rule: Rule) -> list[str]:
    """The names of the records that the rule has planned, one for each score."""
    ids = list(scores_of(rule).order_by("id").values_list("record_id", flat=True))
    names = dict(Record.objects.filter(project_id=rule.project_id).values_list("id", "name"))
    return sorted(names[id] for id in ids)


def counted(rule: Rule) -> dict[str, int]:
    return {
        row["gate"]: row["n"]
        for row in RuleCount.objects.filter(rule=rule).values("gate").annotate(n=Sum("count")).order_by()
        if row["n"]
    }

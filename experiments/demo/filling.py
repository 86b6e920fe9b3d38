"""Takes stories into a project through the product's own doors: ingest, scores added, tasks planned."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

from evalhub.models import Project
from experiments.demo.stories import FIELD_OF, Judgement, Story
from records.ids import uuid7
from records.ingest import ingest
from records.limits import MAX_ITEMS
from records.models import Metric, ScoreSource, ScoreStatus
from records.scores import Claimed, NewScore, Task, add_scores, claim, plan_scores, put_back
from records.tagging import know_tags
from records.values import TypedValue, read_value

type Versions = dict[tuple[str, int | None], int]

SENDER = "demo"
CLAIMED_AT_ONCE = 1_000
LEASE_SECONDS = 300
AFTER_JUDGE, AFTER_PERSON, AFTER_RESCORE = timedelta(seconds=20), timedelta(hours=3), timedelta(days=2)
NO_RUN = 0  # what the demo itself claims: of no scoring run and of no rule
WAITS = timedelta(days=365)  # what the demo shows as pending stays so: no worker knows its evaluator


@dataclass(slots=True)
class Filled:
    records: int = 0  # roots
    spans: int = 0  # all records
    scores: int = 0


def fill(project: Project, stories: Iterable[Story], now: datetime, versions: Versions) -> Filled:
    """Stores the stories, a thousand records a transaction. `versions`: ids by (evaluator slug, number)."""
    metrics = {metric.slug: metric for metric in Metric.objects.filter(project=project)}
    filled, tasks, tags = Filled(), [], set()
    for group in _batches(stories):
        drafts = [draft for story in group for draft in story.drafts]
        ids = {draft.external_id: id for draft, id in zip(drafts, ingest(project, drafts, SENDER).ids, strict=True)}
        rooted = [(ids[story.drafts[0].external_id], story) for story in group]
        for turn in (0, 1):  # a re-score comes after the first score, and people after the judges
            new = [
                _new_score(id, judgement, metrics, story.drafts[0].created_at, versions, now)
                for id, story in rooted
                for judgement in story.judgements
                if judgement.status != ScoreStatus.PENDING and judgement.turn == turn
            ]
            add_scores(project.id, new)
            filled.scores += len(new)
        tasks += [(id, j) for id, story in rooted for j in story.judgements if j.status == ScoreStatus.PENDING]
        tags.update(tag for draft in drafts for tag in draft.tags or ())
        filled.records += len(group)
        filled.spans += len(drafts)
    _wait(project.id, tasks, metrics, now, versions)
    know_tags(project.id, sorted(tags))
    filled.scores += len(tasks)
    return filled


def _batches(stories: Iterable[Story]) -> Iterator[list[Story]]:
    """Stories whose records fit into one transaction."""
    batch, size = [], 0
    for story in stories:
        if size + len(story.drafts) > MAX_ITEMS:
            yield batch
            batch, size = [], 0
        batch.append(story)
        size += len(story.drafts)
    if batch:
        yield batch


def _new_score(
    record_id: UUID,
    judgement: Judgement,
    metrics: dict[str, Metric],
    happened: datetime,
    versions: Versions,
    now: datetime,
) -> NewScore:
    metric = metrics[judgement.metric]
    wait = AFTER_PERSON if judgement.source == ScoreSource.HUMAN else (AFTER_JUDGE, AFTER_RESCORE)[judgement.turn]
    at = min(happened + wait, now)
    return NewScore(
        record_id, metric, _typed(metric, judgement), judgement.source, sender=SENDER, scorer=judgement.scorer,
        key=f"{judgement.evaluator or judgement.scorer}:{judgement.version or judgement.turn}",
        reasoning=judgement.reasoning, evaluator=judgement.evaluator, version_no=judgement.version,
        tokens=judgement.tokens, cost=judgement.cost, duration_ms=judgement.duration_ms,
        evaluator_version_id=versions.get((judgement.evaluator, judgement.version)),
        status=judgement.status, error=judgement.error,
        attempts=0 if judgement.status == ScoreStatus.COMPLETED else judgement.attempts,
        at=at, id=uuid7(int(at.timestamp() * 1000)),
    )  # fmt: skip


def _typed(metric: Metric, judgement: Judgement) -> TypedValue:
    if judgement.status != ScoreStatus.COMPLETED:
        return TypedValue()
    return read_value(metric, {FIELD_OF[metric.value_type]: judgement.value})


def _wait(
    project_id: int, found: list[tuple[UUID, Judgement]], metrics: dict[str, Metric], now: datetime, versions: Versions
) -> None:
    """Plans what waits, then plays the worker that puts it off."""
    groups: dict[tuple, list[UUID]] = defaultdict(list)
    for record_id, j in found:
        groups[j.metric, j.source, j.evaluator, j.version, j.scorer].append(record_id)
    for (slug, source, evaluator, version, scorer), record_ids in groups.items():
        key = f"demo:{slug}:{evaluator}:{version or 0}"
        task = Task(
            metrics[slug].id, key, source, scorer=scorer, evaluator=evaluator, version_no=version,
            evaluator_version_id=versions.get((evaluator, version)), run_id=NO_RUN,
        )  # fmt: skip
        for part in batched(record_ids, MAX_ITEMS):
            plan_scores(project_id, part, [task])
    reasons = {(record_id, metrics[j.metric].id): j.error for record_id, j in found}
    while claimed := claim(project_id, NO_RUN, CLAIMED_AT_ONCE, LEASE_SECONDS):
        put_off: dict[str, list[Claimed]] = defaultdict(list)
        for task in claimed:
            put_off[reasons[task.record_id, task.metric_id]].append(task)
        for reason, tasks in put_off.items():
            put_back(project_id, tasks, reason, not_before=now + WAITS)

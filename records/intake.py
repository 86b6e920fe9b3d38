"""Sent objects -> stored records, item by item: what cannot be a record is refused with its reasons, the rest goes in.

The one door for JSON from outside, used by the API and by `import_records`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from evalhub.models import Project
from records.automatic import automatic_slug, foreseen
from records.drafts import RecordDraft, Sender
from records.ingest import ingest
from records.json_drafts import NAMES, BadRecord, drafts_from_json
from records.json_values import Problem
from records.limits import MAX_ITEMS
from records.metrics import UnknownMetric
from records.models import Metric, Record
from records.prices import estimate_cost
from records.sanitize import Refused, clean
from records.values import ValueProblem

# What says which record a piece belongs to and when it happened; and what other calls are for.
FIXED = frozenset({
    "external_id", "source", "created_at", "created_by", "trace_id", "span_id", "parent_id", "scores", "spans",
    "cost_estimated", "truncated",
})  # fmt: skip


class TooMany(Exception):
    """More records and spans at once than go into one transaction. Nothing was stored."""


@dataclass(slots=True)
class Accepted:
    """Item number `index`, now a record; `spans` are the ids of its nested spans, in the order they were sent."""

    index: int
    id: UUID
    external_id: str
    spans: list[UUID]


@dataclass(slots=True)
class Intake:
    accepted: list[Accepted] = field(default_factory=list)
    refused: dict[int, list[Problem]] = field(default_factory=dict)
    created: int = 0
    updated: int = 0


def take(project: Project, items: Sequence[Any], sender: Sender) -> Intake:
    """Stores the items that are records, all of them in one transaction. Raises TooMany."""
    intake = Intake()
    read: dict[int, list[RecordDraft]] = {}
    for index, item in enumerate(items):
        try:
            read[index] = _drafts(item, sender)
        except BadRecord as bad:
            intake.refused[index] = bad.problems
    if sum(map(len, read.values())) > MAX_ITEMS:
        raise TooMany(f"More than {MAX_ITEMS:,} records and spans in one call; send them in several.")
    _check_scores(project, items, read, intake)
    drafts = [draft for group in read.values() for draft in group]
    if not drafts:
        return intake
    for draft in drafts:
        estimate_cost(draft)
    _in_order(drafts)
    result = ingest(project, drafts, sender.name)
    intake.created, intake.updated = result.created, result.updated
    ids = iter(result.ids)
    for index, group in read.items():
        id, *spans = (next(ids) for _ in group)
        intake.accepted.append(Accepted(index, id, group[0].external_id, spans))
    index_of = [index for index, group in read.items() for _ in group]
    for number, why in result.refused_scores:  # a metric was changed in these very milliseconds
        problem = ("scores", f"The record is stored, but not its {why}")
        intake.refused.setdefault(index_of[number], []).append(problem)
    return intake


def _in_order(drafts: Sequence[RecordDraft]) -> None:
    """Ids made in one millisecond have no order: they are dealt out anew, so that what was sent first sorts first."""
    for draft, id in zip(drafts, sorted(draft.id for draft in drafts), strict=True):
        if draft.external_id == str(draft.id):
            draft.external_id = str(id)
        draft.id = id


def change(project: Project, record: Record, said: Any, sender: Sender) -> None:
    """Merges what is said into the record, as a later piece of it. Raises BadRecord, also for what cannot change."""
    if isinstance(said, dict):
        problems = [(name, "Cannot be changed.") for name in said if NAMES.get(name, name) in FIXED]
        problems += [(name, "A record has no such field.") for name in said if name not in NAMES]
        if problems:
            raise BadRecord(problems)
    drafts = _drafts(said, sender)
    (draft,) = drafts
    draft.external_id, draft.source, draft.created_at = record.external_id, record.source, record.created_at
    draft.trace_id, draft.span_id, draft.parent_id = record.trace_id, record.span_id, record.parent_id
    draft.created_by = ""
    ingest(project, drafts, sender.name)


def _drafts(item: Any, sender: Sender) -> list[RecordDraft]:
    try:
        clean(item)
    except Refused as refused:
        raise BadRecord([(refused.path, refused.message)]) from None
    return drafts_from_json(item, sender)


def _check_scores(project: Project, items: Sequence[Any], read: dict[int, list[RecordDraft]], intake: Intake) -> None:
    """Moves items with a score that its metric does not allow to the refused. Unknown metrics are foreseen here, and
    made with what is stored: a refused item leaves none behind."""
    wanted = {score.metric for group in read.values() for draft in group for score in draft.scores}
    if not wanted:
        return
    slugs = wanted | {automatic_slug(name) for name in wanted}
    metrics = {metric.slug: metric for metric in Metric.objects.filter(project=project, slug__in=slugs)}
    for index, group in list(read.items()):
        with_these = dict(metrics)
        problems = list(_score_problems(project, items[index], group, with_these))
        if problems:
            intake.refused[index] = problems
            del read[index]
        else:
            metrics = with_these


def _score_problems(
    project: Project, item: Any, group: Sequence[RecordDraft], metrics: dict[str, Metric]
) -> Iterator[Problem]:
    """Adds to `metrics` what the scores would make or change."""
    for draft, path in zip(group, _paths(item), strict=True):
        for n, score in enumerate(draft.scores):
            try:
                metric = foreseen(project, metrics, score.metric, score.value)
                metrics[metric.slug] = metric
                score.metric = metric.slug if metric.pk else score.metric
            except ValueProblem as problem:
                yield f"{path}scores.{n}.{problem.field}", problem.message
            except UnknownMetric as unknown:
                yield f"{path}scores.{n}.metric", str(unknown)


def _paths(item: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where the item's record and its spans stand in it, in the order of their drafts."""
    yield path
    for n, span in enumerate(item.get("spans") or []):
        yield from _paths(span, f"{path}spans.{n}.")

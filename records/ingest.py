"""Drafts to rows: the one way in for records, whatever door they came through.

One transaction a batch, in the one locking order of all writers (traces, records in id order, scores, roll-ups); the
statements and their reasons stand in records/sql/ingest.sql. A repeat is harmless, pieces of a record may come in any
order, and nothing is acknowledged before the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from evalhub.models import Project
from records.blobs import Lifted, lift
from records.drafts import RecordDraft, ScoreDraft
from records.ids import uuid7
from records.limits import BLOB_BYTES, MAX_AHEAD_SECONDS, MAX_ITEMS
from records.metrics import UnknownMetric, automatic_metric
from records.models import Metric, RecordSample
from records.scores import NewScore, fold_scores, open_stages, place_scores
from records.search_text import search_text
from records.signals import records_ingested
from records.sql import load, steps
from records.values import ValueProblem, read_value

SQL = load("ingest")

PLAIN = [
    f.name
    for f in fields(RecordDraft)
    if f.name not in ("scores", "metrics", "metadata", "inputs", "outputs", "expected")
]
COLUMNS = [*PLAIN, "metrics", "metadata", "inputs", "outputs", "expected", "search_text"]
COPY = f"COPY stage_record ({', '.join(COLUMNS)}) FROM STDIN"

_SAMPLED = [f.column for f in RecordSample._meta.concrete_fields]
SAMPLE = (
    f"INSERT INTO record_sample ({', '.join(_SAMPLED)}) SELECT {', '.join(_SAMPLED)} FROM record "  # noqa: S608
    "WHERE project_id = %(p)s AND id = ANY(%(ids)s::uuid[]) ORDER BY id ON CONFLICT (project_id, id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _SAMPLED if name not in ("project_id", "id"))
)


@dataclass(slots=True)
class IngestResult:
    """`ids` in the order of the drafts. `refused_scores`: (the draft's number, why its metric does not allow it)."""

    ids: list[UUID]
    created: int
    updated: int
    refused_scores: list[tuple[int, str]] = field(default_factory=list)


def ingest(project: Project, drafts: Sequence[RecordDraft], sender: str) -> IngestResult:
    """Stores at most 1,000 drafts in one transaction and announces them to online scoring.

    Drafts of one `external_id` are pieces of one record. `sender` is who they are from: it signs records and scores.
    """
    if not drafts:
        return IngestResult([], 0, 0)
    if len(drafts) > MAX_ITEMS:
        raise ValueError(f"{len(drafts)} records in one transaction: at most {MAX_ITEMS}.")
    merged, refused = _merged(drafts, sender), []
    scores = _scores(project, drafts, sender, refused)
    with transaction.atomic():
        known = _store(project.id, merged, scores)
        transaction.on_commit(lambda: records_ingested.send(sender=None, project_id=project.id))
    updated = sum(existed for _, existed in known.values())
    return IngestResult([known[d.external_id][0] for d in drafts], len(known) - updated, updated, refused)


def _store(project_id: int, drafts: dict[str, RecordDraft], scores: dict[str, list[NewScore]]) -> dict[str, tuple]:
    """external_id -> (id, whether it was there before)."""
    traces = sorted({draft.trace_id for draft in drafts.values() if draft.trace_id})
    keys = sorted({draft.trace_id or draft.external_id for draft in drafts.values()})
    lifted: list[Lifted] = []
    with connection.cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        step("trace_locks", keys=keys)
        step("stages")
        with cursor.copy(COPY) as copy:
            for draft in sorted(drafts.values(), key=lambda draft: draft.id):
                copy.write_row(_row(draft, lifted))
        step("before", traces=traces)
        step("upsert")
        known = {external_id: (id, existed) for external_id, id, existed in step("resolve")}
        step("payloads")
        if any(existed for _, existed in known.values()):
            _merge_payloads(step)
        if lifted:
            step(
                "blobs", hashes=[b.sha256 for b in lifted], types=[b.content_type for b in lifted],
                datas=[b.data for b in lifted],
            )  # fmt: skip
        step("roots")
        step("carry", traces=traces)
        open_stages()
        step("root_scores")
        new = [replace(score, record_id=known[key][0]) for key, group in scores.items() for score in group]
        if new:
            place_scores(project_id, new)
        step("after")
        step("record_rollup")
        sampled = sorted(id for (id,) in step("touched"))
        if sampled:
            cursor.execute(SAMPLE, {"p": project_id, "ids": sampled})
        fold_scores(project_id, [*(score.record_id for score in new), *sampled])
        step("announce", batch=uuid7())
    return known


def _row(draft: RecordDraft, lifted: list[Lifted]) -> list[Any]:
    inputs, outputs, expected = _json(draft.inputs), _json(draft.outputs), _json(draft.expected)
    text = search_text(draft.inputs, draft.outputs)
    if max(len(inputs or ""), len(outputs or ""), len(expected or "")) > BLOB_BYTES:
        kept = [lift(value, lifted) for value in (draft.inputs, draft.outputs, draft.expected)]
        inputs, outputs, expected = (_json(value) for value in kept)
        text = search_text(kept[0], kept[1])
    row = [getattr(draft, name) for name in PLAIN]
    return [*row, _json(draft.metrics), _json(draft.metadata), inputs, outputs, expected, text]


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def _merge_payloads(step: Any) -> None:
    """Hashes and search text of records whose payload came in pieces, from the whole of it."""
    rows = step("merged_payloads")
    if rows:
        texts = [search_text(_parsed(inputs), _parsed(outputs)) for _, inputs, outputs in rows]
        step("rehash", ids=[id for id, _, _ in rows], texts=texts)


def _parsed(value: Any) -> Any:
    """Django hands jsonb over as text, so that its own field can read it."""
    return orjson.loads(value) if isinstance(value, str) else value


def _merged(drafts: Sequence[RecordDraft], sender: str) -> dict[str, RecordDraft]:
    """One draft a record, its pieces laid over each other in their order; times that run ahead become now."""
    now = timezone.now()
    latest = now + timedelta(seconds=MAX_AHEAD_SECONDS)
    found: dict[str, RecordDraft] = {}
    for draft in drafts:
        before = found.get(draft.external_id)
        if before is not None:
            found[draft.external_id] = _over(before, draft)
            continue
        found[draft.external_id] = replace(
            draft,
            created_at=draft.created_at if draft.created_at <= latest else now,
            created_by=draft.created_by or sender,
        )
    for draft in found.values():
        if draft.latency_ms is None and draft.started_at and draft.ended_at:
            draft.latency_ms = _milliseconds(draft.started_at, draft.ended_at)
    return found


def _over(before: RecordDraft, piece: RecordDraft) -> RecordDraft:
    """What the later piece says stands before what the earlier one said; objects are joined."""
    said = {}
    for name in PLAIN:
        value = getattr(piece, name)
        if value not in (None, "") and name not in FIXED:
            said[name] = value
    if piece.cost is None or (piece.cost_estimated and before.cost is not None and not before.cost_estimated):
        said.pop("cost", None)
        said["cost_estimated"] = before.cost_estimated
    for name in ("inputs", "outputs", "expected"):
        value = getattr(piece, name)
        said[name] = getattr(before, name) if value is None else value
    said["started_at"] = min(filter(None, (before.started_at, piece.started_at)), default=None)
    said["ended_at"] = max(filter(None, (before.ended_at, piece.ended_at)), default=None)
    return replace(
        before, **said, truncated=before.truncated or piece.truncated, metrics=before.metrics | piece.metrics,
        metadata=before.metadata | piece.metadata,
    )  # fmt: skip


FIXED = ("id", "external_id", "created_at", "created_by", "source", "trace_id", "started_at", "ended_at", "truncated")


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, min(round((end - start).total_seconds() * 1000), 2**31 - 1))


def _scores(
    project: Project, drafts: Sequence[RecordDraft], sender: str, refused: list[tuple[int, str]]
) -> dict[str, list[NewScore]]:
    """The drafts' scores, typed, by external_id. Metrics are made before any lock: two senders may make the same."""
    found: dict[str, list[NewScore]] = {}
    wanted = {score.metric for draft in drafts for score in draft.scores}
    if not wanted:
        return found
    metrics = {metric.slug: metric for metric in Metric.objects.filter(project=project, slug__in=wanted)}
    for number, draft in enumerate(drafts):
        for score in draft.scores:
            try:
                metric = metrics.get(score.metric)
                if metric is None or metric.automatic:
                    metric = metrics[score.metric] = automatic_metric(project, score.metric, score.value)
                found.setdefault(draft.external_id, []).append(_typed(draft, score, metric, sender))
            except (ValueProblem, UnknownMetric) as problem:
                refused.append((number, f"score {score.metric}: {problem}"))
    return found


def _typed(draft: RecordDraft, score: ScoreDraft, metric: Metric, sender: str) -> NewScore:
    return NewScore(
        draft.id, metric, read_value(metric, score.value), score.source, sender=sender, key=score.key,
        scorer=score.scorer or sender, reasoning=score.reasoning,
    )  # fmt: skip

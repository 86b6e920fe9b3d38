"""Drafts to rows: the one way in for records, whatever door they came through.

One transaction a batch, in the one locking order of all writers (traces, records in id order, scores, roll-ups); the
statements and their reasons stand in records/sql/ingest.sql. A repeat is harmless, pieces of a record may come in any
order, and nothing is acknowledged before the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils import timezone

from evalhub.models import Project
from records.automatic import automatic_metric, is_settled
from records.blob_uses import SQL as BLOBS
from records.blob_uses import keep, named
from records.blobs import Lifted, lift, markers
from records.drafts import RecordDraft, ScoreDraft
from records.ended import has_ended
from records.limits import BLOB_BYTES, MAX_AHEAD_SECONDS, MAX_ITEMS
from records.metrics import UnknownMetric
from records.models import Metric, RecordSample
from records.new_traces import Place, places
from records.pieces import OBJECTS, PAYLOAD, PLAIN, STORED, complete, from_row, laid_over
from records.scores import NewScore, UnknownRecord, fold_scores, open_stages, place_scores
from records.search_text import search_text
from records.signals import records_ingested
from records.sql import Step, load, preparing_cursor, steps
from records.values import ValueProblem, read_value

SQL = BLOBS | load("ingest")
SQL["stored"] = SQL["stored"].replace("{stored}", ", ".join(f"{'y' if c in PAYLOAD else 'r'}.{c}" for c in STORED))
COPY = f"COPY stage_record ({', '.join((*PLAIN, *OBJECTS, *PAYLOAD, 'search_text', *Place._fields))}) FROM STDIN"

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
    What follows from the rest (latency, totals, cost) is filled in on the drafts themselves.
    """
    if not drafts:
        return IngestResult([], 0, 0)
    if len(drafts) > MAX_ITEMS:
        raise ValueError(f"{len(drafts)} records in one transaction: at most {MAX_ITEMS}.")
    lacking = 0
    while True:
        try:
            return _stored(project, drafts, sender)
        except ValueProblem:
            continue  # a metric was changed while its scores were read, and allows one no longer: read them again
        except UnknownRecord:
            lacking += 1
            if lacking > 1:
                raise
            # An automatic metric was taken back (automatic.forget_unused) while its scores were read: made anew.


def _stored(project: Project, drafts: Sequence[RecordDraft], sender: str) -> IngestResult:
    refused: list[tuple[int, str]] = []
    scores = _scores(project, drafts, sender, refused)
    batch = _Batch(project.id, _merged(drafts, sender))
    with transaction.atomic(), preparing_cursor() as cursor:
        batch.store(cursor, scores)
        if batch.is_news:
            # Robust: the records are stored, whatever becomes of the bell.
            transaction.on_commit(lambda: records_ingested.send_robust(sender=None, project_id=project.id))
    ids = {key: draft.id for key, draft in batch.drafts.items()}
    updated = len(batch.existed)
    return IngestResult([ids[draft.external_id] for draft in drafts], len(ids) - updated, updated, refused)


class _Batch:
    """Records by external_id, made ready before the transaction: locks are held for the database's work alone."""

    def __init__(self, project_id: int, drafts: dict[str, RecordDraft]) -> None:
        self.project_id, self.drafts = project_id, drafts
        self.lifted: dict[str, Lifted] = {}
        self.names: dict[UUID, set[str]] = {}  # the files that each record names
        self.renamed: list[UUID] = []  # the records that named some before
        self.rows = {key: self._row(draft) for key, draft in drafts.items()}
        self.existed: set[str] = set()
        self.ended: dict[UUID, bytes | None] = {}  # those that had ended before, and their inputs and outputs then
        self.is_news = False  # for online scoring

    def store(self, cursor: Any, scores: dict[str, list[NewScore]]) -> None:
        with connection.cursor() as plain:
            plain.execute(SQL["stages"])
        step = steps(cursor, SQL, self.project_id)
        traces = self._lock(step)
        locked = step("before", keys=list(self.drafts), traces=traces)
        known = [key for key, _ in locked if key in self.drafts]
        if known:
            self._lay_over_stored(step, known)
        begun = {trace for _, trace in locked}
        traces = [trace for trace in traces if trace in begun]
        in_place = places(d for d in self.drafts.values() if d.trace_id and d.trace_id not in begun)
        with cursor.copy(COPY) as copy:
            for key, row in sorted(self.rows.items(), key=lambda item: item[1][_ID]):
                copy.write_row([*row, *in_place.get(key, Place())])
        step("upsert", traces=traces)
        step("payloads", known=known)
        roots_change = bool(known)
        if traces:
            roots_change |= bool(step("roots", traces=traces))
            carried = {trace for (trace,) in step("carry", traces=traces)}
            if bare := [trace for trace in traces if trace not in carried]:
                step("crown", traces=bare)
                step("carry", traces=bare)
        self._count(cursor, step, scores, roots_change)
        if self.renamed:
            step("unname_blobs", holders=self.renamed)
        if self.names:
            keep(step, self.lifted, self.names)
        ended, hashes = list(self.ended), list(self.ended.values())
        running = [draft.id for draft in self.drafts.values() if not has_ended(draft, draft.outputs)]
        self.is_news = bool(step("announce", ended=ended, hashes=hashes, running=running))

    def _lock(self, step: Step) -> list[str]:
        """Nobody else writes these records or joins these traces until the commit; returns the traces."""
        drafts = self.drafts.values()
        traces = {draft.trace_id for draft in drafts if draft.trace_id}
        # A key that is our own new id is known to nobody else yet, and a span's key is locked with its trace.
        loose = sorted(
            d.external_id for d in drafts if d.external_id not in (f"{d.trace_id}:{d.span_id}", str(d.id))
        )  # fmt: skip
        if loose:
            step("key_locks", keys=loose)
            # Somebody else may be sending the same record as a span, whose key names its trace.
            traces.update(key.rpartition(":")[0] for key in loose if ":" in key[1:])
            traces.update(trace for (trace,) in step("traces_of", keys=loose))
        if loose or traces:
            step("trace_locks", keys=sorted(traces.union(loose)))
        return sorted(traces)

    def _lay_over_stored(self, step: Step, known: list[str]) -> None:
        for *row, input_hash in step("stored", keys=known):
            stored = from_row(row)
            key = stored.external_id
            whole = laid_over(stored, self.drafts[key])
            complete(whole)
            self.existed.add(key)
            if has_ended(stored, stored.outputs):
                self.ended[stored.id] = input_hash
            if any(True for name in PAYLOAD for _ in markers(getattr(stored, name))):
                self.renamed.append(stored.id)
            self.names.pop(self.drafts[key].id, None)
            self.drafts[key], self.rows[key] = whole, self._row(whole)

    def _count(self, cursor: Any, step: Step, scores: dict[str, list[NewScore]], roots_change: bool) -> None:
        """Scores, then each roll-up once, then the samples. Most batches have no scores and spend no time on them."""
        if scores or roots_change:
            open_stages()
        if roots_change:
            step("root_scores")
        new = [replace(score, record_id=self.drafts[key].id) for key, group in scores.items() for score in group]
        if new:
            place_scores(self.project_id, new)
        step("after")
        step("record_rollup")
        sampled = sorted(id for (id,) in step("touched"))
        if sampled:
            cursor.execute(SAMPLE, {"p": self.project_id, "ids": sampled})
        if scores or roots_change:
            fold_scores(self.project_id, [*(score.record_id for score in new), *sampled])

    def _row(self, draft: RecordDraft) -> list[Any]:
        payload = [getattr(draft, name) for name in PAYLOAD]
        texts = [_json(value) for value in payload]
        if max(len(text or "") for text in texts) > BLOB_BYTES:
            payload = [lift(value, self.lifted) for value in payload]
            texts = [_json(value) for value in payload]
        if files := named(payload, texts):
            self.names[draft.id] = files
        row = [getattr(draft, name) for name in PLAIN]
        return [*row, *(_json(getattr(draft, name)) for name in OBJECTS), *texts, search_text(payload[0], payload[1])]


_ID = PLAIN.index("id")


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()


def _merged(drafts: Sequence[RecordDraft], sender: str) -> dict[str, RecordDraft]:
    """One draft a record, its pieces laid over each other in their order; times that run ahead become now."""
    now = timezone.now()
    latest = now + timedelta(seconds=MAX_AHEAD_SECONDS)
    found: dict[str, RecordDraft] = {}
    for draft in drafts:
        before = found.get(draft.external_id)
        found[draft.external_id] = draft if before is None else laid_over(before, draft)
    for draft in found.values():
        draft.created_by = draft.created_by or sender
        if draft.created_at > latest:
            draft.created_at = now
        complete(draft)
    return found


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
                if not is_settled(metric, score.value):
                    metric = metrics[score.metric] = automatic_metric(project, score.metric, score.value)
                found.setdefault(draft.external_id, []).append(_typed(draft, score, metric, sender))
            except (ValueProblem, UnknownMetric) as problem:
                refused.append((number, f"score {score.metric}: {problem}"))
    return found


def _typed(draft: RecordDraft, score: ScoreDraft, metric: Metric, sender: str) -> NewScore:
    return NewScore(
        draft.id, metric, read_value(metric, score.value), score.source, sender=sender, key=score.key,
        said=not score.key, scorer=score.scorer or sender, reasoning=score.reasoning,
    )  # fmt: skip

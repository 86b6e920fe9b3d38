"""Reads a trace for its page: the spans, what evaluators found on them, and what the models took."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Sum

from records.models import Record, Score, ScoreSource, ScoreStatus
from records.span_tree import WHOLE_ROWS, Children, Span, tree_of

MAX_SPANS = 20_000  # of one trace: read and put in order at once
MAX_EVALUATIONS = 2_000  # drawn in one waterfall
ERROR_CHARS = 200

SPANS = """SELECT id, coalesce(nullif(span_id, ''), id::text), parent_id, name, kind, coalesce(started_at, created_at),
  latency_ms, cost, left(error, %s) FROM record
WHERE project_id = %s AND trace_id = %s AND trace_id <> '' ORDER BY created_at, id LIMIT %s"""
# The newest attempt of each evaluator on each span: a score that is asked for again is one line, not two.
EVALUATIONS = """SELECT DISTINCT ON (record_id, metric_id, evaluator) record_id, id, evaluator, outcome,
  duration_ms, cost, left(error, %s) FROM score
WHERE project_id = %s AND record_id = ANY(%s) AND evaluator <> '' AND status <> %s
ORDER BY record_id, metric_id, evaluator, id DESC LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Trace:
    """`begin` and `seconds` are the scale that bars are drawn on. `cut`: there are spans that were not read."""

    count: int
    cut: bool
    children: Children
    parents: dict[UUID, UUID | None]
    begin: datetime
    seconds: float

    @property
    def whole(self) -> bool:
        """Short enough to be drawn at once."""
        return self.count <= WHOLE_ROWS

    def path_to(self, id: UUID) -> list[UUID]:
        """The spans above `id`, nearest first."""
        path = []
        while (id := self.parents.get(id)) is not None:
            path.append(id)
        return path


class Evaluation(NamedTuple):
    record_id: UUID
    id: UUID
    evaluator: str
    outcome: int
    duration_ms: int | None
    cost: Decimal | None
    error: str


@dataclass(slots=True)
class Usage:
    model: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal | None = None


def trace_of(record: Record) -> Trace | None:
    """The trace that `record` is part of; None where it names none."""
    if not record.trace_id:
        return None
    with connection.cursor() as cursor:
        cursor.execute(SPANS, [ERROR_CHARS, record.project_id, record.trace_id, MAX_SPANS + 1])
        spans = [Span._make(row) for row in cursor]
    return built(spans[:MAX_SPANS], cut=len(spans) > MAX_SPANS) if spans else None


def built(spans: list[Span], cut: bool = False) -> Trace:
    children, parents = tree_of(spans)
    begin = min(span.started_at for span in spans)
    seconds = max((span.started_at - begin).total_seconds() + (span.latency_ms or 0) / 1000 for span in spans)
    return Trace(len(spans), cut, children, parents, begin, seconds)


def evaluations_of(project_id: int, ids: Collection[UUID]) -> dict[UUID, list[Evaluation]]:
    """What evaluators found on these records, oldest first; pending ones have found nothing yet."""
    found: dict[UUID, list[Evaluation]] = defaultdict(list)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(EVALUATIONS, [ERROR_CHARS, project_id, list(ids), ScoreStatus.PENDING, MAX_EVALUATIONS])
            for evaluation in map(Evaluation._make, cursor):
                found[evaluation.record_id].append(evaluation)
    for group in found.values():
        group.sort(key=lambda evaluation: evaluation.id)
    return found


def usage_of(record: Record) -> list[Usage]:
    """Calls, tokens and cost (USD) by model: of the whole trace, or of the record if it has none. Dearest first."""
    rows = _trace_or_record(record).exclude(model="").values("model").order_by()
    sums = rows.annotate(
        calls=Count("id"), given=Sum("tokens_in", default=0), made=Sum("tokens_out", default=0), paid=Sum("cost")
    )
    found = [Usage(row["model"], row["calls"], row["given"], row["made"], row["paid"]) for row in sums]
    return sorted(found, key=lambda use: (-(use.cost or 0), use.model))


def judges_of(record: Record) -> list[Usage]:
    """What the models that judged took, by model: calls, tokens in and out together as `tokens_in`, cost (USD)."""
    ids = _trace_or_record(record).values("id")
    scores = Score.objects.filter(project_id=record.project_id, record_id__in=ids, source=ScoreSource.LLM)
    rows = scores.exclude(status=ScoreStatus.PENDING).values("scorer").order_by()
    sums = rows.annotate(calls=Count("id"), used=Sum("tokens", default=0), paid=Sum("cost"))
    found = [Usage(row["scorer"], row["calls"], row["used"], 0, row["paid"]) for row in sums]
    return sorted(found, key=lambda use: (-(use.cost or 0), use.model))


def _trace_or_record(record: Record):
    rows = Record.objects.filter(project_id=record.project_id)
    return rows.filter(trace_id=record.trace_id).exclude(trace_id="") if record.trace_id else rows.filter(id=record.id)

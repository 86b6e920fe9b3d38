"""All that the page of one record shows, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from records.blobs import Marker, markers
from records.conversation import Message, messages_of, pretty
from records.models import Metric, Payload, Record, Score, ScoreStatus, Source
from records.span_tree import Bar, Span, waterfall
from records.word_diff import Piece, word_diff

SPANS_A_PAGE = 200
MAX_SPANS = 20_000  # of one trace: read and put in order at once
MAX_FILES = 50  # of one value, shown on the page
SHOWN_CHARS = 200_000  # of one value on the page; the API has it whole


@dataclass(slots=True)
class Value:
    """One of inputs, outputs, expected: as a conversation where it is one, else as text to read."""

    title: str
    messages: list[Message] | None
    text: str
    cut: bool = False
    empty: bool = False
    files: list[Marker] = field(default_factory=list)

    @classmethod
    def of(cls, title: str, value: Any) -> "Value":
        if value is None:
            return cls(title, None, "", empty=True)
        text, files = pretty(value), list(islice(markers(value), MAX_FILES))
        if len(text) > SHOWN_CHARS:
            return cls(title, None, text[:SHOWN_CHARS], cut=True, files=files)
        return cls(title, messages_of(value), text, files=files)


@dataclass(slots=True)
class MetricScores:
    """A metric's attempts on this record: the one that counts, the newest, and all of them, newest first."""

    metric: Metric
    attempts: list[Score]
    current: Score | None = None

    @property
    def latest(self) -> Score:
        return self.attempts[0]


@dataclass(slots=True)
class Usage:
    model: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal | None = None


@dataclass(slots=True)
class Detail:
    record: Record
    inputs: Value
    outputs: Value
    expected: Value
    diff: list[Piece] | None
    scores: list[MetricScores]
    bars: list[Bar] = field(default_factory=list)
    seconds: float = 0.0
    span_count: int = 0
    usage: list[Usage] = field(default_factory=list)
    next_spans: int | None = None
    has_payload: bool = True

    @property
    def is_testcase(self) -> bool:
        return bool(self.record.case_id) or not self.expected.empty

    @property
    def is_trace(self) -> bool:
        return self.record.source == Source.TRACE or self.span_count > 1

    @property
    def passing(self) -> tuple[int, int]:
        """How many current scores pass, of how many that pass or fail."""
        judged = [s.current.passed for s in self.scores if s.current and s.current.passed is not None]
        return sum(judged), len(judged)


def record_of(project_id: int, id: UUID) -> Record | None:
    return Record.objects.filter(project_id=project_id, id=id).first()


def detail_of(record: Record, first_span: int = 0) -> Detail:
    payload = Payload.objects.filter(project_id=record.project_id, record_id=record.id).first()
    held = payload or Payload()
    inputs, outputs = Value.of("Inputs", held.inputs), Value.of("Outputs", held.outputs)
    expected = Value.of("Expected", held.expected)
    diff = None
    if not expected.empty and not outputs.empty and not (expected.messages or outputs.messages):
        diff = word_diff(expected.text, outputs.text)
    detail = Detail(record, inputs, outputs, expected, diff, scores_of(record), has_payload=payload is not None)
    if record.trace_id:
        _add_trace(detail, first_span)
    return detail


def scores_of(record: Record) -> list[MetricScores]:
    attempts = list(
        Score.objects.filter(project_id=record.project_id, record_id=record.id).select_related("metric").order_by("-id")
    )
    grouped: dict[int, list[Score]] = defaultdict(list)
    for score in attempts:
        grouped[score.metric_id].append(score)
    found = [
        MetricScores(group[0].metric, group, next((s for s in group if s.is_current), None))
        for group in grouped.values()
    ]
    return sorted(found, key=lambda item: (item.metric.position, item.metric.id))


def _add_trace(detail: Detail, first: int) -> None:
    record = detail.record
    rows = (
        Record.objects.filter(project_id=record.project_id, trace_id=record.trace_id)
        .exclude(trace_id="")
        .order_by("created_at", "id")
        .values_list(
            "id", "span_id", "parent_id", "name", "kind", "started_at", "created_at", "latency_ms", "cost", "error",
            "model", "tokens_in", "tokens_out",
        )[:MAX_SPANS]
    )  # fmt: skip
    spans, usage = [], {}
    for id, span_id, parent, name, kind, started, created, latency, cost, error, model, given, made in rows:
        spans.append(Span(id, span_id or str(id), parent, name, kind, started or created, latency, cost, error))
        if model:
            _count(usage.setdefault(model, Usage(model)), given, made, cost)
    judged = [score for item in detail.scores for score in item.attempts if score.status != ScoreStatus.PENDING]
    evaluations = [score for score in reversed(judged) if score.evaluator]
    bars, detail.seconds = waterfall(spans, evaluations)
    detail.span_count = len(spans)
    detail.bars = bars[first : first + SPANS_A_PAGE]
    detail.next_spans = first + SPANS_A_PAGE if len(bars) > first + SPANS_A_PAGE else None
    detail.usage = sorted(usage.values(), key=lambda use: (-(use.cost or 0), use.model))


def _count(use: Usage, given: int | None, made: int | None, cost: Decimal | None) -> None:
    use.calls += 1
    use.tokens_in += given or 0
    use.tokens_out += made or 0
    if cost is not None:
        use.cost = (use.cost or 0) + cost


def judge_cost(scores: Sequence[MetricScores]) -> Decimal | None:
    """What measuring this record has cost so far, in USD; None where no score names a cost."""
    costs = [score.cost for item in scores for score in item.attempts if score.cost is not None]
    return sum(costs, Decimal()) if costs else None

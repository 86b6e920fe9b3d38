"""All that the page of one record shows, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.safestring import SafeString

from records.blobs import Marker, markers
from records.conversation import Message, messages_of, pretty
from records.json_tree import Link, json_tree
from records.models import Metric, Payload, Record, Score, ScoreStatus, Source
from records.word_diff import Piece, word_diff

MAX_FILES = 50  # of one value, shown on the page
SHOWN_CHARS = 200_000  # of one value on the page; the API has it whole
ATTEMPTS = 20  # of one metric beside the record; its Scores tab goes further back
ALL_ATTEMPTS = 200


@dataclass(slots=True)
class Value:
    """One of inputs, outputs, expected: as a conversation where it is one, as text or as a tree else."""

    title: str
    held: Any
    link: Link
    messages: list[Message] | None = None
    text: str = ""
    cut: bool = False
    files: list[Marker] = field(default_factory=list)

    @classmethod
    def of(cls, title: str, held: Any, link: Link) -> "Value":
        value = cls(title, held, link)
        if held is None:
            return value
        text, value.files = pretty(held), list(islice(markers(held), MAX_FILES))
        value.cut = len(text) > SHOWN_CHARS
        value.text = text[:SHOWN_CHARS]
        value.messages = None if value.cut else messages_of(held)
        return value

    @property
    def empty(self) -> bool:
        return self.held is None

    @property
    def is_text(self) -> bool:
        return isinstance(self.held, str)

    def tree(self) -> SafeString:
        return json_tree(self.held, self.link)


@dataclass(slots=True)
class MetricScores:
    """A metric's attempts on this record: the one that counts, the newest first, and how many there are in all."""

    metric: Metric
    attempts: list[Score]
    total: int
    current: Score | None = None

    @property
    def latest(self) -> Score:
        return self.attempts[0]

    @property
    def needs_a_look(self) -> bool:
        return self.current is not None and (self.current.passed is False or self.current.status == ScoreStatus.ERRORED)


@dataclass(slots=True)
class Detail:
    record: Record
    inputs: Value
    outputs: Value
    expected: Value
    has_payload: bool = True

    @property
    def values(self) -> list[Value]:
        return [self.inputs, self.outputs, *([] if self.expected.empty else [self.expected])]

    @property
    def diff(self) -> list[Piece] | None:
        """The way from what was expected to what came; None where one is a conversation, or too long to compare."""
        sides = (self.expected, self.outputs)
        if any(side.empty or side.messages or side.cut for side in sides):
            return None
        return word_diff(self.expected.text, self.outputs.text)

    @property
    def is_testcase(self) -> bool:
        return bool(self.record.case_id) or not self.expected.empty

    def is_trace(self, spans: int) -> bool:
        return self.record.source == Source.TRACE or spans > 1


def record_of(project_id: int, id: UUID) -> Record | None:
    return Record.objects.filter(project_id=project_id, id=id).first()


def detail_of(record: Record, links: dict[str, Link]) -> Detail:
    """`links` by field: where the parts of inputs, outputs and expected are fetched that the page does not hold."""
    payload = Payload.objects.filter(project_id=record.project_id, record_id=record.id).defer("search_text").first()
    held = payload or Payload()
    inputs, outputs, expected = (
        Value.of(name.capitalize(), getattr(held, name), links[name]) for name in ("inputs", "outputs", "expected")
    )
    return Detail(record, inputs, outputs, expected, has_payload=payload is not None)


def scores_of(record: Record, most: int = ATTEMPTS) -> list[MetricScores]:
    """The scores by metric, in the order of the columns: of each the newest `most` attempts, and the current one."""
    by_metric = {"partition_by": [F("metric_id")]}
    attempts = (
        Score.objects.filter(project_id=record.project_id, record_id=record.id)
        .annotate(age=Window(RowNumber(), order_by=F("id").desc(), **by_metric), total=Window(Count("id"), **by_metric))
        .filter(Q(age__lte=most) | Q(is_current=True))
        .select_related("metric")
        .order_by("-id")
    )
    grouped: dict[int, list[Any]] = defaultdict(list)
    for score in attempts:
        grouped[score.metric_id].append(score)
    found = [
        MetricScores(group[0].metric, group, group[0].total, next((s for s in group if s.is_current), None))
        for group in grouped.values()
    ]
    return sorted(found, key=lambda item: (item.metric.position, item.metric.id))


def passing(scores: Sequence[MetricScores]) -> tuple[int, int]:
    """How many current scores pass, of how many that pass or fail."""
    judged = [item.current.passed for item in scores if item.current and item.current.passed is not None]
    return sum(judged), len(judged)

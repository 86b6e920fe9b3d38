"""Records as items of a dataset: what went in, what is expected, and where it came from."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from evalhub.models import Project
from experiments.datasets.drafts import BadItem, Draft, read_draft
from records.conversation import messages_of
from records.models import Metric, Payload, Record, Score, ScoreSource, ScoreStatus, ValueType

BATCH = 500
OWN, OUTPUT = "own", "output"  # what is expected: as the record says, or what it gave
METRIC = "metric:"  # what people wrote for this comment metric, where they did; else as the record says


def expected_choices(project: Project) -> list[tuple[str, str]]:
    metrics = Metric.objects.filter(project=project, value_type=ValueType.COMMENT, archived_at=None)
    return [
        (OWN, "What the record itself expects"),
        (OUTPUT, "Its output, as it is"),
        *((f"{METRIC}{metric.slug}", f"What people wrote as {metric.name}, else as the record") for metric in metrics),
    ]


def drafts(
    project: Project, ids: Sequence[UUID], expected: str, split: str, tags: Sequence[str]
) -> Iterator[tuple[int, Draft | BadItem]]:
    """Numbered, in the order of the ids. A record is always the same case: adding it again changes its item."""
    number = 0
    for batch in batched(ids, BATCH):
        records = {record.id: record for record in Record.objects.filter(project=project, id__in=batch)}
        held = Payload.objects.filter(project=project, record_id__in=batch).defer("search_text")
        payloads = {payload.record_id: payload for payload in held}
        said = _said(project, batch, expected)
        for id in batch:
            number += 1
            record = records.get(id)
            if record is None:
                yield number, BadItem([("", "The record is not there any more.")])
                continue
            if id not in payloads:
                yield number, BadItem([("inputs", f"Those of the record {id} are no longer kept.")])
                continue
            yield number, _draft(record, payloads[id], expected, said.get(id), split, tags)


def _draft(
    record: Record, payload: Payload, expected: str, said: str | None, split: str, tags: Sequence[str]
) -> Draft | BadItem:
    if payload.inputs in (None, "", {}, []):
        return BadItem([("inputs", f"The record {record.id} has none.")])
    value = payload.outputs if expected == OUTPUT else payload.expected
    item: dict[str, Any] = {
        "id": str(record.id), "inputs": _inputs(payload.inputs), "expected": value if said is None else said,
        "metadata": _origin(record), "tags": list(tags), "split": split,
    }  # fmt: skip
    try:
        return read_draft(item)
    except BadItem as problem:
        return problem


def _inputs(value: Any) -> Any:
    """An object or messages as they are; anything else under a name of its own."""
    return value if isinstance(value, dict) or messages_of(value) is not None else {"input": value}


def _origin(record: Record) -> dict[str, Any]:
    said = {
        "record": str(record.id), "name": record.name, "model": record.model, "experiment": record.experiment,
        "case_id": record.case_id,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _said(project: Project, ids: Sequence[UUID], expected: str) -> dict[UUID, str]:
    if not expected.startswith(METRIC):
        return {}
    scores = Score.objects.filter(
        project=project, record_id__in=ids, metric__slug=expected.removeprefix(METRIC), source=ScoreSource.HUMAN,
        status=ScoreStatus.COMPLETED, is_current=True,
    )  # fmt: skip
    return {score.record_id: score.string_value for score in scores if score.string_value}

"""The rows of an experiment for a list: a page of them by keyset, with the beginning of their values, and scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Cast, Left

from experiments.models import Experiment, ExperimentRow, RowState
from experiments.running.scores import runs_of_set
from records.models import Score, ScoreStatus
from records.previews import PAYLOAD, Begun, previews

PREVIEW_CHARS = 300


@dataclass(frozen=True, slots=True)
class Preview:
    text: str
    truncated: bool


@dataclass(slots=True)
class Listed:
    """A row as a list shows it; None where there is no value (yet). `expired`: its record's are no longer kept."""

    row: ExperimentRow
    inputs: Preview | None = None
    outputs: Preview | None = None
    expected: Preview | None = None
    scores: list[Score] = field(default_factory=list)
    expired: bool = False


def page_of(
    experiment: Experiment, states: Sequence[str], after: int, size: int, text: str = ""
) -> tuple[list[ExperimentRow], int | None]:
    """The rows behind id `after` in those states (none given: all), and after which id the next page begins."""
    rows = ExperimentRow.objects.filter(experiment=experiment, id__gt=after)
    if states:
        rows = rows.filter(state__in=[state for state in states if state in RowState])
    if text:
        rows = rows.filter(case_id__icontains=text)
    found = list(_with_inputs(rows).order_by("id")[: size + 1])
    return found[:size], found[size - 1].id if len(found) > size else None


def listed(experiment: Experiment, rows: Sequence[ExperimentRow], chars: int = PREVIEW_CHARS) -> list[Listed]:
    """Two queries more: the values of their records, and the scores of set 1."""
    ids = [row.record_id for row in rows if row.record_id]
    begun = previews(experiment.project_id, ids, [(name,) for name in PAYLOAD], chars + 1)
    by_record: dict[Any, list[Score]] = {}
    for score in _scores(experiment, ids):
        by_record.setdefault(score.record_id, []).append(score)
    return [_one(row, begun, by_record, chars) for row in rows]


def _with_inputs(rows: QuerySet[ExperimentRow]) -> QuerySet[ExperimentRow]:
    """With the beginning of the case's inputs, for rows that have no record yet."""
    return rows.annotate(
        begins=Left(Cast("item__inputs", TextField()), Value(PREVIEW_CHARS + 1), output_field=TextField())
    )


def _scores(experiment: Experiment, ids: Sequence[Any]) -> list[Score]:
    """Each evaluator's newest; where the experiment has none, those that the records show."""
    its = Score.objects.filter(project_id=experiment.project_id, record_id__in=ids).select_related("metric")
    if runs := [run.pk for run in runs_of_set(experiment)]:
        newest = {
            (score.record_id, score.evaluator_version_id): score for score in its.filter(run_id__in=runs).order_by("id")
        }
        return list(newest.values())
    metrics = experiment.evaluators.filter(set_number=1).values("metric")
    return list(its.filter(is_current=True, metric__in=metrics).exclude(status=ScoreStatus.PENDING).order_by("id"))


def _one(row: ExperimentRow, begun: dict[UUID, Begun], by_record: dict, chars: int) -> Listed:
    values = begun.get(row.record_id, Begun())
    said = {name: _preview(values.get((name,)), chars) for name in PAYLOAD}
    if said["inputs"] is None:
        said["inputs"] = _preview(row.begins, chars)
    scores = sorted(by_record.get(row.record_id, []), key=lambda score: (score.metric.name, score.id))
    return Listed(row, **said, scores=scores, expired=values.expired)


def _preview(text: str | None, chars: int) -> Preview | None:
    return None if text is None else Preview(text[:chars], len(text) > chars)

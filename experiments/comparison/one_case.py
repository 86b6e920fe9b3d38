"""One case in several experiments side by side: outputs, what differs from the first's, and scores with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from experiments.comparison.reading import measures_of
from experiments.comparison.sides import Measure
from experiments.models import Experiment, ExperimentRow
from records.conversation import pretty
from records.models import Payload, Record, Score, ScoreSource, ScoreStatus
from records.word_diff import Piece, word_diff

SHOWN_CHARS = 20_000  # of an output; its record's page has it whole

SAME_INPUTS = """
SELECT r.* FROM experiment_row r JOIN record rec ON rec.project_id = r.project_id AND rec.id = r.record_id
WHERE r.experiment_id = %s AND r.project_id = %s AND rec.inputs_hash = %s ORDER BY r.case_id, r.epoch LIMIT 20
"""


@dataclass(slots=True)
class Column:
    """What one experiment made of the case in one epoch. `diff` leads from the first column's output to this one's;
    None where there is nothing to compare with, or it is too long."""

    experiment: Experiment
    rows: list[ExperimentRow]
    row: ExperimentRow | None = None
    record: Record | None = None
    inputs: Any = None
    expected: Any = None
    text: str | None = None
    cut: bool = False
    diff: list[Piece] | None = None
    scores: list[tuple[Measure, Score]] = field(default_factory=list)

    @property
    def epochs(self) -> list[int]:
        return [row.epoch for row in self.rows]


def side_by_side(experiments: Sequence[Experiment], case: str, epoch: int = 0) -> list[Column]:
    """`epoch` 0 is the first that has a record. A case of another id is found by equal inputs."""
    columns = [Column(one, _rows(one, case)) for one in experiments]
    _by_inputs(columns)
    for column in columns:
        with_record = [row for row in column.rows if row.record_id]
        wanted = [row for row in with_record if row.epoch == epoch]
        column.row = next(iter(wanted or with_record or column.rows), None)
    _fill(columns)
    first = columns[0].text
    for column in columns[1:]:
        if first is not None and column.text is not None:
            column.diff = word_diff(first, column.text)
    return columns


def _rows(experiment: Experiment, case: str) -> list[ExperimentRow]:
    found = ExperimentRow.objects.filter(project_id=experiment.project_id, experiment=experiment, case_id=case)
    return list(found.order_by("epoch"))


def _by_inputs(columns: list[Column]) -> None:
    """Fills columns without the case from those rows whose record has the same inputs as one that is there."""
    there = next((row for column in columns for row in column.rows if row.record_id), None)
    if there is None or all(column.rows for column in columns):
        return
    project = there.project_id
    known = Record.objects.filter(project_id=project, id=there.record_id).values_list("inputs_hash", flat=True).first()
    if known is None:
        return
    for column in columns:
        if not column.rows:
            column.rows = list(ExperimentRow.objects.raw(SAME_INPUTS, [column.experiment.pk, project, bytes(known)]))


def _fill(columns: list[Column]) -> None:
    ids = [column.row.record_id for column in columns if column.row and column.row.record_id]
    if not ids:
        return
    project = columns[0].experiment.project_id
    records = {one.id: one for one in Record.objects.filter(project_id=project, id__in=ids)}
    payloads = Payload.objects.filter(project_id=project, record_id__in=ids).defer("search_text")
    held = {payload.record_id: payload for payload in payloads}
    scores = Score.objects.filter(project_id=project, record_id__in=ids).select_related("metric").order_by("id")
    by_record: dict[UUID, list[Score]] = {}
    for score in scores:
        by_record.setdefault(score.record_id, []).append(score)
    for column in columns:
        id = column.row.record_id if column.row else None
        column.record = records.get(id)
        if payload := held.get(id):
            column.inputs, column.expected = payload.inputs, payload.expected
            whole = pretty(payload.outputs) if payload.outputs is not None else ""
            column.text, column.cut = whole[:SHOWN_CHARS], len(whole) > SHOWN_CHARS
        column.scores = _scores(column.experiment, by_record.get(id, []))


def _scores(experiment: Experiment, there: list[Score]) -> list[tuple[Measure, Score]]:
    """Of the experiment's first set: the newest completed one of each measure, else the newest attempt."""
    measures, runs = measures_of(experiment)
    found: dict[str, tuple[Measure, Score]] = {}
    for score in there:
        measure = measures.get((score.metric_id, score.evaluator_version_id or 0))
        if measure is None or not _counts(score, runs):
            continue
        held = found.get(measure.key)
        if held is None or score.status == ScoreStatus.COMPLETED or held[1].status != ScoreStatus.COMPLETED:
            found[measure.key] = (measure, score)
    return [found[measure.key] for measure in measures.values() if measure.key in found]


def _counts(score: Score, runs: set[int]) -> bool:
    if score.evaluator_version_id is None:
        return score.source == ScoreSource.API
    return score.run_id in runs or score.source == ScoreSource.HUMAN

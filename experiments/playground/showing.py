"""A playground run as the page shows it: a line a row, a cell a column, with the scores of the chosen evaluators."""

from dataclasses import dataclass
from typing import Any

from experiments.models import CellState, PlaygroundCell, PlaygroundRun
from records import cells as looks
from records.conversation import pretty
from records.current import shown_scores
from records.models import Metric
from scoring.models import Evaluator, RunStatus
from scoring.runs.starting import RunProblem, evaluators_named

MOST_ROW_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    case_id: str
    inputs: str
    cells: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """Of `cells` so many are `done`, with or without an error. `moves`: something is still to come, so the page asks
    again. `unscored` says why there will be no scores, or none for now."""

    lines: list[Line]
    cells: int
    done: int
    errored: int
    moves: bool
    unscored: str


def shown(run: PlaygroundRun) -> Shown:
    cells = list(PlaygroundCell.objects.filter(run=run).order_by("row", "column"))
    metrics = _metrics(run)
    ids = [cell.record_id for cell in cells if cell.record_id]
    current, newest = shown_scores(run.project_id, ids, [metric.id for metric in metrics])
    by_row: dict[int, list[dict[str, Any]]] = {}
    waits = run.finished_at is None
    for cell in cells:
        scores = []
        for metric in metrics if cell.record_id else ():
            one, last = current.get(cell.record_id, {}).get(metric.id), newest.get(cell.record_id, {}).get(metric.id)
            waits = waits or looks.is_awaited(one, last)
            if one is not None:
                scores.append((metric.name or metric.slug, looks.score(metric, one, last)))
        by_row.setdefault(cell.row, []).append({"cell": cell, "scores": scores})
    # The scores of a run that has not been planned yet are no scores so far.
    waits = waits or bool(run.scored_by and not run.scored_by.is_over)
    lines = [
        Line(number, row["case_id"], _inputs(row["inputs"]), by_row.get(number, []))
        for number, row in enumerate(run.rows)
    ]
    states = [cell.state for cell in cells]
    errored = states.count(CellState.ERRORED)
    done = states.count(CellState.DONE)
    unscored = _unscored(run) if done and run.finished_at else ""
    return Shown(lines, len(states), done + errored, errored, waits and not unscored, unscored)


def _unscored(run: PlaygroundRun) -> str:
    if run.scored_by:
        return f"The scoring is paused: {run.scored_by.reason}" if run.scored_by.status == RunStatus.PAUSED else ""
    try:
        evaluators_named(run.project, run.evaluators) if run.evaluators else None
    except RunProblem as why:  # archived meanwhile
        return f"The answers are not scored. {why}"
    return ""


def _metrics(run: PlaygroundRun) -> list[Metric]:
    if not run.evaluators:
        return []
    chosen = Evaluator.objects.filter(project_id=run.project_id, slug__in=run.evaluators).select_related("metric")
    return list({evaluator.metric_id: evaluator.metric for evaluator in chosen}.values())


def _inputs(inputs: Any) -> str:
    if isinstance(inputs, dict) and len(inputs) == 1:
        return pretty(next(iter(inputs.values())))[:MOST_ROW_CHARS]
    return pretty(inputs)[:MOST_ROW_CHARS] if inputs else ""

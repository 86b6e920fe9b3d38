"""The custom workflow's other side: a client claims rows, runs them on its own and submits what came of it.

A submission is taken once: whoever sends it again, or is late, gets the record that is there. The lease only keeps
clients from doing the same work; it is no condition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from experiments.models import UNFINISHED, Experiment, ExperimentRow, ExperimentState, RowState
from experiments.running import expiring, ringing, rows, scores
from experiments.running.rows import Claimed, case_of
from experiments.running.storing import have_records
from experiments.workflows.spans import Case
from records.drafts import Sender
from records.intake import take
from records.json_values import Problem
from records.limits import MAX_JSON_DEPTH
from records.models import Record
from scoring.runs.steering import NotNow

# What a submission cannot say: it follows from the row.
FOLLOWS = frozenset({
    "id", "external_id", "trace_id", "span_id", "parent_id", "inputs", "input", "expected", "expected_output",
    "experiment", "source", "created_by", "is_root",
})  # fmt: skip
OUTPUTS = ("outputs", "output", "llm_output")
OPEN = (RowState.PENDING, RowState.RUNNING, RowState.EXPIRED)


@dataclass(slots=True)
class Submitted:
    """Result number `index`, now a row's record; `repeat`: the row had it, or another, already."""

    index: int
    case_id: str
    epoch: int
    record: UUID | None
    repeat: bool


@dataclass(slots=True)
class Submission:
    accepted: list[Submitted] = field(default_factory=list)
    refused: dict[int, list[Problem]] = field(default_factory=dict)


def claim_rows(experiment: Experiment, limit: int, lease_seconds: float, by: str) -> list[Claimed]:
    """Rows for a client to run, for so many seconds. None where nothing waits. Raises NotNow once it was cancelled."""
    if experiment.state == ExperimentState.CANCELLED:
        raise NotNow("The experiment was cancelled.")
    expiring.expire(experiment)
    claimed = rows.claim(experiment, limit, lease_seconds, by)
    now = timezone.now()
    if claimed:
        Experiment.objects.filter(pk=experiment.pk).update(beat_at=now)
        started = Experiment.objects.filter(pk=experiment.pk, state=ExperimentState.PENDING)
        started.update(state=ExperimentState.RUNNING, started_at=now)
    return claimed


def submit(experiment: Experiment, results: Sequence[Any], sender: str) -> Submission:
    """Stores at most 1,000 results with their child spans, in one transaction, and has them scored. Each is taken or
    refused by itself. Raises intake.TooMany."""
    done = Submission()
    asked = {index: _named(index, result, done) for index, result in enumerate(results)}
    with transaction.atomic():
        state = Experiment.objects.values_list("state", flat=True).get(pk=experiment.pk)
        found = _locked(experiment, {key for key in asked.values() if key})
        items: dict[int, tuple[ExperimentRow, dict[str, Any]]] = {}
        for index, key in asked.items():
            if key is None:
                continue
            row = found.get(key)
            if row is None:
                done.refused[index] = [("case_id", f"The experiment has no case {key[0][:100]!r} in epoch {key[1]}.")]
            elif row.state not in (*OPEN, RowState.CANCELLED):
                done.accepted.append(Submitted(index, *key, row.record_id, repeat=True))
            elif state == ExperimentState.CANCELLED or row.state == RowState.CANCELLED:
                done.refused[index] = [("case_id", "The experiment was cancelled.")]
            elif state not in UNFINISHED:
                done.refused[index] = [("case_id", "Its time is over, and the experiment has ended: retry that first.")]
            elif any(other is row for other, _ in items.values()):
                done.refused[index] = [("case_id", "This call has another result of the same case and epoch.")]
            else:
                items[index] = row, _item(case_of(experiment, row), results[index])
        _store(experiment, items, sender, done)
    if any(not one.repeat for one in done.accepted):
        # It may have ended while these were being stored, for the last rows had expired: now they have not.
        ended = Experiment.objects.filter(pk=experiment.pk).exclude(state__in=(*UNFINISHED, ExperimentState.CANCELLED))
        ended.update(state=ExperimentState.RUNNING, finished_at=None, totals={})
        scores.hand_over(experiment)
        ringing.ring(experiment.pk)
    return done


def _named(index: int, result: Any, done: Submission) -> tuple[str, int] | None:
    """The result's case and epoch; None for what cannot be a result, with the reason among the refused."""
    problems: list[Problem] = []
    if not isinstance(result, Mapping):
        done.refused[index] = [("", "A result is an object with a case_id and outputs, or an error.")]
        return None
    case_id, epoch = result.get("case_id"), result.get("epoch", 1)
    if not isinstance(case_id, str) or not case_id:
        problems.append(("case_id", "Name the case, as the claim gave it."))
    if not isinstance(epoch, int) or isinstance(epoch, bool) or not 0 < epoch < 2**31:
        problems.append(("epoch", "Is a whole number from 1."))
    if not result.get("error") and not any(name in result for name in OUTPUTS):
        problems.append(("outputs", "Give the outputs, or an error."))
    problems += [(name, "Follows from the case and cannot be submitted.") for name in result if name in FOLLOWS]
    if problems:
        done.refused[index] = problems
        return None
    return case_id, epoch


def _locked(experiment: Experiment, keys: set[tuple[str, int]]) -> dict[tuple[str, int], ExperimentRow]:
    wanted = Q(case_id__in={case for case, _ in keys}, epoch__in={epoch for _, epoch in keys})
    found = ExperimentRow.objects.filter(wanted, experiment=experiment).select_related("item").order_by("id")
    return {key: row for row in found.select_for_update(of=["self"]) if (key := (row.case_id, row.epoch)) in keys}


def _item(case: Case, result: Mapping[str, Any]) -> dict[str, Any]:
    """The result as a record is sent: the root of a trace, with what follows from the row."""
    metadata, tags = result.get("metadata"), result.get("tags")
    said = {name: value for name, value in result.items() if name not in ("case_id", "epoch")}
    of_case = {"experiment": case.label, "case_id": case.case_id, "epoch": case.epoch}
    if isinstance(said.get("spans"), list):
        said["spans"] = [_span(span, of_case) for span in said["spans"]]
    if isinstance(metadata, dict) or metadata is None:
        said["metadata"] = (case.metadata or {}) | (metadata or {})
    if isinstance(tags, list) or tags is None:
        said["tags"] = list(dict.fromkeys([*case.tags, *(tag for tag in tags or [] if isinstance(tag, str))]))
    return {"name": case.name, "kind": "task"} | said | of_case | {
        "trace_id": case.trace_id, "span_id": case.root_id, "inputs": case.inputs, "expected": case.expected,
    }  # fmt: skip


def _span(span: Any, of_case: dict[str, Any], depth: int = 0) -> Any:
    """A child span that says which experiment it is of, as online scoring needs to know."""
    if not isinstance(span, dict) or depth > MAX_JSON_DEPTH:
        return span
    inner = span.get("spans")
    below = {"spans": [_span(one, of_case, depth + 1) for one in inner]} if isinstance(inner, list) else {}
    return span | of_case | below


def _store(
    experiment: Experiment, items: dict[int, tuple[ExperimentRow, dict[str, Any]]], sender: str, done: Submission
) -> None:
    if not items:
        return
    indexes = list(items)
    intake = take(experiment.project, [items[index][1] for index in indexes], Sender(sender, timezone.now()))
    done.refused |= {indexes[n]: problems for n, problems in intake.refused.items()}
    ids = {indexes[accepted.index]: accepted.id for accepted in intake.accepted}
    errors = dict(Record.objects.filter(project=experiment.project, id__in=ids.values()).values_list("id", "error"))
    have_records(experiment, [(items[index][0].id, id, errors[id], "") for index, id in ids.items()])
    for index, id in ids.items():
        row = items[index][0]
        done.accepted.append(Submitted(index, row.case_id, row.epoch, id, repeat=False))
    done.accepted.sort(key=lambda one: one.index)

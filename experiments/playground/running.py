"""A playground run worked off: each cell asked of its column's model, its answer a record at once.

The cells are the work and what became of it; the queue only rings. A cell and its record are one transaction.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import django_rq
import redis
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from evalhub.models import Project, User
from experiments.models import CellState, PlaygroundCell, PlaygroundRun
from experiments.playground.asked import Asked
from experiments.prompts.rendering import RenderProblem, render
from experiments.workflows.asking import Call, CaseProblem, Generated, generate
from experiments.workflows.spans import Case, trace_of
from records.conversation import pretty
from records.ingest import ingest
from records.models import Record, Source
from records.sanitize import repaired
from records.selection import Selection
from scoring.dialects import Message
from scoring.engine import evaluate_all
from scoring.models import Provider
from scoring.providers import config_of, usable_by
from scoring.runs import planning, ringing
from scoring.runs.starting import RunProblem, evaluators_named, start_run
from scoring.secrets import UnreadableSecret

log = logging.getLogger(__name__)

QUEUE = "online"  # somebody sits before it and waits
ENTRY = "experiments.jobs.work_playground"
LEASE = timedelta(seconds=60)
HOLD_SECONDS = 15.0
SCORE_SECONDS = 20.0  # of scoring the answers at once; what is left is anybody's
GIVE_UP_AFTER = timedelta(hours=1)  # a cell that has no answer by then takes its worker with it each time
MOST_AT_ONCE = 16
FLUSH_SECONDS = 0.3
MOST_SHOWN = 20_000  # characters of an answer; its record has it whole
OPEN = (CellState.PENDING, CellState.RUNNING)


def start(project: Project, asked: Asked, by: User) -> PlaygroundRun | None:
    """None where something is wrong, which `asked` says then."""
    columns, rows = asked.checked(project)
    if not asked.sound:
        return None
    with transaction.atomic():
        run = PlaygroundRun.objects.create(
            project=project, columns=columns, rows=rows, dataset=asked.dataset, evaluators=asked.evaluators, user=by,
            created_by=str(by)[:160],
        )  # fmt: skip
        PlaygroundCell.objects.bulk_create(
            PlaygroundCell(run=run, row=row, column=column)
            for row in range(len(rows))
            for column in range(len(columns))
        )
    ring(run.pk)
    return run


def retry(run: PlaygroundRun, cells: Sequence[int] | None = None) -> int:
    """Asks once more for errored cells, or for those named; how many."""
    errored = PlaygroundCell.objects.filter(run=run, state=CellState.ERRORED)
    if cells is not None:
        errored = errored.filter(pk__in=cells)
    again = errored.update(
        state=CellState.PENDING, error="", generation=F("generation") + 1, record_id=None, scored=False,
    )  # fmt: skip
    if again:
        PlaygroundRun.objects.filter(pk=run.pk).update(finished_at=None)
        ring(run.pk)
    return again


def ring(run_id: int) -> None:
    try:
        job = f"playground-{run_id}-{uuid4().hex[:12]}"
        django_rq.get_queue(QUEUE).enqueue(ENTRY, run_id, job_id=job, result_ttl=0)
    except redis.RedisError as problem:
        log.warning("Playground %s waits for Redis: %s", run_id, problem)


def heal() -> None:
    """For the sweeper: runs whose worker is gone are rung for, those that are over end."""
    lost = PlaygroundCell.objects.filter(state=CellState.RUNNING, lease_until__lt=timezone.now())
    lost.filter(run__created_at__lt=timezone.now() - GIVE_UP_AFTER).update(
        state=CellState.ERRORED, lease_until=None, error="Given up: whatever had it died each time."
    )
    for run in PlaygroundRun.objects.filter(finished_at=None).order_by("id"):
        if _due(run).exists():
            ring(run.pk)
        else:
            _end(run)


def work(run_id: int) -> None:
    """All that is left of a run, and a first turn at its scores."""
    run = PlaygroundRun.objects.select_related("project", "user").filter(pk=run_id).first()
    if run is None:
        return
    calls = [_call(run.project, column) for column in run.columns]
    if _due(run).exists():
        _Work(run, calls).work()
    _end(run)
    _score(run)


def _due(run: PlaygroundRun):
    lost = Q(state=CellState.RUNNING, lease_until__lt=timezone.now())
    return PlaygroundCell.objects.filter(Q(state=CellState.PENDING) | lost, run=run)


def _call(project: Project, column: dict[str, Any]) -> Call | str:
    """How the column's rows are put to its model, or why they cannot be."""
    provider: Provider | None = usable_by(project.id).filter(pk=column["provider_id"]).first()
    if provider is None:
        return "Its provider is not there any more."
    try:
        config = config_of(provider)
    except UnreadableSecret as problem:
        return str(problem)

    def messages_of(inputs: Any) -> list[Message]:
        if not isinstance(inputs, dict):
            raise CaseProblem("Its inputs are no object of variables.")
        try:
            return render(column["messages"], column["variables"], inputs).messages
        except RenderProblem as problem:
            raise CaseProblem(str(problem)) from None

    return Call(
        config, column["model"], messages_of, column["parameters"], column["response_format"], column["prompt"],
        column["version"], column["messages"],
    )  # fmt: skip


class _Work:
    def __init__(self, run: PlaygroundRun, calls: Sequence[Call | str]) -> None:
        self.run, self.calls = run, calls
        self.open: set[int] = set()
        self.held_at = time.monotonic()

    def work(self) -> None:
        own = [call.config.concurrency for call in self.calls if isinstance(call, Call)]
        evaluate_all(
            self._cells(), self._opened, self._flush, concurrency=min([MOST_AT_ONCE, *own]),
            failed=lambda words: Generated(error=words), flush_size=4, flush_seconds=FLUSH_SECONDS,
        )  # fmt: skip

    def _cells(self) -> Iterator[PlaygroundCell]:
        while cell := self._claim():
            self.open.add(cell.pk)
            yield cell

    def _claim(self) -> PlaygroundCell | None:
        with transaction.atomic():
            cell = _due(self.run).order_by("row", "column").select_for_update(skip_locked=True).first()
            if cell is not None:
                cell.state, cell.lease_until = CellState.RUNNING, timezone.now() + LEASE
                cell.save(update_fields=["state", "lease_until"])
        return cell

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Callable[[PlaygroundCell], Awaitable[Generated]]]:
        from scoring import llm  # aiohttp: only a worker needs it

        async with llm.opened(settings.REDIS_URL) as models:

            async def ask(cell: PlaygroundCell) -> Generated:
                call = self.calls[cell.column]
                if isinstance(call, str):
                    return Generated(error=call)
                return await generate(models.ask, call, self.run.rows[cell.row]["inputs"])

            yield ask

    def _flush(self, made: Sequence[tuple[PlaygroundCell, Generated]]) -> None:
        for cell, one in made:
            self._store(cell, one)
            self.open.discard(cell.pk)
        if self.open and time.monotonic() - self.held_at > HOLD_SECONDS:
            PlaygroundCell.objects.filter(pk__in=self.open).update(lease_until=timezone.now() + LEASE)
            self.held_at = time.monotonic()

    def _store(self, cell: PlaygroundCell, made: Generated) -> None:
        """Unless somebody else has it by now."""
        call, row = self.calls[cell.column], self.run.rows[cell.row]
        case = Case(
            cell.pk, cell.generation, "playground", "", row["case_id"], 1, row["inputs"], row["expected"],
            of="playground cell",
        )  # fmt: skip
        with transaction.atomic():
            mine = PlaygroundCell.objects.select_for_update().filter(
                pk=cell.pk, state=CellState.RUNNING, generation=cell.generation
            )
            if not mine.exists():
                return
            cell.state = CellState.ERRORED if made.error else CellState.DONE
            cell.error, cell.finish, cell.lease_until = repaired(made.error)[:2000], repaired(made.finish)[:40], None
            cell.output = _text(repaired(made.output))[:MOST_SHOWN]
            if isinstance(call, Call):
                drafts = trace_of(case, call, made, Source.PLAYGROUND, self.run.created_by)
                root = ingest(self.run.project, drafts, "").ids[0]
                record = Record.objects.get(project=self.run.project, id=root)
                cell.record_id, cell.latency_ms, cell.cost = root, record.latency_ms, made.cost
                if made.reply is not None:
                    cell.tokens = (made.reply.tokens_in or 0) + (made.reply.tokens_out or 0)
            cell.save()


def _score(run: PlaygroundRun) -> None:
    """Somebody waits for the scores, too: here they do not stand behind what the bulk queue holds."""
    from scoring.runs import working as scoring  # aiohttp: only a worker needs it

    run.refresh_from_db(fields=["scored_by"])
    if run.scored_by_id:
        planning.plan(run.scored_by_id)
        scoring.take_turn(run.scored_by_id, SCORE_SECONDS)


def _text(output: Any) -> str:
    return output if isinstance(output, str) else "" if output is None else pretty(output)


@transaction.atomic
def _end(run: PlaygroundRun) -> None:
    """Where every cell has come to its end: the answers go to the evaluators, once."""
    locked = PlaygroundRun.objects.select_for_update(of=["self"]).select_related("project", "user").get(pk=run.pk)
    cells = PlaygroundCell.objects.filter(run=run)
    if locked.finished_at or cells.filter(state__in=OPEN).exists():
        return
    fresh = cells.filter(state=CellState.DONE, scored=False).exclude(record_id=None)
    ids = tuple(fresh.values_list("record_id", flat=True))
    if ids and locked.evaluators:
        try:
            evaluators = evaluators_named(locked.project, locked.evaluators)
            selection = Selection(locked.project, ids=ids)
            locked.scored_by = start_run(selection, evaluators, locked.user or locked.created_by, at_once=False)
            transaction.on_commit(partial(ringing.ring_planner, locked.scored_by.pk))  # nobody saw it before
        except RunProblem as problem:  # archived meanwhile
            log.warning("The answers of playground %s are not scored: %s", run.pk, problem)
    fresh.update(scored=True)
    locked.finished_at = timezone.now()
    locked.save(update_fields=["finished_at", "scored_by"])

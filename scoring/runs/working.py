"""Working on a scoring run: claim a chunk, evaluate it, store the results, until the turn is over; then ring again.

The next chunk is a job of its own behind whatever waits in the queue: a run of 100,000 never blocks the others.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from evalhub.models import Project
from records.models import Metric
from records.score_rows import Claimed
from records.scores import claim
from scoring.definitions import CodeDefinition, Definition
from scoring.dialects import ProviderConfig
from scoring.engine import evaluate_all
from scoring.evaluators import definition_of
from scoring.inputs import EXPIRED, TEXTS, inputs_of, texts_of
from scoring.models import AT_WORK, EvaluatorVersion, RunStatus, ScoringRun
from scoring.runs import asking, coding, ringing
from scoring.runs.counting import next_due
from scoring.runs.steering import end_cancelled, end_finished
from scoring.runs.storing import Judged, RunStore, Store
from scoring.runs.tasks import versions_of
from scoring.sandbox import Sandbox
from scoring.sandbox.sandbox import ROWS
from scoring.trial import needs_payload, received
from scoring.verdicts import Verdict, payload_expired

log = logging.getLogger(__name__)

TURN_SECONDS = 20.0
LEASE_SECONDS = 60.0  # extended while the worker lives; the sandbox may keep it busy for a whole batch in between
MOST_CLAIMED = 1_000
MOST_CALLS = 512  # at the same time, of one job
READ_AT_ONCE = 50
WITH_TRACE = 100  # records of which whole traces are read
FLUSH_SIZE = 500
FLUSH_SECONDS = 1.0
LONGEST_WAIT = 60.0  # for a score that may not be tried before: longer ones wait for the sweeper
NAP_SECONDS = 1.0


def work(run_id: int) -> None:
    """A turn's work on a run, then a ring for the next."""
    if take_turn(run_id):
        ringing.ring_successor(run_id)


def take_turn(run_id: int, seconds: float = TURN_SECONDS) -> bool:
    """Works on a run for about `seconds`, and ends it where nothing is left; whether there is more for another turn."""
    run = ScoringRun.objects.select_related("project").filter(pk=run_id).first()
    if run is None:
        return False
    if run.status in AT_WORK and _work(run, time.monotonic() + seconds):
        return True
    settle(run_id)
    return False


def _work(run: ScoringRun, until: float) -> bool:
    ScoringRun.objects.filter(pk=run.pk).update(beat_at=timezone.now())
    versions = versions_of(run)
    store = RunStore(run, metrics_of(versions), lease_of(versions))

    def claim_some(limit: int) -> list[Claimed]:
        return claim(run.project_id, run.pk, limit, store.lease_seconds)

    with Sandbox() as sandbox:
        return Turn(run.project, versions, store, claim_some, lambda: next_due(run), sandbox, until).work()


def settle(run_id: int) -> None:
    """Ends a run that has nothing left to do."""
    run = ScoringRun.objects.select_related("project").filter(pk=run_id).first()
    if run is not None and run.status == RunStatus.CANCELLING:
        end_cancelled(run)
    elif run is not None and run.status == RunStatus.RUNNING:
        end_finished(run)


@dataclass(frozen=True, slots=True)
class _Question:
    """A score that a provider is to be asked about."""

    claimed: Claimed
    asker: asking.Asker
    inputs: dict[str, Any]


class Turn:
    """One job's share of pending scores: those that `claim_some(limit)` gives, all by the versions given. `due()` says
    in how many seconds there are more, None where there are none. The sandbox may serve many turns: it takes longer to
    start than many scores do."""

    def __init__(
        self,
        project: Project,
        versions: Iterable[EvaluatorVersion],
        store: Store,
        claim_some: Callable[[int], list[Claimed]],
        due: Callable[[], float | None],
        sandbox: Sandbox,
        until: float,
    ) -> None:
        self.project, self.store, self.claim_some, self.due = project, store, claim_some, due
        self.sandbox, self.until = sandbox, until
        self.versions = {version.pk: version for version in versions}
        self.definitions = {id: _definition(version) for id, version in self.versions.items()}
        self.size = WITH_TRACE if any(d.needs_trace for d in self.definitions.values()) else MOST_CLAIMED
        self.askers: dict[int, asking.Asker] = {}

    def work(self) -> bool:
        """Whether more is left for another turn."""
        more = True
        try:
            self._open_askers()
            while self._goes_on():
                self._claim_and_evaluate()
                more = not self._goes_on() or self._wait()
                if not more:
                    break
        except DatabaseError:
            with suppress(DatabaseError):  # else it comes back when its lease ends
                self.store.let_go()
            raise
        except Exception as problem:
            log.exception("Scoring of project %s failed.", self.project.pk)
            self.store.fail(f"{type(problem).__name__}: {problem}"[:500])
        self.store.let_go()
        return more and self.store.stopped is None

    def _goes_on(self) -> bool:
        return self.store.stopped is None and time.monotonic() < self.until

    def _open_askers(self) -> None:
        for id, definition in self.definitions.items():
            if not asking.asks(definition):
                continue
            try:
                self.askers[id] = asking.asker_of(self.project, self.versions[id], definition)
            except coding.EvaluatorStops as why:
                self.store.halt(id, str(why))

    def _wait(self) -> bool:
        """Until the next score may be claimed, or the turn is over. False where none is coming."""
        due = self.due()
        if due is None or due > LONGEST_WAIT:
            return False
        time.sleep(max(0.0, min(due, NAP_SECONDS, self.until - time.monotonic())))
        self.store.flush([])  # a sign of life, and a look at the run
        return True

    def _claim_and_evaluate(self) -> None:
        if not self.askers:
            for _ in self._questions():
                pass
            return

        @asynccontextmanager
        async def opened() -> AsyncIterator[Callable[[_Question], Awaitable[Verdict]]]:
            async with asking.opened() as evaluate:
                yield lambda question: evaluate(question.asker, question.inputs)

        evaluate_all(
            self._questions(),
            opened,
            lambda judged: self.store.flush([(question.claimed, verdict) for question, verdict in judged]),
            concurrency=_calls(asker.provider for asker in self.askers.values()),
        )

    def _questions(self) -> Iterator[_Question]:
        """Claims until the turn is over. Code is evaluated here and now; what a provider is asked is yielded."""
        while self._goes_on():
            claimed = self.claim_some(self.size)
            if not claimed:
                return
            self.store.take(claimed)
            by_version: dict[int, list[Claimed]] = {}
            for one in claimed:
                by_version.setdefault(one.evaluator_version_id, []).append(one)
            for id, group in by_version.items():
                if id in self.store.halted:
                    self.store.put_off(group, self.store.halted[id])
                elif id not in self.askers and self.store.stopped is None:
                    self._run_code(id, group)
            for id, group in by_version.items():
                if id in self.askers and id not in self.store.halted:
                    yield from self._asked(id, group)

    def _asked(self, version_id: int, group: list[Claimed]) -> Iterator[_Question]:
        """With the inputs of a few at a time: they may be large, and calls take long."""
        asker, needs_trace = self.askers[version_id], self.definitions[version_id].needs_trace
        for n, some in enumerate(batched(group, READ_AT_ONCE)):
            if version_id in self.store.halted:
                self.store.put_off(group[n * READ_AT_ONCE :], self.store.halted[version_id])
                return
            inputs = inputs_of(self.project.pk, {one.record_id for one in some}, trace=needs_trace)
            for one in self._answerable(version_id, some, inputs):
                if not self._goes_on():
                    return
                yield _Question(one, asker, inputs[one.record_id])

    def _answerable(
        self, version_id: int, group: Iterable[Claimed], inputs: dict[UUID, dict[str, Any]]
    ) -> list[Claimed]:
        """Those of the group that the evaluator can say something of. That the payloads of others are kept no longer is
        stored here and now; records without inputs are being deleted."""
        present = [one for one in group if one.record_id in inputs]
        expired = [one for one in present if EXPIRED in inputs[one.record_id]]
        if not expired or not needs_payload(self.definitions[version_id]):
            return present
        self.store.flush([(one, payload_expired()) for one in expired])
        return [one for one in present if EXPIRED not in inputs[one.record_id]]

    def _run_code(self, version_id: int, group: list[Claimed]) -> None:
        definition = self.definitions[version_id]
        inputs = self._inputs_for(definition, {one.record_id for one in group})
        group = self._answerable(version_id, group, inputs)
        batch: list[Judged] = []
        done = -1
        flush_at = time.monotonic() + FLUSH_SECONDS
        try:
            for done, verdict in coding.verdicts(self.sandbox, definition, [inputs[one.record_id] for one in group]):
                batch.append((group[done], verdict))
                if len(batch) >= FLUSH_SIZE or time.monotonic() >= flush_at:
                    stopped, batch = self.store.flush(batch), []
                    flush_at = time.monotonic() + FLUSH_SECONDS
                    if stopped is not None:
                        return
        except coding.EvaluatorStops as why:
            self.store.flush(batch)
            self.store.halt(version_id, f"{self.versions[version_id].evaluator.slug}: {why}")
            self.store.put_off(group[done + 1 :], self.store.halted[version_id])
            return
        if batch:
            self.store.flush(batch)

    def _inputs_for(self, definition: Definition, records: set[UUID]) -> dict[UUID, dict[str, Any]]:
        """No more of them than is asked for: to read them takes longer than most snippets."""
        names = received(definition)
        if names and coding.passes_on(definition) and TEXTS.keys() >= set(names):
            return texts_of(self.project.pk, records, names)
        return inputs_of(self.project.pk, records, trace=definition.needs_trace, messages="messages" in names)


def _definition(version: EvaluatorVersion) -> Definition:
    return definition_of(version, version.evaluator.type)


def metrics_of(versions: Iterable[EvaluatorVersion]) -> dict[int, Metric]:
    return {version.evaluator.metric_id: version.evaluator.metric for version in versions}


def lease_of(versions: Iterable[EvaluatorVersion]) -> float:
    """Room for a batch of the slowest snippet, were each row to take all the time that it may."""
    definitions = map(_definition, versions)
    snippets = (d.timeout for d in definitions if isinstance(d, CodeDefinition) and not d.builtin)
    return LEASE_SECONDS + ROWS * max(snippets, default=0.0)


def _calls(providers: Iterable[ProviderConfig]) -> int:
    """At the same time. Where a provider's rate is low no more than half a minute's: those that wait are held."""
    of = {
        p.id: min(p.concurrency, max(1, p.requests_per_minute // 2)) if p.requests_per_minute else p.concurrency
        for p in providers
    }
    return min(sum(of.values()), MOST_CALLS)

"""Making outputs: rows claimed, their cases asked of the model, the answers stored as records with their rows.

A record and its row's new state are one transaction: a worker that is killed has either both or neither, and whoever
takes the row over makes the output again.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

from django.conf import settings
from django.utils import timezone

from experiments.models import Experiment, ExperimentState, Workflow
from experiments.running.rows import MAX_ATTEMPTS, Claimed, claim, hold, put_back
from experiments.running.storing import store
from experiments.workflows import completion, prompt
from experiments.workflows.asking import Call, Generated, generate
from records.limits import MAX_ITEMS
from records.sanitize import repaired
from scoring.engine import evaluate_all
from scoring.secrets import UnreadableSecret

LEASE_SECONDS = 60.0  # extended while the worker lives
CLAIMED_AT_ONCE = 100
FLUSH_SIZE = 50  # a few seconds' worth: results are to be seen as they come
FLUSH_SECONDS = 1.0
SPANS_AT_ONCE = MAX_ITEMS // 3  # rows in one transaction: a trace has three spans
BREAKER_SECONDS = 30.0  # until a provider that is down is tried again
MOST_BACKOFF = 300.0

Made = tuple[Claimed, Generated]


class CannotAsk(Exception):
    """The model cannot be asked until a person has acted; the text says why."""


def call_of(experiment: Experiment) -> Call:
    """How the experiment's cases are put to its model. Raises CannotAsk."""
    of_prompt = experiment.workflow == Workflow.PROMPT
    provider = experiment.prompt_version.provider if of_prompt else experiment.provider
    if provider is None or provider.archived_at:
        raise CannotAsk("The provider of its model is archived, or no longer there.")
    if provider.paused_reason:
        raise CannotAsk(f"The provider {provider.name} is paused: {provider.paused_reason}")
    try:
        return prompt.call_of(experiment.prompt_version) if of_prompt else completion.call_of(experiment)
    except UnreadableSecret as problem:
        raise CannotAsk(str(problem)) from None


class Generator:
    """One job's share of making an experiment's outputs; `stopped` says why it stopped before all was made."""

    def __init__(self, experiment: Experiment, call: Call, after_flush: Callable[[], None]) -> None:
        self.experiment, self.call = experiment, call
        self.stopped = ""
        self._after_flush = after_flush
        self._open: dict[int, Claimed] = {}
        self._hold_at = float("inf")

    def work(self, until: float) -> None:
        """Until no row may be claimed, or the clock (time.monotonic) says `until`."""
        try:
            evaluate_all(
                self._cases(until), self._opened, self._flush, concurrency=self._at_once(), failed=_failed,
                flush_size=FLUSH_SIZE, flush_seconds=FLUSH_SECONDS,
            )  # fmt: skip
        finally:
            put_back(self.experiment, list(self._open.values()), give_back_attempt=True)
            self._open.clear()

    def _at_once(self) -> int:
        config = self.call.config
        own = config.concurrency
        if config.requests_per_minute:  # no more than half a minute's: those that wait are held
            own = min(own, max(1, config.requests_per_minute // 2))
        return min(self.experiment.concurrency, own)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Callable[[Claimed], Awaitable[Generated]]]:
        from scoring import llm  # aiohttp: only a worker needs it

        async with llm.opened(settings.REDIS_URL) as models:
            yield lambda claimed: generate(models.ask, self.call, claimed.case.inputs)

    def _cases(self, until: float) -> Iterator[Claimed]:
        while not self.stopped and time.monotonic() < until:
            room = min(CLAIMED_AT_ONCE, 2 * self._at_once())
            claimed = claim(self.experiment, room, LEASE_SECONDS)
            if not claimed:
                return
            self._hold_at = min(self._hold_at, time.monotonic() + LEASE_SECONDS / 4)
            self._open |= {one.id: one for one in claimed}
            for one in claimed:
                if self.stopped or time.monotonic() > until:
                    return
                yield one

    def _flush(self, made: Sequence[Made]) -> str | None:
        results: list[Made] = []
        again: dict[tuple[str, float, bool], list[Claimed]] = defaultdict(list)
        for claimed, one in made:
            if one.pause:
                self._pause(one.error)
                again[one.error, 0.0, True].append(claimed)
            elif one.retry and (one.provider_down or claimed.attempts < MAX_ATTEMPTS):
                again[one.error, _seconds(one, claimed), one.provider_down].append(claimed)
            else:
                results.append((claimed, one))
        for start in range(0, len(results), SPANS_AT_ONCE):
            store(self.experiment, self.call, results[start : start + SPANS_AT_ONCE])
        for (reason, seconds, give_back), some in again.items():
            put_back(self.experiment, some, repaired(reason), seconds, give_back_attempt=give_back)
        for claimed, _ in made:
            self._open.pop(claimed.id, None)
        if time.monotonic() > self._hold_at and self._open:
            hold(list(self._open.values()), LEASE_SECONDS)
            self._hold_at = time.monotonic() + LEASE_SECONDS / 4
        Experiment.objects.filter(pk=self.experiment.pk).update(beat_at=timezone.now())
        if results:
            self._after_flush()
        return self._reason()

    def _pause(self, reason: str) -> None:
        """Nobody makes any more until a person has looked."""
        self.stopped = reason
        running = Experiment.objects.filter(pk=self.experiment.pk, state=ExperimentState.RUNNING)
        running.update(reason=repaired(reason)[:2000])

    def _reason(self) -> str | None:
        self.experiment.refresh_from_db(fields=["state", "reason"])
        if self.experiment.is_over or self.experiment.reason:
            self.stopped = self.stopped or self.experiment.reason or self.experiment.state
        return self.stopped or None


def _failed(words: str) -> Generated:
    return Generated(error=words)


def _seconds(made: Generated, claimed: Claimed) -> float:
    """Until another try: what the provider named, else longer from attempt to attempt."""
    if made.retry_after is not None:
        return made.retry_after
    return BREAKER_SECONDS if made.provider_down else min(MOST_BACKOFF, 2.0**claimed.attempts)

"""What verdicts become: results stored in batches, scores put back for another try, counts on the run."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from records.models import Metric, ScoreStatus
from records.sanitize import repaired
from records.score_rows import Claimed, ScoreResult
from records.scores import MAX_ATTEMPTS, complete, extend, put_back
from records.values import ValueProblem
from scoring.models import AT_WORK, ScoringRun
from scoring.raw_values import typed_value
from scoring.runs.steering import over_limit, pause
from scoring.verdicts import Verdict

Judged = tuple[Claimed, Verdict]

BREAKER_SECONDS = 30.0  # until a provider that is down is tried again
MOST_BACKOFF = 300.0

HASHES = "SELECT id, input_hash FROM record WHERE project_id = %s AND id = ANY(%s)"


class Store:
    """One worker's hold on scores: what it has claimed, and where the results go.

    `flush` says why the work is to stop, or None. Whatever was claimed and has neither a result nor been put back is
    given back, without counting the attempt, by `let_go`.
    """

    HALTED_SECONDS = 0.0  # until what a halted evaluator was to score may be claimed again

    def __init__(self, project_id: int, metrics: dict[int, Metric], lease_seconds: float) -> None:
        self.project_id = project_id
        self.lease_seconds = lease_seconds
        self.stopped: str | None = None
        self.halted: dict[int, str] = {}  # evaluator versions that are of no use for now, and why
        self._metrics = metrics
        self._open: dict[UUID, Claimed] = {}
        self._hashes: dict[UUID, bytes | None] = {}
        self._extend_at = float("inf")

    def take(self, claimed: Iterable[Claimed]) -> None:
        """The records' hashes are read before their contents: one that changes between the two counts as changed."""
        claimed = list(claimed)
        self._extend_at = min(self._extend_at, time.monotonic() + self.lease_seconds / 4)
        self._open |= {one.id: one for one in claimed}
        with connection.cursor() as cursor:
            cursor.execute(HASHES, [self.project_id, [one.record_id for one in claimed]])
            self._hashes |= dict(cursor.fetchall())

    def flush(self, judged: Sequence[Judged]) -> str | None:
        results: dict[UUID, tuple[Claimed, ScoreResult]] = {}
        again: dict[tuple[str, float, bool], list[Claimed]] = defaultdict(list)
        for claimed, verdict in sorted(judged, key=lambda one: one[0].attempts):  # of several tries the last one counts
            if verdict.pause:
                self.halt(claimed.evaluator_version_id, verdict.error)
                again[verdict.error, self.HALTED_SECONDS, True].append(claimed)
            elif verdict.retry and (verdict.provider_down or claimed.attempts < MAX_ATTEMPTS):
                again[verdict.error, _seconds(verdict, claimed), verdict.provider_down].append(claimed)
            else:
                results[claimed.id] = claimed, self._result(claimed, verdict)
        with transaction.atomic():
            stored = complete(self.project_id, [result for _, result in results.values()])
            self._count([results[id] for id in results if id in stored])
        for (reason, seconds, give_back), some in again.items():
            self._put_back(some, reason, seconds, give_back_attempt=give_back)
        for claimed, _ in judged:
            self._forget(claimed)
        if time.monotonic() > self._extend_at and self._open:
            extend(self.project_id, list(self._open.values()), self.lease_seconds)
            self._extend_at = time.monotonic() + self.lease_seconds / 4
        return self._reason()

    def halt(self, version_id: int, reason: str) -> None:
        """The evaluator is of no use until somebody has acted."""
        self.halted[version_id] = reason

    def put_off(self, claimed: Sequence[Claimed], reason: str) -> None:
        """Back, for later: their evaluator is halted."""
        self._put_back(claimed, reason, self.HALTED_SECONDS, give_back_attempt=True)
        for one in claimed:
            self._forget(one)

    def _forget(self, claimed: Claimed) -> None:
        """Unless it has been claimed again since: after a pause of the whole machine, say, its lease had run out."""
        if self._open.get(claimed.id) == claimed:
            del self._open[claimed.id]

    def let_go(self, reason: str = "", seconds: float = 0.0, *, give_back_attempt: bool = True) -> None:
        left, self._open = list(self._open.values()), {}
        self._put_back(left, reason, seconds, give_back_attempt=give_back_attempt)

    def _put_back(self, claimed: Sequence[Claimed], reason: str, seconds: float, *, give_back_attempt: bool) -> None:
        not_before = timezone.now() + timedelta(seconds=seconds) if seconds else None
        if claimed:
            put_back(self.project_id, claimed, repaired(reason), not_before, give_back_attempt=give_back_attempt)

    def _count(self, kept: Sequence[tuple[Claimed, ScoreResult]]) -> None:
        """In the transaction of the results, last: its rows are hot."""

    def fail(self, problem: str) -> None:
        """EvalHub itself has failed at what is held; each of it was an attempt."""
        self.let_go(problem, give_back_attempt=False)

    def _reason(self) -> str | None:
        return self.stopped

    def _result(self, claimed: Claimed, verdict: Verdict) -> ScoreResult:
        status, error, value = verdict.status, verdict.error, None
        metric = self._metrics[claimed.metric_id]
        if status == ScoreStatus.COMPLETED:
            try:
                value = typed_value(metric, repaired(verdict.raw))
            except ValueProblem as problem:
                status, error = ScoreStatus.ERRORED, problem.message
        elif verdict.retry:
            error = f"Given up after {claimed.attempts} attempts. {error}"
        texts = {name: repaired(getattr(verdict, name)) for name in ("prompt", "reply", "output")}
        return ScoreResult(
            claimed.id, claimed.record_id, claimed.attempts, status, value, metric.version,
            reasoning=repaired(verdict.reasoning), error=repaired(error), tokens=verdict.tokens, cost=verdict.cost,
            duration_ms=verdict.duration_ms, input_hash=self._hashes.get(claimed.record_id), **texts,
        )  # fmt: skip


def _seconds(verdict: Verdict, claimed: Claimed) -> float:
    """Until another try: what the provider named, else longer from attempt to attempt."""
    if verdict.retry_after is not None:
        return verdict.retry_after
    return BREAKER_SECONDS if verdict.provider_down else min(MOST_BACKOFF, 2.0**claimed.attempts)


class RunStore(Store):
    """The results of a scoring run: one evaluator that is of no use pauses it as a whole."""

    def __init__(self, run: ScoringRun, metrics: dict[int, Metric], lease_seconds: float) -> None:
        super().__init__(run.project_id, metrics, lease_seconds)
        self.run = run

    def halt(self, version_id: int, reason: str) -> None:
        super().halt(version_id, reason)
        self.stop(reason)

    def fail(self, problem: str) -> None:
        super().fail(problem)
        self.stop(f"EvalHub failed. {problem}")

    def stop(self, reason: str) -> None:
        """Pauses the run: nobody claims any more of it until somebody has looked."""
        self.stopped = reason
        pause(self.run.pk, reason)

    def _count(self, kept: Sequence[tuple[Claimed, ScoreResult]]) -> None:
        results = [result for _, result in kept]
        fields = {
            status.name.lower(): F(status.name.lower()) + sum(result.status == status for result in results)
            for status in (ScoreStatus.COMPLETED, ScoreStatus.ERRORED, ScoreStatus.SKIPPED)
        }
        fields["tokens"] = F("tokens") + sum(result.tokens or 0 for result in results)
        fields["cost"] = F("cost") + sum(result.cost or 0 for result in results)
        fields["unpriced"] = F("unpriced") + sum(bool(result.tokens) and result.cost is None for result in results)
        ScoringRun.objects.filter(pk=self.run.pk).update(beat_at=timezone.now(), **fields)

    def _reason(self) -> str | None:
        self.run.refresh_from_db(fields=["status", "cost", "cost_limit"])
        if self.run.status not in AT_WORK:
            self.stopped = self.stopped or self.run.status
        elif why := over_limit(self.run):
            self.stop(why)
        return self.stopped

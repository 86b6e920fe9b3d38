"""The job of online scoring: plan what has come, score what waits, look again, until nothing comes or the turn is over.

A job that stays saves others their start, and its sandbox's, which take longer than many decisions and scores.
"""

import time
from collections.abc import Sequence
from decimal import Decimal

from django.db import connection

from evalhub.models import Project
from records.models import ScoreStatus
from records.score_rows import Claimed, ScoreResult
from records.scores import MAX_ATTEMPTS, claim
from scoring.models import Counted, EvaluatorVersion
from scoring.rules import budgets, planning, ringing
from scoring.rules.counting import add_counts
from scoring.runs.storing import Store
from scoring.runs.working import Turn, lease_of, metrics_of
from scoring.sandbox import Sandbox

TURN_SECONDS = 15.0  # a worker that is to stop is waited for 20
LEAST_SECONDS = 3.0  # of a turn, where other jobs wait
SCORING_SECONDS = 3.0  # between two looks at what has come
LINGER_SECONDS = 2.0  # without anything to do
LOOK_SECONDS = 1.0  # from one look to the next: what comes meanwhile is planned together
MOST_CLAIMED = 200  # so that a budget in USD is not overrun by much, and several workers share
HALTED_SECONDS = 60.0
FAILED_SECONDS = 30.0
LONGEST_WAIT = 1.0  # for a score that may not be tried before: longer ones wait for the sweeper
OLDEST = 5_000

PENDING = f"project_id = %s AND rule_id IS NOT NULL AND status = 0 AND source IN (1, 2) AND attempts < {MAX_ATTEMPTS}"
FREE = f"{PENDING} AND (lease_until IS NULL OR lease_until < now()) AND (not_before IS NULL OR not_before <= now())"

VERSIONS = f"""
SELECT DISTINCT evaluator_version_id FROM (
  SELECT evaluator_version_id FROM score WHERE {FREE} ORDER BY id LIMIT {OLDEST}) x
"""  # noqa: S608 - the names are ours
DUE = f"""
SELECT extract(epoch FROM min(coalesce(not_before, now())) - now()) FROM score
WHERE {PENDING} AND (lease_until IS NULL OR lease_until < now())
"""  # noqa: S608 - the names are ours

OUTCOMES = {
    ScoreStatus.COMPLETED: Counted.COMPLETED, ScoreStatus.ERRORED: Counted.ERRORED,
    ScoreStatus.SKIPPED: Counted.SKIPPED,
}  # fmt: skip


def score_online(project_id: int, seconds: float = TURN_SECONDS) -> None:
    """Planning and scoring as long as something comes, then a ring where there is more."""
    began = idle_since = time.monotonic()
    with Sandbox() as sandbox:
        while True:
            look_at = time.monotonic() + LOOK_SECONDS
            ringing.hold(project_id)
            busy = planning.plan(project_id)
            more = take_turn(project_id, SCORING_SECONDS, sandbox)
            now = time.monotonic()
            if more:
                ringing.ring_helpers(project_id)
            if busy or more:
                idle_since = now
            spent = now - began
            if spent > seconds or now - idle_since > LINGER_SECONDS:
                break
            if spent > LEAST_SECONDS and ringing.is_others_turn():
                break
            if not more:
                time.sleep(max(0.0, look_at - now))
    ringing.let_go(project_id)
    if is_waiting(project_id):  # also what came while the key was still there
        ringing.ring(project_id)


def help_online(project_id: int) -> None:
    """A turn's scoring alone; whoever plans rings for more help."""
    with Sandbox() as sandbox:
        take_turn(project_id, SCORING_SECONDS, sandbox)


def take_turn(project_id: int, seconds: float, sandbox: Sandbox) -> bool:
    """Scores what the rules have planned, for about `seconds`; whether more may be scored at once."""
    project = Project.objects.filter(pk=project_id).first()
    versions = _versions_waiting(project_id)
    if project is None or not versions:
        return False
    store = RuleStore(project_id, metrics_of(versions), lease_of(versions))
    ids = [version.pk for version in versions]

    def claim_some(limit: int) -> list[Claimed]:
        budgets.enforce(project_id)
        return claim(project_id, None, min(limit, MOST_CLAIMED), store.lease_seconds, ids)

    def due() -> float | None:
        seconds = next_due(project_id)
        return None if seconds is None or seconds > LONGEST_WAIT else seconds

    more = Turn(project, versions, store, claim_some, due, sandbox, time.monotonic() + seconds).work()
    return more and next_due(project_id) == 0


def is_waiting(project_id: int) -> bool:
    """Whether there is something to plan or to score now."""
    return planning.is_waiting(project_id) or next_due(project_id) == 0


def next_due(project_id: int) -> float | None:
    """Seconds until a score of a rule that nobody holds may be claimed, 0 where one may be now; None: there is none."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [project_id])
        seconds = cursor.fetchone()[0]
    return None if seconds is None else max(0.0, float(seconds))


def _versions_waiting(project_id: int) -> list[EvaluatorVersion]:
    with connection.cursor() as cursor:
        cursor.execute(VERSIONS, [project_id])
        ids = [id for (id,) in cursor.fetchall()]
    found = EvaluatorVersion.objects.filter(pk__in=ids, evaluator__project_id=project_id)
    return list(found.select_related("evaluator__metric").order_by("id"))


class RuleStore(Store):
    """The results of rules: an evaluator that is of no use leaves the others alone, and its scores wait for a while."""

    HALTED_SECONDS = HALTED_SECONDS

    def fail(self, problem: str) -> None:
        self.let_go(problem, FAILED_SECONDS, give_back_attempt=False)
        self.stopped = problem

    def _count(self, kept: Sequence[tuple[Claimed, ScoreResult]]) -> None:
        counts: dict[tuple[int, Counted], int] = {}
        costs: dict[tuple[int, Counted], Decimal] = {}
        for claimed, result in kept:
            key = (claimed.rule_id, OUTCOMES[result.status])
            counts[key] = counts.get(key, 0) + 1
            costs[key] = costs.get(key, Decimal(0)) + (result.cost or 0)
        add_counts(self.project_id, counts, costs)

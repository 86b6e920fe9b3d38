"""Any sequence of everything that changes scores ends, at each step, in what a recount finds."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.deletion import delete_records
from records.ids import uuid7
from records.metrics import change_metric, recompute_passes, set_primary_evaluator
from records.models import Record, Score, ScoreSource, ScoreStatus
from records.scores import (
    SQL,
    NewScore,
    ScoreResult,
    Task,
    add_scores,
    cancel_pending,
    claim,
    complete,
    delete_scores,
    fold_scores,
    open_stages,
    place_scores,
    plan_scores,
    release_expired,
)
from records.sql import steps
from records.values import TypedValue, read_value
from tests import factories
from tests.records.recount import rebuild, recount

START = timezone.now().replace(minute=58)
EVALUATORS = ["judge", "second"]
ENDS = [ScoreStatus.COMPLETED, ScoreStatus.ERRORED, ScoreStatus.COMPLETED, ScoreStatus.SKIPPED]


class World:
    def __init__(self):
        self.project = factories.project()
        self.metrics = [factories.metric(self.project, slug) for slug in ("a", "b")]
        self.records = [self.span(n) for n in range(6)]
        self.late: list = []
        rebuild(self.project.id)

    def span(self, n: int) -> Record:
        """Spans 0-2 and 3-5 are a trace each; some are sampled, all have something to sum."""
        id = uuid7()
        if n % 2:
            id = type(id)(int=id.int & ~0xFFFF)
        return factories.record(
            self.project, id=id, trace_id=f"t{n // 3}", span_id=f"s{n}", parent_id=f"s{n - 1}" if n % 3 else "",
            external_id=f"t{n // 3}:s{n}", is_root=n % 3 == 0, created_at=START + timedelta(minutes=n), tokens=n,
            cost=n, latency_ms=10 * n, error="boom" if n == 4 else "",
        )  # fmt: skip

    def some(self, n: int) -> list[Record]:
        """The records whose bits are set in n."""
        return [record for bit, record in enumerate(self.records) if n >> bit & 1]

    def value(self, metric, n: int) -> TypedValue:
        metric.refresh_from_db()
        return read_value(metric, {"numerical_value": n % 11 / 10})

    def plan(self, n: int) -> None:
        run = n % 3
        tasks = [
            Task(metric.id, f"run:{run}:{evaluator}:1", ScoreSource.LLM, evaluator=evaluator, run_id=run)
            for metric in self.metrics
            for evaluator in EVALUATORS[: n % 2 + 1]
        ]
        tasks.append(Task(self.metrics[0].id, f"review:{run}:1", ScoreSource.HUMAN))
        plan_scores(self.project.id, [record.id for record in self.some(n)], tasks[n % 4 :])

    def work(self, n: int) -> None:
        claimed = claim(self.project.id, n % 3, n % 7 + 1, 60)
        if n % 5 == 0:
            self.late.append(claimed)
        else:
            self.finish(claimed, n)

    def finish(self, claimed: list, n: int) -> None:
        results = []
        for k, c in enumerate(claimed):
            status = [ScoreStatus.COMPLETED, ScoreStatus.ERRORED, ScoreStatus.COMPLETED, ScoreStatus.SKIPPED][
                (n + k) % 4
            ]
            value = self.value(self.metrics[0], n + k) if status == ScoreStatus.COMPLETED else None
            results.append(ScoreResult(c.id, c.record_id, c.attempts, status, value, reply="r"))
        complete(self.project.id, results)

    def come_back(self, n: int) -> None:
        Score.objects.filter(project=self.project).update(lease_until=START - timedelta(days=9))
        if n % 2:
            release_expired(self.project.id)
        if self.late:
            self.finish(self.late.pop(n % len(self.late)), n)

    def people(self, n: int) -> None:
        metric = self.metrics[n % 2]
        new = [
            NewScore(record.id, metric, self.value(metric, n), ScoreSource.HUMAN, sender="ada", key=str(n % 4))
            for record in self.some(n)
        ]
        add_scores(self.project.id, new + new[:1])

    def api_within_ingest(self, n: int) -> None:
        """As ingest does it: a roll-up of scores is written once, after the caller's own of records."""
        metric = self.metrics[n % 2]
        records = self.some(n)
        new = [NewScore(r.id, metric, self.value(metric, n), evaluator=EVALUATORS[n % 2]) for r in records]
        with transaction.atomic():
            open_stages()
            if new:
                place_scores(self.project.id, new)
            with transaction.get_connection().cursor() as cursor:
                steps(cursor, SQL, self.project.id)("record_deltas")
            fold_scores(self.project.id, [record.id for record in records])

    def cancel(self, n: int) -> None:
        cancel_pending(self.project.id, n % 3)

    def delete_scores(self, n: int) -> None:
        ids = Score.objects.filter(project=self.project).order_by("id").values_list("id", flat=True)
        delete_scores(self.project.id, [id for k, id in enumerate(ids) if n >> (k % 6) & 1])

    def delete_record(self, n: int) -> None:
        if len(self.records) > 3:
            gone = self.records.pop(n % len(self.records))
            assert delete_records(self.project.id, [gone.id]) == 1

    def change_metric(self, n: int) -> None:
        metric = self.metrics[n % 2]
        change_metric(metric, passing_score=n % 11 / 10, direction=["higher", "lower"][n // 2 % 2])
        recompute_passes(self.project, metric)

    def change_primary(self, n: int) -> None:
        set_primary_evaluator(self.metrics[n % 2], [*EVALUATORS, ""][n % 3])


ACTIONS = [
    World.plan, World.work, World.come_back, World.people, World.api_within_ingest, World.cancel, World.delete_scores,
    World.delete_record, World.change_metric, World.change_primary,
]  # fmt: skip
# What makes scores comes more often than what takes them away.
action = st.tuples(st.sampled_from(ACTIONS + ACTIONS[:5] * 2), st.integers(0, 63))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(action, min_size=5, max_size=25))
def test_roll_ups_currents_and_statuses_equal_a_recount_after_every_action(db, actions):
    world = World()
    for act, n in actions:
        act(world, n)
        wrong = {name: count for name, count in recount(world.project.id).items() if count}
        assert not wrong, (act.__name__, n, wrong)

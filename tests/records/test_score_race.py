"""Everybody who writes, at the same time, with real commits: nobody fails, and a recount finds no difference."""

import random
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from records.deletion import delete_records
from records.drafts import RecordDraft, ScoreDraft
from records.ids import uuid7
from records.ingest import ingest
from records.metrics import change_metric, recompute_passes, set_primary_evaluator
from records.models import Record, Score, ScoreSource, ScoreStatus, Source
from records.scores import (
    NewScore,
    ScoreResult,
    Task,
    UnknownRecord,
    add_scores,
    cancel_pending,
    claim,
    complete,
    delete_scores,
    plan_scores,
    release_expired,
)
from records.tagging import add_tags
from records.values import TypedValue
from tests import factories
from tests.records.recount import recount

SECONDS = 5
START = timezone.now().replace(minute=0) - timedelta(hours=5)
RUNS = range(1, 12)
ENDS = [ScoreStatus.COMPLETED] * 7 + [ScoreStatus.ERRORED] * 2 + [ScoreStatus.SKIPPED]


def spans(rng: random.Random, traces: int) -> list[RecordDraft]:
    """Traces of five spans, each with a score now and then; every fifth is in the sample."""
    drafts = []
    for _ in range(traces):
        trace = f"{rng.getrandbits(40):x}"
        begin = START + timedelta(seconds=rng.randrange(4 * 3600))
        for n in range(5):
            id = uuid7()
            drafts.append(
                RecordDraft(
                    f"{trace}:{n}", Source.TRACE, begin + timedelta(seconds=n), trace_id=trace, span_id=str(n),
                    id=type(id)(int=id.int & ~0xFFFF) if n == 4 else id, parent_id=str((n - 1) // 2) if n else "",
                    name=f"step {n}", tokens=rng.randrange(500), latency_ms=rng.randrange(900), inputs={"n": n},
                    error="boom" if rng.random() < 0.1 else "",
                    scores=[ScoreDraft("a", {"numerical_value": rng.random()})] if rng.random() < 0.3 else [],
                )
            )  # fmt: skip
    return drafts


class Race:
    def __init__(self) -> None:
        self.project = factories.project()
        self.metrics = [factories.metric(self.project, slug, primary_evaluator="judge") for slug in ("a", "b", "c")]
        ingest(self.project, spans(random.Random(1), 30), "race")
        self.done: Counter[str] = Counter()
        self.errors: list[str] = []

    def run(self, *actors: str) -> None:
        end = time.monotonic() + SECONDS
        threads = [threading.Thread(target=self.act, args=(name, seed, end)) for seed, name in enumerate(actors)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def act(self, name: str, seed: int, end: float) -> None:
        rng, kept = random.Random(seed), []
        try:
            while time.monotonic() < end:
                getattr(self, name)(rng, kept)
                self.done[name] += 1
        except Exception as error:  # told by the test, which would not see a thread's traceback
            self.errors.append(f"{name}: {error!r}")
        finally:
            connection.close()

    def some(self, rng: random.Random) -> list:
        ids = list(Record.objects.filter(project=self.project).values_list("id", flat=True)[:400])
        return rng.sample(ids, min(len(ids), rng.choice((1, 5, 40, 120))))

    def worker(self, rng: random.Random, kept: list) -> None:
        claimed = claim(self.project.id, rng.choice(RUNS), rng.choice((10, 50, 200)), rng.choice((0.05, 5)))
        if kept and rng.random() < 0.5:
            self.finish(rng, kept.pop())  # comes back after its lease was taken
        if claimed and rng.random() < 0.15:
            kept.append(claimed)
        elif claimed:
            self.finish(rng, claimed)
            if rng.random() < 0.2:
                self.finish(rng, claimed)  # the same job twice

    def finish(self, rng: random.Random, claimed: list) -> None:
        results = []
        for c in claimed:
            status, value = rng.choice(ENDS), rng.random()
            typed = TypedValue(numerical_value=value, value=value, passed=value > 0.5)
            results.append(
                ScoreResult(c.id, c.record_id, c.attempts, status, typed if status == 1 else None, reply="raw")
            )
        complete(self.project.id, results)

    def person(self, rng: random.Random, kept: list) -> None:
        value = TypedValue(numerical_value=0.25, value=0.25, passed=False)
        new = [NewScore(id, rng.choice(self.metrics), value, ScoreSource.HUMAN) for id in self.some(rng)[:5]]
        try:
            ids = add_scores(self.project.id, new)
        except UnknownRecord:  # deleted in between
            return
        if ids and rng.random() < 0.3:
            delete_scores(self.project.id, ids[:2])

    def rescore(self, rng: random.Random, kept: list) -> None:
        run = rng.choice(RUNS)
        tasks = [
            Task(metric.id, f"run:{run}:{evaluator}:1", ScoreSource.LLM, evaluator=evaluator, run_id=run)
            for metric in self.metrics
            for evaluator in ("judge", "second")
        ]
        plan_scores(self.project.id, self.some(rng), rng.sample(tasks, rng.randrange(1, 5)))

    def cancel(self, rng: random.Random, kept: list) -> None:
        cancel_pending(self.project.id, rng.choice(RUNS))
        release_expired(self.project.id)
        time.sleep(0.1)

    def sender(self, rng: random.Random, kept: list) -> None:
        """Both senders send the same traces in the same half second, out of order, some spans late, some twice."""
        drafts = spans(random.Random(int(time.time() * 2)), 4)
        rng.shuffle(drafts)
        batch, kept[:] = drafts[:10] + kept[:10], drafts[10:] + kept[10:30]
        ingest(self.project, batch, "race")

    def remover(self, rng: random.Random, kept: list) -> None:
        delete_records(self.project.id, self.some(rng)[:8])
        add_tags(self.project.id, self.some(rng), [rng.choice("xyz")])
        time.sleep(0.05)

    def editor(self, rng: random.Random, kept: list) -> None:
        metric = change_metric(rng.choice(self.metrics), passing_score=rng.random())
        recompute_passes(self.project, metric)
        set_primary_evaluator(metric, rng.choice(("judge", "second")))
        time.sleep(0.1)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_neither_fail_nor_miscount():
    race = Race()
    actors = ("worker", "worker", "person", "rescore", "rescore", "cancel", "sender", "sender", "remover", "editor")
    race.run(*actors)
    assert not race.errors
    assert set(race.done) == set(actors)
    assert Score.objects.filter(project=race.project).count() > 100
    assert not {name: count for name, count in recount(race.project.id).items() if count}

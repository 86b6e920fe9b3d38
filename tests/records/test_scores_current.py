"""Which attempt is current, and what the record's status follows from."""

from itertools import permutations

import pytest

from records.models import Rank, Record, RecordStatus, Score, ScoreSource, ScoreStatus
from records.scores import NewScore, ScoreResult, Task, add_scores, claim, complete, delete_scores, plan_scores
from records.values import TypedValue, read_value
from tests import factories
from tests.records.recount import rebuild, recount

COMPLETED, ERRORED, SKIPPED = ScoreStatus.COMPLETED, ScoreStatus.ERRORED, ScoreStatus.SKIPPED


class Bench:
    """One record and one metric whose primary evaluator is `judge`; every attempt is named by its reasoning."""

    def __init__(self, project):
        self.project = project
        self.metric = factories.metric(project, "m", primary_evaluator="judge")
        self.record = factories.record(project)
        self.runs = 0
        rebuild(project.id)

    def add(self, name, source=ScoreSource.API, metric=None, **fields):
        metric = metric or self.metric
        value = read_value(metric, {"numerical_value": 0.5})
        (id,) = add_scores(self.project.id, [NewScore(self.record.id, metric, value, source, reasoning=name, **fields)])
        return id

    def plan(self, evaluator="judge", source=ScoreSource.LLM, metric=None):
        self.runs += 1
        task = Task((metric or self.metric).id, f"run:{self.runs}:1:1", source, evaluator=evaluator, run_id=self.runs)
        assert plan_scores(self.project.id, [self.record.id], [task]) == 1
        return self.runs

    def finish(self, name, run, status=COMPLETED):
        (claimed,) = claim(self.project.id, run, 10, 60)
        value = TypedValue(numerical_value=0.5, value=0.5, passed=True) if status == COMPLETED else None
        result = ScoreResult(claimed.id, self.record.id, claimed.attempts, status, value, reasoning=name)
        assert complete(self.project.id, [result]) == {claimed.id}

    def run(self, name, evaluator="judge", status=COMPLETED):
        self.finish(name, self.plan(evaluator), status)

    @property
    def current(self) -> Score:
        return Score.objects.get(project=self.project, record_id=self.record.id, metric=self.metric, is_current=True)

    @property
    def status(self) -> RecordStatus:
        return RecordStatus(Record.objects.get(project=self.project, id=self.record.id).status)

    def is_right(self) -> bool:
        return not any(recount(self.project.id).values())


@pytest.fixture
def bench(project):
    return Bench(project)


ATTEMPTS = {
    "adjudicated": lambda bench: bench.add("adjudicated", ScoreSource.HUMAN, rank=Rank.ADJUDICATED),
    "human": lambda bench: bench.add("human", ScoreSource.HUMAN),
    "primary": lambda bench: bench.run("primary"),
    "other": lambda bench: bench.run("other", "second judge"),
    "errored": lambda bench: bench.run("errored", status=ERRORED),
}


def orders() -> list[list[str]]:
    """Each order of the completed ones, with the error at another place in each."""
    found = [list(order) for order in permutations(list(ATTEMPTS)[:-1])]
    for n, order in enumerate(found):
        order.insert(n % 5, "errored")
    return found


@pytest.mark.parametrize("order", orders(), ids=" ".join)
def test_the_order_is_adjudicated_human_primary_other_whatever_came_first(bench, order):
    came = []
    for name in order:
        ATTEMPTS[name](bench)
        came.append(name)
        assert bench.current.reasoning == min(came, key=list(ATTEMPTS).index)
    assert bench.is_right()


def test_within_a_rank_the_newest_completed_is_current(bench):
    older, newer = bench.plan(), bench.plan()
    bench.finish("started last, completed first", newer)
    bench.finish("started first, completed last", older)
    assert bench.current.reasoning == "started first, completed last"
    bench.add("second opinion", ScoreSource.HUMAN)
    bench.add("third opinion", ScoreSource.HUMAN)
    assert bench.current.reasoning == "third opinion"
    assert bench.is_right()


def test_an_api_score_of_the_primary_evaluator_ranks_as_it(bench):
    bench.add("from outside", evaluator="judge")
    bench.run("other", "second judge")
    assert bench.current.reasoning == "from outside"
    assert bench.current.rank == Rank.PRIMARY


def test_where_none_is_completed_the_newest_attempt_is_current(bench):
    first, second = bench.plan(), bench.plan()
    assert bench.current.run_id == second
    bench.finish("second", second, ERRORED)
    bench.finish("first", first, SKIPPED)
    assert bench.current.reasoning == "second"  # the newest attempt is the one made last, not the one ended last
    bench.plan()
    assert bench.current.status == ScoreStatus.PENDING
    assert bench.is_right()


def test_a_pending_or_failed_re_score_never_hides_a_value(bench):
    bench.run("value")
    run = bench.plan()
    assert (bench.current.reasoning, bench.status) == ("value", RecordStatus.COMPLETED)
    bench.finish("failed", run, ERRORED)
    assert (bench.current.reasoning, bench.status) == ("value", RecordStatus.COMPLETED)
    bench.run("skipped", status=SKIPPED)
    assert bench.current.reasoning == "value"


def test_a_correction_by_a_person_survives_re_scores_and_overwrites_nothing(bench):
    bench.run("machine")
    bench.add("person", ScoreSource.HUMAN)
    bench.run("machine again")
    assert bench.current.reasoning == "person"
    assert set(Score.objects.values_list("reasoning", flat=True)) == {"machine", "person", "machine again"}


def test_deleting_the_current_score_crowns_the_best_of_the_rest(bench):
    bench.run("errored", status=ERRORED)
    bench.run("other", "second judge")
    bench.run("primary")
    human = bench.add("person", ScoreSource.HUMAN)
    for expected in ("primary", "other", "errored"):
        assert delete_scores(bench.project.id, [bench.current.id]) == 1
        assert bench.current.reasoning == expected
        assert bench.is_right()
    assert bench.status == RecordStatus.ERRORED
    assert delete_scores(bench.project.id, [human, bench.current.id]) == 1
    assert (bench.status, Score.objects.count()) == (RecordStatus.UNSCORED, 0)
    assert bench.is_right()


def test_deleting_another_projects_score_does_nothing(bench):
    id = bench.add("mine")
    assert delete_scores(factories.project().id, [id]) == 0
    assert bench.current.id == id


def test_a_record_is_errored_until_a_later_attempt_completes(bench):
    assert bench.status == RecordStatus.UNSCORED
    run = bench.plan()
    assert bench.status == RecordStatus.PENDING
    bench.finish("no", run, ERRORED)
    assert bench.status == RecordStatus.ERRORED
    bench.run("yes")
    assert bench.status == RecordStatus.COMPLETED


def test_one_errored_metric_outweighs_pending_and_completed_ones(bench):
    other, third = factories.metric(bench.project), factories.metric(bench.project)
    bench.add("value", metric=other)
    bench.plan(metric=third)
    assert bench.status == RecordStatus.PENDING
    bench.run("no", status=ERRORED)
    assert bench.status == RecordStatus.ERRORED
    assert bench.is_right()


def test_a_request_for_a_person_counts_only_while_there_is_no_other_score(bench):
    other = factories.metric(bench.project)
    bench.plan(evaluator="", source=ScoreSource.HUMAN)
    assert bench.status == RecordStatus.PENDING
    bench.add("value", metric=other)
    assert bench.status == RecordStatus.COMPLETED
    assert bench.is_right()


def test_only_skipped_scores_leave_a_record_unscored(bench):
    bench.run("does not apply", status=SKIPPED)
    assert bench.status == RecordStatus.UNSCORED
    assert bench.current.status == SKIPPED
    assert bench.is_right()

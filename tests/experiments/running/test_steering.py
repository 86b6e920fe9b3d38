"""Cancelled in the middle, retried, scored again; workers that die, and two of them at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from experiments.models import Experiment, ExperimentState, RowState
from experiments.running import healing, steering, working
from experiments.running import rows as holding
from experiments.running import scores as scoring
from experiments.running.generating import call_of
from experiments.running.storing import store
from experiments.workflows.asking import Generated
from records.models import Record, Score
from scoring.evaluators import save_version
from scoring.models import ScoringRun
from scoring.runs.steering import NotNow
from tests import factories
from tests.experiments.running.begun import begin, dataset, prompt, provider, questions, rows, scores, states, turned
from tests.model_server import hang, status
from tests.records.recount import recount
from tests.scoring.running import exact

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def its(project, server):
    """An experiment of four cases and one evaluator, nothing of it done."""
    exact(project, text="Answer")
    made = prompt(project, provider(project, server))
    cases = dataset(project, *questions(4))
    return begin(project, "prompt", dataset=cases.slug, prompt=made.slug, evaluators=["exact"])


def test_one_cancelled_before_it_began_has_no_row_left_that_moves(its, server, project):
    assert steering.cancel(its, "anna") and not steering.cancel(its, "anna")
    assert (its.state, states(its)) == (ExperimentState.CANCELLED, [RowState.CANCELLED] * 4)
    assert turned(its).totals["states"] == {"cancelled": 4} and server.requests == []
    assert ScoringRun.objects.get().status == "cancelled"
    assert steering.retry(its, "anna") == 4
    assert turned(its).state == ExperimentState.COMPLETED and len(server.requests) == 4


def test_one_cancelled_in_the_middle_keeps_what_is_there_and_makes_no_more_calls(its, server):
    claimed = holding.claim(its, 2, 60)
    done, held = claimed
    store(its, call_of(its), [(done, Generated(output="Answer.", messages=[]))])
    steering.cancel(its, "anna")
    assert states(its) == [RowState.GENERATED, RowState.RUNNING, RowState.CANCELLED, RowState.CANCELLED]
    assert turned(its).totals == {}  # a worker holds one still
    holding.put_back(its, [held])
    assert states(turned(its)) == [RowState.CANCELLED] * 4 and its.totals["states"] == {"cancelled": 4}
    assert server.requests == [] and Score.objects.count() == 0
    assert rows(its)[0].record_id  # its output stays, and a retry scores it alone
    steering.retry(its, "anna")
    assert states(turned(its)) == [RowState.SCORED] * 4 and len(server.requests) == 3


def test_an_answer_that_comes_after_the_cancel_is_kept_and_no_scoring_begins_for_it(its):
    late, *_ = holding.claim(its, 1, 60)
    steering.cancel(its, "anna")
    store(its, call_of(its), [(late, Generated(output="Answer.", messages=[]))])
    scoring.hand_over(its)
    assert ScoringRun.objects.get().status == "cancelled" and scores(its) == []
    assert states(turned(its)) == [RowState.CANCELLED] * 4 and rows(its)[0].record_id
    assert its.totals["states"] == {"cancelled": 4}


def test_a_row_that_is_given_back_while_the_experiment_is_cancelled_ends_with_it(its):
    steering.cancel(its, "anna")
    its.rows.filter(case_id="case-1").update(state=RowState.PENDING)  # as a worker left it that saw no cancel yet
    assert turned(its).totals["states"] == {"cancelled": 4}


def test_one_that_is_deleted_while_a_worker_is_at_it_is_let_go(its, monkeypatch, caplog):
    monkeypatch.setattr(scoring, "hand_over", lambda experiment: Experiment.objects.filter(pk=experiment.pk).delete())
    working.work(its.pk)
    assert not Experiment.objects.exists() and "was deleted" in caplog.text and "Traceback" not in caplog.text


def test_a_row_of_a_killed_worker_is_made_again_by_another_and_only_once_recorded(its, server, project):
    lost, *_ = holding.claim(its, 1, 60)
    its.rows.filter(state=RowState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert states(turned(its)) == [RowState.SCORED] * 4
    assert store(its, call_of(its), [(lost, Generated(output="Late.", messages=[]))]) == 0
    assert Record.objects.filter(project=project, is_root=True).count() == 4
    assert not any(recount(project.id).values())


def test_a_worker_from_before_a_retry_stores_nothing_of_the_row_that_is_made_anew(its):
    old, *_ = holding.claim(its, 1, 60)
    steering.cancel(its, "anna")
    its.rows.update(state=RowState.CANCELLED)
    steering.retry(its, "anna")
    new, *_ = holding.claim(its, 1, 60)
    assert (new.id, new.attempts) == (old.id, old.attempts)
    assert store(its, call_of(its), [(old, Generated(output="Old.", messages=[]))]) == 0
    assert store(its, call_of(its), [(new, Generated(output="New.", messages=[]))]) == 1


def test_outputs_whose_scores_were_not_planned_before_the_kill_are_scored_after_it(its):
    store(its, call_of(its), [(one, Generated(output="Answer.", messages=[])) for one in holding.claim(its, 4, 60)])
    assert states(its) == [RowState.GENERATED] * 4 and scores(its) == []
    assert states(turned(its)) == [RowState.SCORED] * 4 and its.state == ExperimentState.COMPLETED


def test_a_row_that_kills_every_worker_is_given_up(its):
    its.rows.filter(case_id="case-1").update(
        state=RowState.RUNNING, attempts=holding.MAX_ATTEMPTS, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert turned(its).state == ExperimentState.COMPLETED_WITH_ERRORS
    assert states(its) == [RowState.ERRORED] + [RowState.SCORED] * 3


def test_the_sweeper_rings_for_what_nobody_is_at_and_ends_what_is_done(its, rung):
    rung.clear()
    healing.heal()
    assert rung == []  # it was begun a moment ago
    its.created_at -= timedelta(minutes=5)
    its.save()
    healing.heal()
    assert rung == [its.pk]
    store(
        its, call_of(its), [(one, Generated(output="x", error="no", messages=[])) for one in holding.claim(its, 4, 60)]
    )
    healing.heal()
    its.refresh_from_db()
    assert its.state == ExperimentState.COMPLETED_WITH_ERRORS


def test_it_is_not_completed_while_a_score_is_pending(its, monkeypatch):
    monkeypatch.setattr(working.scoring, "take_turn", lambda run, seconds: False)
    assert turned(its, 0.3).state == ExperimentState.RUNNING and states(its) == [RowState.GENERATED] * 4
    assert ScoringRun.objects.get().planned == 4
    monkeypatch.undo()
    assert turned(its).state == ExperimentState.COMPLETED


def test_a_retry_makes_anew_what_failed_and_leaves_what_went_well(its, server):
    server.refuses = lambda request: status(400) if "What is 2?" in str(request.body) else None
    assert turned(its).state == ExperimentState.COMPLETED_WITH_ERRORS
    before = {row.case_id: row.record_id for row in rows(its)}
    with pytest.raises(NotNow):
        steering.resume(its, "anna")
    server.refuses = lambda request: None
    assert steering.retry(its, "anna") == 1
    assert turned(its).state == ExperimentState.COMPLETED
    after = {row.case_id: row.record_id for row in rows(its)}
    assert {case for case in after if after[case] != before[case]} == {"case-2"}
    assert len(scores(its)) == 4 and len(server.requests) == 5
    with pytest.raises(NotNow):
        steering.retry(its, "anna")


def test_a_retry_of_errored_scores_uses_the_frozen_version_and_keeps_the_others(project, server, monkeypatch):
    from scoring.runs import coding
    from scoring.verdicts import errored

    evaluator, other = exact(project, text="Answer"), exact(project, "other", text="n")
    made = prompt(project, provider(project, server))
    its = begin(
        project, "prompt", dataset=dataset(project, *questions(2)).slug, prompt=made.slug, evaluators=["exact", "other"]
    )
    right = coding.builtins.run
    monkeypatch.setattr(
        coding.builtins, "run", lambda kind, s, row: errored("broken") if s.texts == ["n"] else right(kind, s, row)
    )
    assert states(turned(its)) == [RowState.ERRORED] * 2 and its.state == ExperimentState.COMPLETED_WITH_ERRORS
    assert "other: broken" in rows(its)[0].error
    kept = {score.id for score in scores(its) if score.evaluator == "exact"}
    save_version(other, "anna", {"builtin": "contains", "settings": {"texts": ["zzz"]}})
    monkeypatch.undo()
    assert steering.retry(its, "anna") == 2
    turned(its)
    assert its.state == ExperimentState.COMPLETED and len(server.requests) == 2
    assert {score.id for score in scores(its) if score.evaluator == "exact"} == kept
    assert {score.version_no for score in scores(its)} == {1}
    assert evaluator.current.number == 1


def test_scoring_again_is_a_further_set_and_changes_nothing_that_is_there(its, project):
    assert turned(its).state == ExperimentState.COMPLETED
    before = {score.id: (score.passed, score.run_id) for score in scores(its)}
    evaluator = its.evaluators.get().evaluator_version.evaluator
    save_version(evaluator, "anna", {"builtin": "contains", "settings": {"texts": ["zzz"]}})
    evaluator.refresh_from_db()
    made = steering.score_again(its, [evaluator], "anna", "Stricter")
    turned(its)
    (run,) = scoring.runs_of_set(its, made.number)
    working.scoring.take_turn(run.pk, 5)
    after = {score.id: (score.passed, score.run_id) for score in scores(its)}
    assert (made.number, made.name) == (2, "Stricter") and before.items() <= after.items() and len(after) == 8
    assert [v.number for v in scoring.versions_of_set(its, 2)] == [2] and its.state == ExperimentState.COMPLETED
    run.refresh_from_db()
    assert (run.status, run.completed) == ("finished", 4)


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_rows_and_no_case_is_asked_twice(server, rung):
    project = factories.project()
    exact(project, text="Answer")
    made = prompt(project, provider(project, server))
    cases = dataset(project, *questions(30))
    its = begin(project, "prompt", dataset=cases.slug, prompt=made.slug, evaluators=["exact"], concurrency=2)
    server.seconds = 0.02

    def turn() -> None:
        working.take_turn(its.pk, 10)
        connection.close()

    workers = [threading.Thread(target=turn) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    working.take_turn(its.pk, 5)
    its.refresh_from_db()
    assert (its.state, set(states(its))) == (ExperimentState.COMPLETED, {RowState.SCORED})
    asked = [request.body["messages"][0]["content"] for request in server.requests]
    assert len(asked) == len(set(asked)) == 30 and len(scores(its)) == 30
    assert not any(recount(project.id).values())


@pytest.mark.django_db(transaction=True)
def test_a_cancel_stops_the_calls_under_way(server, rung, monkeypatch):
    from scoring import engine

    project = factories.project()
    made = prompt(project, provider(project, server))
    its = begin(project, "prompt", dataset=dataset(project, *questions(6)).slug, prompt=made.slug, concurrency=2)
    server.answers += [hang(30)] * 2
    monkeypatch.setattr(engine, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(engine.evaluate_all, "__kwdefaults__", engine.evaluate_all.__kwdefaults__ | {"grace": 0.1})

    def turn() -> None:
        working.take_turn(its.pk, 10)
        connection.close()

    worker = threading.Thread(target=turn)
    worker.start()
    while len(server.requests) < 2:
        threading.Event().wait(0.02)
    steering.cancel(its, "anna")
    worker.join()
    assert states(its) == [RowState.CANCELLED] * 6 and len(server.requests) == 2

"""Scoring runs: planned, worked off, counted, and right whatever happens meanwhile."""

import pytest

from evalhub.models import AuditEvent, Role
from records.deletion import delete_records
from records.models import Record, Score, ScoreSource, ScoreStatus
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.evaluators import archive_evaluator, save_version
from scoring.models import RunStatus, ScoringRun
from scoring.runs import planning, ringing, steering, working
from scoring.runs.healing import heal_runs, release_leases
from scoring.runs.starting import RunProblem, evaluators_named, retry_errored, start_run
from scoring.runs.working import take_turn
from tests import factories
from tests.records.recount import recount
from tests.scoring.running import code, exact, finish, matching, scores_of, sent, ticked


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    """Whom a worker was told of; none works by itself here."""
    told = []
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: told.append((queue, run_id)))
    monkeypatch.setattr(ringing, "workers_of", lambda queue: 1)
    return told


def counts(run):
    run.refresh_from_db()
    return run.planned, run.completed, run.errored, run.skipped, run.cancelled


def test_ticked_records_are_planned_at_once_and_scored_by_a_worker(project, rung):
    ids = sent(project, 3, outputs="hello")
    run = start_run(ticked(project, ids), [exact(project, text="hell")], "anna")
    assert (run.number, run.status, run.planned, run.records) == (1, "running", 3, 3)
    assert set(Record.objects.values_list("status", flat=True)) == {1}
    assert ("bulk", run.pk) in rung
    working.work(run.pk)
    assert counts(run) == (3, 3, 0, 0, 0)
    assert run.status == "finished" and run.ended_at
    assert set(Score.objects.values_list("passed", "is_current", "run_no", "version_no")) == {(True, True, 1, 1)}
    assert not any(recount(project.id).values())


def test_all_that_match_are_planned_by_a_worker_and_later_arrivals_are_left_out(project, rung):
    sent(project, 5)
    run = start_run(matching(project, "model:gpt"), [exact(project)], "anna")
    assert (run.planned, rung) == (0, [("plan", run.pk)])
    sent(project, 2, first=5)
    finish(run)
    assert counts(run) == (5, 5, 0, 0, 0) and run.status == "finished"


def test_a_run_without_records_finishes(project):
    run = finish(start_run(matching(project, "model:none"), [exact(project)], "anna"))
    assert (run.status, run.planned) == ("finished", 0)


def test_numbers_count_in_each_project(project):
    other = factories.project()
    for here in (project, project, other):
        start_run(ticked(here, sent(here, 1)), [exact(here, f"e{ScoringRun.objects.count()}")], "anna")
    assert list(ScoringRun.objects.order_by("id").values_list("number", flat=True)) == [1, 2, 1]


def test_the_newest_are_taken_where_there_is_a_limit(project, monkeypatch):
    monkeypatch.setattr(planning, "SLICE", 2)
    sent(project, 7)
    run = finish(start_run(matching(project), [exact(project)], "anna", limit=3))
    assert counts(run)[0] == 3 and run.records == 3
    scored = Score.objects.values_list("record_id", flat=True)
    assert set(Record.objects.filter(id__in=scored).values_list("external_id", flat=True)) == {"r4", "r5", "r6"}


def test_a_snippet_runs_in_the_sandbox_and_its_errors_are_scores(project):
    sent(project, 3)
    snippet = """
def evaluate(output):
    if output == "1":
        raise ValueError("no")
    return None if output == "2" else True
"""
    run = finish(start_run(matching(project), [code(project, snippet=snippet)], "anna"))
    assert counts(run) == (3, 1, 1, 1, 0)
    errored = scores_of(run).get(status=ScoreStatus.ERRORED)
    assert "line 4" in errored.error
    assert not any(recount(project.id).values())


def test_a_value_that_the_metric_does_not_allow_is_an_error(project):
    sent(project, 1)
    run = finish(start_run(matching(project), [code(project, snippet="def evaluate(): return 'maybe'")], "anna"))
    assert counts(run) == (1, 0, 1, 0, 0)


def test_two_runs_over_the_same_records_leave_one_current_score(project):
    ids = sent(project, 4)
    evaluator = exact(project)
    one, two = (start_run(ticked(project, ids), [evaluator], "anna") for _ in range(2))
    assert (one.planned, two.planned) == (4, 4)
    finish(two)
    finish(one)
    assert counts(one) == counts(two) == (4, 4, 0, 0, 0)
    assert Score.objects.filter(is_current=True).count() == 4
    assert not any(recount(project.id).values())


def test_a_human_score_survives_a_run(project):
    (id,) = sent(project, 1)
    evaluator = exact(project, text="never")
    metric = evaluator.metric
    add_scores(project.id, [NewScore(id, metric, read_value(metric, {"boolean_value": True}), ScoreSource.HUMAN)])
    run = finish(start_run(ticked(project, [id]), [evaluator], "anna"))
    assert counts(run)[1] == 1
    assert Score.objects.get(is_current=True).source == ScoreSource.HUMAN


def test_a_run_cancelled_half_way_leaves_what_it_did_and_nothing_pending(project, monkeypatch):
    ids = sent(project, 10)
    evaluator = exact(project)
    finish(start_run(ticked(project, ids), [evaluator], "anna"))
    run = start_run(ticked(project, ids), [evaluator], "anna")
    monkeypatch.setattr(working, "MOST_CLAIMED", 3)
    flush = working.Store.flush

    def then_cancel(store, judged):
        flush(store, judged)
        steering.cancel(ScoringRun.objects.get(pk=run.pk), "ben")
        return store._reason()

    monkeypatch.setattr(working.Store, "flush", then_cancel)
    working.work(run.pk)
    assert counts(run) == (10, 3, 0, 0, 7)
    assert run.status == "cancelled" and run.ended_at
    assert not Score.objects.filter(status=ScoreStatus.PENDING).exists()
    assert Score.objects.filter(is_current=True).count() == 10
    assert not any(recount(project.id).values())
    assert set(AuditEvent.objects.filter(action="run.cancel").values_list("actor", flat=True)) == {"ben"}


def test_a_cancel_takes_nothing_from_another_run(project):
    ids = sent(project, 3)
    evaluator = exact(project)
    one, two = (start_run(ticked(project, ids), [evaluator], "anna") for _ in range(2))
    assert steering.cancel(one, "ben") and not steering.cancel(one, "ben")
    assert counts(one) == (3, 0, 0, 0, 3) and one.status == "cancelled"
    finish(two)
    assert counts(two) == (3, 3, 0, 0, 0)
    assert not any(recount(project.id).values())


def test_a_cancelled_run_is_planned_no_further(project, monkeypatch):
    sent(project, 4)
    monkeypatch.setattr(planning, "SLICE", 1)
    run = start_run(matching(project), [exact(project)], "anna")
    slice_of, calls = planning._slice, []

    def cancelled_at_the_third(*args):
        calls.append(args)
        if len(calls) == 3:
            steering.cancel(ScoringRun.objects.get(pk=run.pk), "ben")
        slice_of(*args)

    monkeypatch.setattr(planning, "_slice", cancelled_at_the_third)
    planning.plan(run.pk)
    assert counts(run) == (2, 0, 0, 0, 2) and run.status == "cancelled"
    assert not Score.objects.exists()
    assert not any(recount(project.id).values())


def test_planning_that_dies_goes_on_where_it_was_and_counts_nothing_twice(project, monkeypatch):
    sent(project, 5)
    monkeypatch.setattr(planning, "SLICE", 2)
    run = start_run(matching(project), [exact(project)], "anna")
    advance, calls = planning._advance, []

    def dies(*args, **more):
        advance(*args, **more)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(planning, "_advance", dies)
        planning.plan(run.pk)
    planning.plan(run.pk)  # taken, as far as anybody knows
    assert counts(run)[0] == 2
    ScoringRun.objects.update(planner_beat_at=None)
    finish(run)
    assert counts(run) == (5, 5, 0, 0, 0) and run.records == 5
    assert not any(recount(project.id).values())


def test_a_turn_ends_and_the_next_one_is_rung_for(project, rung, monkeypatch):
    run = start_run(ticked(project, sent(project, 2)), [exact(project)], "anna")
    rung.clear()
    with monkeypatch.context() as patch:
        patch.setattr(working, "take_turn", lambda run_id: take_turn(run_id, seconds=-1))
        working.work(run.pk)
    assert counts(run)[1] == 0 and rung == [("bulk", run.pk)]
    working.work(run.pk)
    assert counts(run)[1] == 2


def test_a_worker_that_was_killed_gives_its_scores_back_when_its_lease_ends(project, rung):
    run = start_run(ticked(project, sent(project, 3)), [exact(project)], "anna")
    working.claim(project.id, run.pk, 2, 600)  # and then it is dead
    working.work(run.pk)
    assert counts(run)[1] == 1 and run.status == "running"
    Score.objects.filter(status=ScoreStatus.PENDING).update(lease_until="2020-01-01T00:00Z")
    rung.clear()
    release_leases(project.id)
    assert rung == [("bulk", run.pk)]
    working.work(run.pk)
    assert counts(run) == (3, 3, 0, 0, 0) and run.status == "finished"
    assert not any(recount(project.id).values())


def test_a_late_result_of_a_worker_whose_lease_was_taken_is_not_stored(project, monkeypatch):
    run = start_run(ticked(project, sent(project, 2)), [exact(project)], "anna")
    verdicts = working.coding.verdicts

    def slow(*args):
        Score.objects.filter(status=ScoreStatus.PENDING).update(lease_until=None)
        working.claim(project.id, run.pk, 10, 600)  # by somebody else
        yield from verdicts(*args)

    with monkeypatch.context() as patch:
        patch.setattr(working.coding, "verdicts", slow)
        working.work(run.pk)
    assert counts(run) == (2, 0, 0, 0, 0)
    assert set(Score.objects.values_list("attempts", flat=True)) == {2}


def test_what_is_given_up_counts_as_errored(project):
    run = start_run(ticked(project, sent(project, 1)), [exact(project)], "anna")
    Score.objects.update(attempts=8)
    release_leases(project.id)
    heal_runs()
    assert counts(run) == (1, 0, 1, 0, 0) and run.status == "finished"


def test_redis_that_forgot_everything_delays_a_run_and_no_more(project, rung):
    run = start_run(matching(project), [exact(project)], "anna")
    sent(project, 1)
    ScoringRun.objects.update(started_at="2020-01-01T00:00Z")
    rung.clear()
    heal_runs()
    assert rung == [("plan", run.pk)]


def test_a_run_that_somebody_is_at_is_not_rung_for(project, rung):
    start_run(ticked(project, sent(project, 1)), [exact(project)], "anna")
    rung.clear()
    heal_runs()
    assert rung == []


def test_an_evaluator_that_is_edited_meanwhile_runs_as_it_was(project):
    sent(project, 2, outputs="hello")
    evaluator = exact(project, text="hello")
    run = start_run(matching(project), [evaluator], "anna")
    save_version(evaluator, "ben", {"builtin": "contains", "settings": {"texts": ["other"]}})
    finish(run)
    assert set(Score.objects.values_list("passed", "version_no")) == {(True, 1)}


def test_records_that_are_deleted_meanwhile_hold_no_run_up(project):
    ids = sent(project, 3)
    run = start_run(ticked(project, ids), [exact(project)], "anna")
    delete_records(project.id, ids[:1])
    finish(run)
    assert counts(run) == (3, 2, 0, 0, 0) and run.status == "finished"


def test_a_snippet_that_kills_the_sandbox_again_and_again_pauses_the_run(project):
    sent(project, 8)
    evaluator = code(project, snippet="def evaluate(output):\n    while True: pass\n", timeout=0.1)
    run = finish(start_run(matching(project), [evaluator], "anna"))
    assert run.status == "paused" and "long_enough" in run.reason
    assert 0 < run.errored < 8
    assert scores_of(run).filter(status=ScoreStatus.PENDING, lease_until=None).count() == 8 - run.errored
    assert not any(recount(project.id).values())
    steering.resume(run, "ben", Role.EDITOR)
    assert run.status == "running"


def test_a_failure_of_ours_pauses_the_run_and_says_so(project, monkeypatch):
    run = start_run(ticked(project, sent(project, 2)), [exact(project)], "anna")

    def broken(*args, **more):
        raise RuntimeError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(working, "inputs_of", broken)
        working.work(run.pk)
    run.refresh_from_db()
    assert run.status == "paused" and "disk full" in run.reason
    steering.resume(run, "ben", Role.EDITOR)
    finish(run)
    assert counts(run) == (2, 2, 0, 0, 0)


def test_only_what_errored_is_tried_again_and_once(project):
    sent(project, 3)
    snippet = "def evaluate(output):\n    return 1 / int(output) > 0\n"
    evaluator = code(project, snippet=snippet)
    run = finish(start_run(matching(project), [evaluator], "anna"))
    assert counts(run) == (3, 2, 1, 0, 0)
    save_version(evaluator, "ben", {"eval_code_snippet": "def evaluate(output): return True"})
    retry = finish(retry_errored(run, "ben"))
    assert retry.retry_of == run and counts(retry) == (1, 1, 0, 0, 0)
    assert set(Record.objects.values_list("status", flat=True)) == {2}
    assert finish(retry_errored(run, "ben")).planned == 0
    with pytest.raises(RunProblem, match="Nothing has errored"):
        retry_errored(retry, "ben")
    assert not any(recount(project.id).values())


def test_errored_only_takes_records_whose_last_attempt_errored(project):
    sent(project, 3)
    evaluator = code(project, snippet="def evaluate(output):\n    return 1 / int(output) > 0\n")
    finish(start_run(matching(project), [evaluator], "anna"))
    run = finish(start_run(matching(project), [evaluator], "anna", mode="errored"))
    assert counts(run) == (1, 0, 1, 0, 0) and run.looked_at == 3


def test_stale_only_takes_what_this_version_has_not_scored_as_it_is_now(project):
    ids = sent(project, 3)
    evaluator = exact(project)
    finish(start_run(ticked(project, ids), [evaluator], "anna"))
    assert finish(start_run(matching(project), [evaluator], "anna", mode="stale")).planned == 0
    sent(project, 1, first=1, outputs="different now")
    run = finish(start_run(matching(project), [evaluator], "anna", mode="stale"))
    assert list(scores_of(run).values_list("record_id", flat=True)) == [ids[1]]
    save_version(evaluator, "ben", {"builtin": "contains", "settings": {"texts": ["x"]}})
    sent(project, 1, first=3)
    assert finish(start_run(matching(project), [evaluator], "anna", mode="stale")).planned == 4


def test_a_filter_that_has_lost_its_meaning_pauses_the_run(project):
    sent(project, 1)
    factories.metric(project, "tone")
    run = start_run(matching(project, "-metric.tone:>0.5"), [exact(project)], "anna")
    project.metrics.filter(slug="tone").delete()
    finish(run)
    assert run.status == RunStatus.PAUSED and "tone" in run.reason
    assert run.planned == 0


def test_evaluators_that_cannot_run_are_refused_by_name(project):
    evaluator = exact(project)
    with pytest.raises(RunProblem, match="no evaluator 'nobody'"):
        evaluators_named(project, ["exact", "nobody"])
    archive_evaluator(evaluator, "anna")
    with pytest.raises(RunProblem, match="archived"):
        evaluators_named(project, ["exact"])
    with pytest.raises(RunProblem, match="at least one"):
        evaluators_named(project, [])


def test_a_reviewers_run_is_refused_above_the_projects_limit_and_pauses_at_it(project):
    ids = sent(project, 1)
    evaluator = exact(project)
    with pytest.raises(RunProblem, match=r"\$5.00"):
        start_run(ticked(project, ids), [evaluator], "rita", Role.REVIEWER, estimate={"cost": 5.01})
    run = start_run(ticked(project, ids), [evaluator], "rita", Role.REVIEWER, estimate={"cost": 4})
    ScoringRun.objects.update(cost=6)
    working.work(run.pk)
    run.refresh_from_db()
    assert run.status == "paused" and "$5.00" in run.reason
    with pytest.raises(steering.NotNow, match="editor"):
        steering.resume(run, "rita", Role.REVIEWER)
    steering.resume(run, "anna", Role.EDITOR)
    assert run.cost_limit is None

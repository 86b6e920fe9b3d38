"""A pending score is the task: planned once, claimed by one, stored by whoever holds it, taken back, cancelled."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from records.models import Record, RecordStatus, Score, ScoreDetail, ScoreSource, ScoreStatus
from records.retention import forget_payloads
from records.scores import (
    MAX_ATTEMPTS,
    NewScore,
    ScoreResult,
    Task,
    add_scores,
    cancel_pending,
    claim,
    complete,
    extend,
    plan_scores,
    put_back,
    release_expired,
    withdraw_rule,
)
from records.values import TypedValue, read_value
from tests import factories
from tests.records.recount import rebuild, recount

GOOD = TypedValue(numerical_value=0.75, value=0.75, passed=True)


@pytest.fixture
def metric(project):
    return factories.metric(project, "m", version=4)


@pytest.fixture
def records(project):
    made = [factories.record(project, input_hash=bytes([n]), thread=f"session {n}") for n in range(3)]
    rebuild(project.id)
    return made


def plan(metric, records, run=1, **fields):
    task = Task(metric.id, f"run:{run}:7:1", ScoreSource.LLM, evaluator="judge", run_id=run, **fields)
    return plan_scores(metric.project_id, [record.id for record in records], [task])


def result(claimed, status=ScoreStatus.COMPLETED, **fields):
    value = GOOD if status == ScoreStatus.COMPLETED else None
    return ScoreResult(claimed.id, claimed.record_id, claimed.attempts, status, value, **fields)


def expire(project):
    Score.objects.filter(project=project).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_plan_says_where_it_comes_from(project, metric, records):
    due = timezone.now() + timedelta(hours=1)
    task = Task(
        metric.id, "rule:5:7", ScoreSource.CODE, per_input=True, evaluator="length", evaluator_version_id=7,
        version_no=2, run_no=None, rule_id=5, rule="support", probability=0.25, epoch=3, assignee_id=11, not_before=due,
        scorer="length v2",
    )  # fmt: skip
    assert plan_scores(project.id, [records[1].id], [task]) == 1
    score = Score.objects.get()
    assert (score.task_key, bytes(score.input_hash)) == ("rule:5:7:01", b"\x01")
    assert (score.evaluator, score.evaluator_version_id, score.version_no) == ("length", 7, 2)
    assert (score.rule_id, score.rule, score.probability, score.run_id) == (5, "support", 0.25, None)
    assert (score.epoch, score.assignee_id, score.not_before, score.scorer) == (3, 11, due, "length v2")
    assert (score.metric_version, score.cluster, score.source) == (4, "session 1", ScoreSource.CODE)
    assert (score.status, score.outcome, score.completed_at) == (0, 0, None)


def test_the_same_plan_twice_adds_nothing(project, metric, records):
    assert plan(metric, records[:2]) == 2
    assert plan(metric, records) == 1
    assert plan(metric, records, run=2) == 3


def test_changed_inputs_are_a_new_task_of_a_rule(project, metric, records):
    task = Task(metric.id, "rule:1:7", ScoreSource.LLM, per_input=True)
    plan_scores(project.id, [records[0].id], [task])
    Record.objects.filter(id=records[0].id).update(input_hash=b"\xff")
    assert plan_scores(project.id, [records[0].id], [task, task]) == 1


def test_a_batch_is_bounded(project, metric):
    with pytest.raises(ValueError, match="at most 1000"):
        plan_scores(project.id, [factories.uuid7() for _ in range(1001)], [])


def test_a_score_is_claimed_by_one_worker_at_a_time(project, metric, records):
    plan(metric, records)
    first, second = claim(project.id, 1, 2, 60), claim(project.id, 1, 2, 60)
    assert (len(first), len(second)) == (2, 1)
    assert claim(project.id, 1, 2, 60) == []
    expire(project)
    again = claim(project.id, 1, 9, 60)
    assert {c.id for c in again} == {c.id for c in first + second}
    assert {c.attempts for c in again} == {2}


def test_claims_are_of_one_run_and_one_project_and_never_a_persons(project, metric, records):
    plan(metric, records)
    person = Task(metric.id, "review:1:1", ScoreSource.HUMAN)
    rule = Task(metric.id, "rule:1:7:x", ScoreSource.CODE, rule_id=1)
    plan_scores(project.id, [records[0].id], [person, rule])
    assert claim(project.id, 2, 9, 60) == []
    assert claim(factories.project().id, 1, 9, 60) == []
    (claimed,) = claim(project.id, None, 9, 60)
    assert (claimed.rule_id, claimed.source) == (1, ScoreSource.CODE)


def test_a_result_is_stored_whole(project, metric, records):
    plan(metric, records[:1])
    (claimed,) = claim(project.id, 1, 9, 60)
    given = result(
        claimed, metric_version=5, reasoning="because \x00", scorer="gpt", tokens=70, cost="0.001", duration_ms=900,
        input_hash=b"\x09", prompt="Judge this", reply="{}", output="printed",
    )  # fmt: skip
    assert complete(project.id, [given]) == {claimed.id}
    score = Score.objects.get()
    assert (score.value, score.numerical_value, score.passed, score.outcome) == (0.75, 0.75, True, 1)
    assert (score.metric_version, score.reasoning, score.scorer) == (5, "because \ufffd", "gpt")
    assert (score.tokens, str(score.cost), score.duration_ms) == (70, "0.00100000", 900)
    assert (bytes(score.input_hash), score.attempts, score.lease_until) == (b"\x09", 1, None)
    detail = ScoreDetail.objects.get(project=project, score_id=score.id)
    assert (detail.prompt, detail.reply, detail.output) == ("Judge this", "{}", "printed")
    assert not any(recount(project.id).values())


def test_what_a_judge_was_shown_of_a_payload_that_went_meanwhile_is_not_kept(project, metric, records):
    plan(metric, records[:1])
    (claimed,) = claim(project.id, 1, 9, 60)
    forget_payloads(project.id, [records[0].id])
    assert complete(project.id, [result(claimed, prompt="Judge this", reply="{}")]) == {claimed.id}
    assert not ScoreDetail.objects.filter(project=project).exists()


def test_a_job_run_twice_stores_its_result_once(project, metric, records):
    plan(metric, records)
    claimed = claim(project.id, 1, 9, 60)
    assert len(complete(project.id, [result(c) for c in claimed])) == 3
    assert complete(project.id, [result(c, ScoreStatus.ERRORED) for c in claimed]) == set()
    assert set(Score.objects.values_list("status", flat=True)) == {ScoreStatus.COMPLETED}
    assert not any(recount(project.id).values())


def test_a_worker_that_lost_its_lease_stores_nothing_of_its_own(project, metric, records):
    plan(metric, records[:1])
    (slow,) = claim(project.id, 1, 9, 60)
    expire(project)
    (fast,) = claim(project.id, 1, 9, 60)
    assert complete(project.id, [result(slow, reply="late")]) == set()
    assert not ScoreDetail.objects.exists()
    assert complete(project.id, [result(fast)]) == {fast.id}


def test_a_person_completes_a_request_without_claiming_it(project, metric, records):
    plan_scores(project.id, [records[0].id], [Task(metric.id, "review:1:1", ScoreSource.HUMAN, assignee_id=3)])
    score = Score.objects.get()
    given = ScoreResult(score.id, score.record_id, 0, ScoreStatus.COMPLETED, GOOD, scorer="ada")
    assert complete(project.id, [given]) == {score.id}
    score.refresh_from_db()
    assert (score.rank, score.scorer, score.is_current) == (1, "ada", True)


def test_scores_put_back_wait_with_their_reason(project, metric, records):
    plan(metric, records[:1])
    claimed = claim(project.id, 1, 9, 60)
    put_back(project.id, claimed, "provider is down", timezone.now() + timedelta(minutes=1), give_back_attempt=True)
    score = Score.objects.get()
    assert (score.status, score.error, score.attempts) == (0, "provider is down", 0)
    assert claim(project.id, 1, 9, 60) == []
    Score.objects.update(not_before=timezone.now() - timedelta(hours=1))
    (again,) = claim(project.id, 1, 9, 60)
    assert again.attempts == 1
    complete(project.id, [result(again)])
    score.refresh_from_db()
    assert (score.error, score.not_before) == ("", None)


def test_a_worker_that_lost_its_lease_cannot_put_the_score_back(project, metric, records):
    plan(metric, records[:1])
    slow = claim(project.id, 1, 9, 60)
    expire(project)
    claim(project.id, 1, 9, 60)
    put_back(project.id, slow, "stopping", give_back_attempt=True)
    assert Score.objects.values_list("attempts", "error").get() == (2, "")
    assert claim(project.id, 1, 9, 60) == []


def test_a_worker_holds_on_to_what_is_still_its_own(project, metric, records):
    plan(metric, records)
    mine, lost, *_ = claim(project.id, 1, 2, 60)
    Score.objects.filter(id=lost.id).update(attempts=2)  # taken back, and claimed by somebody else
    extend(project.id, [mine, lost], 3600)
    soon = timezone.now() + timedelta(minutes=10)
    assert set(Score.objects.filter(lease_until__gt=soon).values_list("id", flat=True)) == {mine.id}


def test_cancel_deletes_what_nobody_holds_and_brings_back_what_was_there(project, metric, records, monkeypatch):
    monkeypatch.setattr("records.scores.MAX_ITEMS", 1)
    add_scores(project.id, [NewScore(records[0].id, metric, read_value(metric, {"numerical_value": 0.1}))])
    for record in records:
        plan(metric, [record])
        plan(metric, [record], run=2)
    (held,) = claim(project.id, 1, 1, 60)
    assert cancel_pending(project.id, 1) == 2
    assert set(Score.objects.filter(run_id=1).values_list("id", flat=True)) == {held.id}
    assert Score.objects.filter(run_id=2).count() == 3
    assert cancel_pending(project.id, 2) == 3
    status = dict(Record.objects.filter(project=project).values_list("id", "status"))
    assert [status[record.id] for record in records] == [
        RecordStatus.COMPLETED, RecordStatus.UNSCORED, RecordStatus.UNSCORED,
    ]  # fmt: skip
    assert not any(recount(project.id).values())
    assert complete(project.id, [result(held)]) == {held.id}


def test_expired_leases_wait_again_and_hopeless_ones_are_errored(project, metric, records):
    plan(metric, records)
    claim(project.id, 1, 9, 60)
    assert release_expired(project.id) == (set(), 0)
    expire(project)
    hopeless = records[2].id
    Score.objects.filter(record_id=hopeless).update(attempts=MAX_ATTEMPTS, error="connection reset")
    assert release_expired(project.id) == ({1}, 1)
    assert len(claim(project.id, 1, 9, 60)) == 2
    score = Score.objects.get(record_id=hopeless)
    assert (score.status, score.error) == (ScoreStatus.ERRORED, "Given up after 8 attempts. connection reset")
    assert Record.objects.get(project=project, id=hopeless).status == RecordStatus.ERRORED
    assert not any(recount(project.id).values())


def test_a_task_that_was_claimed_too_often_is_claimed_no_more(project, metric, records):
    plan(metric, records[:1])
    for _ in range(MAX_ATTEMPTS):
        assert claim(project.id, 1, 9, 60)
        expire(project)
    assert claim(project.id, 1, 9, 60) == []
    assert release_expired(project.id) == (set(), 1)


def test_tasks_may_name_their_own_records(project, metric, records):
    one, two = records[0].id, [record.id for record in records[1:]]
    task = Task(metric.id, "rule:1:7", ScoreSource.CODE, rule_id=1, records=[one])
    tasks = [task, replace(task, key="rule:2:7", rule_id=2, records=two)]
    assert plan_scores(project.id, [one, *two], tasks) == 3
    assert set(Score.objects.filter(rule_id=1).values_list("record_id", flat=True)) == {one}
    assert set(Score.objects.filter(rule_id=2).values_list("record_id", flat=True)) == set(two)
    assert not any(recount(project.id).values())


def test_of_the_rules_scores_those_of_some_versions_are_claimed(project, metric, records):
    for version in (7, 8):
        task = Task(metric.id, f"rule:1:{version}", ScoreSource.CODE, rule_id=1, evaluator_version_id=version)
        plan_scores(project.id, [records[0].id], [task])
    (claimed,) = claim(project.id, None, 9, 60, [8, 9])
    assert claimed.evaluator_version_id == 8


def test_what_waits_of_a_rule_is_withdrawn_but_for_what_is_held(project, metric, records, monkeypatch):
    monkeypatch.setattr("records.scores.MAX_ITEMS", 2)
    for rule in (1, 2):
        task = Task(metric.id, f"rule:{rule}:7", ScoreSource.CODE, rule_id=rule)
        for record in records:
            plan_scores(project.id, [record.id], [task])
    (held,) = claim(project.id, None, 1, 60)
    assert set(withdraw_rule(project.id, 1)) == {record.id for record in records} - {held.record_id}
    assert withdraw_rule(project.id, 1) == []
    assert Score.objects.filter(rule_id=2).count() == 3
    assert not any(recount(project.id).values())

"""The custom workflow: rows claimed and submitted by a client, once each; what nobody submits expires."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from experiments.models import Experiment, ExperimentState, RowState
from experiments.running import healing, steering
from experiments.running.submitting import claim_rows, submit
from records.models import Record, Source
from records.whole import whole
from tests.experiments.running.begun import begin, dataset, questions, rows, scores, states, turned
from tests.records.recount import recount
from tests.scoring.running import exact

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def its(project):
    exact(project, text="42")
    return begin(project, "custom", dataset=dataset(project, *questions(3)).slug, evaluators=["exact"])


def result(n: int, **more) -> dict:
    return {"case_id": f"case-{n}", "outputs": f"It is 42 ({n})"} | more


def test_rows_are_claimed_by_one_client_at_a_time_until_the_lease_ends(its):
    first = claim_rows(its, 2, 600, "key a")
    assert [one.case.case_id for one in first] == ["case-1", "case-2"] and first[0].case.inputs == {
        "question": "What is 1?"
    }
    assert [one.case.case_id for one in claim_rows(its, 5, 600, "key b")] == ["case-3"]
    assert claim_rows(its, 5, 600, "key b") == []
    its.rows.filter(case_id="case-1").update(lease_until=timezone.now() - timedelta(seconds=1))
    assert [one.attempts for one in claim_rows(its, 5, 600, "key b")] == [2]
    its.refresh_from_db()
    assert its.state == ExperimentState.RUNNING


def test_a_batch_with_steps_tokens_and_times_becomes_traces_that_are_scored(its, project):
    start = timezone.now() - timedelta(seconds=9)
    step = {"name": "search", "kind": "tool", "inputs": {"q": "1"}, "spans": [
        {"name": "ask", "kind": "llm", "model": "x", "tokens_in": 7, "tokens_out": 3, "cost": 0.5}]}  # fmt: skip
    first = result(
        1, started_at=start.isoformat(), ended_at=(start + timedelta(seconds=2)).isoformat(), spans=[step],
        metadata={"commit": "abc"}, tags=["nightly"],
    )  # fmt: skip
    done = submit(its, [first, result(2), result(3, outputs=None, error="Timeout in my code")], "ci")
    assert [one.repeat for one in done.accepted] == [False] * 3 and done.refused == {}
    assert turned(its).state == ExperimentState.COMPLETED_WITH_ERRORS
    assert states(its) == [RowState.SCORED, RowState.SCORED, RowState.ERRORED]
    row = rows(its)[0]
    assert (row.tokens, row.cost, row.latency_ms) == (10, Decimal("0.5"), 2000)
    root = Record.objects.get(project=project, id=row.record_id)
    assert (root.source, root.kind, root.experiment, root.case_id, root.created_by) == (
        Source.API, "task", its.slug, "case-1", "ci",
    )  # fmt: skip
    assert root.metadata == {"kind": "easy", "commit": "abc"} and root.tags == ["nightly"]
    payload = root.payloads.get()
    assert (payload.inputs, payload.expected) == ({"question": "What is 1?"}, "Answer.")
    (tree,) = whole(root)["spans"]
    assert [span["name"] for span in tree["spans"]] == ["search", "evaluator.exact"]
    assert tree["spans"][0]["spans"][0]["name"] == "ask"
    assert set(Record.objects.filter(trace_id=root.trace_id).values_list("experiment", flat=True)) == {its.slug}
    assert rows(its)[2].error == "Timeout in my code"
    assert len(scores(its)) == 2 and not any(recount(project.id).values())


def test_a_result_is_taken_once_whoever_sends_it_again(its, project):
    (first,) = submit(its, [result(1)], "ci").accepted
    (again,) = submit(its, [result(1, outputs="Something else")], "late").accepted
    assert (again.record, again.repeat) == (first.record, True)
    assert Record.objects.get(id=first.record).payloads.get().outputs == "It is 42 (1)"
    both = submit(its, [result(2), result(2)], "ci")
    assert len(both.accepted) == 1 and "another result" in both.refused[1][0][1]
    assert Record.objects.filter(project=project, is_root=True).count() == 2


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ("text", "", "object"),
        ({"outputs": 1}, "case_id", "Name the case"),
        (result(9), "case_id", "no case 'case-9' in epoch 1"),
        (result(1, epoch=2), "case_id", "in epoch 2"),
        (result(1, epoch="x"), "epoch", "whole number"),
        ({"case_id": "case-1"}, "outputs", "Give the outputs"),
        (result(1, expected="mine"), "expected", "Follows from the case"),
        (result(1, tokens_in="many"), "tokens_in", "must be"),
        (result(1, spans=[{"name": "x", "tokens_in": "x"}]), "spans.0.tokens_in", "must be"),
        (result(1, outputs="\0"), "outputs", "NUL"),
    ],
)
def test_what_cannot_be_a_result_is_refused_with_its_field_and_the_rest_is_taken(its, sent, field, says):
    done = submit(its, [sent, result(3)], "ci")
    ((where, what),) = done.refused[0]
    assert (where, says in what) == (field, True)
    assert [one.case_id for one in done.accepted] == ["case-3"] and states(its)[0] == RowState.PENDING


def test_what_nobody_submits_in_time_expires_and_may_be_retried(its):
    claim_rows(its, 1, 600, "key a")
    submit(its, [result(3)], "ci")
    Experiment.objects.filter(pk=its.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    healing.heal()
    assert states(its)[:2] == [RowState.RUNNING, RowState.EXPIRED]  # the first is held by a client
    its.rows.update(lease_until=timezone.now() - timedelta(seconds=1))
    healing.heal()
    assert states(turned(its)) == [RowState.EXPIRED, RowState.EXPIRED, RowState.SCORED]
    assert its.state == ExperimentState.COMPLETED_WITH_ERRORS
    assert "retry that first" in submit(its, [result(1)], "late").refused[0][0][1]
    assert steering.retry(its, "anna") == 2
    its.refresh_from_db()
    assert its.expires_at > timezone.now() and len(claim_rows(its, 5, 60, "key a")) == 2


def test_a_late_result_of_an_expired_row_is_taken_and_one_of_a_cancelled_row_refused(its):
    its.rows.filter(case_id="case-1").update(state=RowState.EXPIRED)
    assert submit(its, [result(1)], "ci").accepted[0].repeat is False
    steering.cancel(its, "anna")
    assert "cancelled" in submit(its, [result(2)], "ci").refused[0][0][1]
    assert states(its)[1:] == [RowState.CANCELLED] * 2


def test_one_that_ends_while_the_last_result_is_stored_goes_on_until_that_is_scored(its, monkeypatch):
    from experiments.running import submitting

    store = submitting._store

    def slow(experiment, *args):
        experiment.rows.exclude(case_id="case-1").update(state=RowState.EXPIRED)
        Experiment.objects.update(state=ExperimentState.COMPLETED_WITH_ERRORS, totals={"states": {"expired": 3}})
        store(experiment, *args)

    its.rows.update(state=RowState.EXPIRED)
    monkeypatch.setattr(submitting, "_store", slow)
    submit(its, [result(1)], "ci")
    assert states(turned(its)) == [RowState.SCORED, RowState.EXPIRED, RowState.EXPIRED]
    assert its.state == ExperimentState.COMPLETED_WITH_ERRORS and its.totals["states"] == {"scored": 1, "expired": 2}

"""The workflows that ask a model: what a case becomes, what it takes, and what is scored of it."""

from decimal import Decimal

import pytest

from experiments.models import ExperimentState, RowState
from experiments.running.counting import totals_of
from records.models import Source
from records.whole import whole
from scoring.providers import archive_provider
from tests.experiments.running.begun import (
    begin,
    dataset,
    prompt,
    provider,
    questions,
    rows,
    scores,
    states,
    trace,
    turned,
)
from tests.model_server import said, status
from tests.records.recount import recount
from tests.scoring.running import exact

pytestmark = pytest.mark.usefixtures("rung")


def test_a_prompt_is_rendered_for_each_case_asked_recorded_and_scored(project, server):
    its = prompt(project, provider(project, server))
    cases = dataset(project, *questions(3))
    evaluator = exact(project, text="Answer")
    done = turned(begin(project, "prompt", dataset=cases.slug, prompt=its.slug, evaluators=[evaluator.slug]))
    assert (done.state, states(done)) == (ExperimentState.COMPLETED, [RowState.SCORED] * 3)
    assert [r.body["messages"] for r in server.requests][0] == [{"role": "user", "content": "Q: What is 1?"}]
    assert all("max_tokens" not in r.body for r in server.requests)
    row = rows(done)[0]
    spans = trace(row)
    root, load, call = spans[done.name], spans["load_prompt"], spans["completion"]
    assert (root.kind, root.source, root.is_root, root.created_by) == ("task", Source.KICKOFF, True, "anna")
    assert (root.experiment, root.case_id, root.epoch, root.prompt, root.prompt_version) == (
        done.slug, "case-1", 1, "qa", 1,
    )  # fmt: skip
    payload = root.payloads.get()
    assert (payload.inputs, payload.outputs, payload.expected) == ({"question": "What is 1?"}, "Answer.", "Answer.")
    assert load.payloads.get().outputs == [{"role": "user", "content": "Q: What is 1?"}]
    assert (call.kind, call.model, call.parent_id, call.tokens_in, call.tokens_out) == (
        "llm",
        "m",
        root.span_id,
        100,
        20,
    )
    assert (call.cost, call.metadata["finish_reason"]) == (Decimal("0.002"), "stop")
    assert {span.experiment for span in spans.values()} == {done.slug}
    (score,) = [score for score in scores(done) if score.record_id == row.record_id]
    assert (score.passed, score.evaluator_version_id) == (True, evaluator.current_id)
    names = [span["name"] for span in whole(root)["spans"][0]["spans"]]
    assert names == ["load_prompt", "completion", f"evaluator.{evaluator.slug}"]
    assert not any(recount(project.id).values())


def test_costs_of_generating_and_judging_are_kept_apart_and_kept_at_the_end(project, server):
    its = prompt(project, provider(project, server))
    done = turned(begin(project, "prompt", dataset=dataset(project, *questions(2)).slug, prompt=its.slug))
    assert (done.state, states(done)) == (ExperimentState.COMPLETED, [RowState.GENERATED] * 2)
    totals = totals_of([done])[done.pk]
    assert (totals.rows, totals.tokens, totals.cost, totals.judging_cost) == (2, 240, pytest.approx(0.004), 0)
    assert totals.p50 is not None and done.totals["states"] == {"generated": 2}


def test_a_completion_sends_the_cases_messages_with_the_experiments_parameters(project, server):
    talk = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"}]
    cases = dataset(project, talk, {"messages": talk[1:]})
    server.answers.append(said("Cut of", finish="length"))
    done = turned(
        begin(
            project, "completion", dataset=cases.slug, provider_id=provider(project, server).pk, model="m",
            parameters={"temperature": 0}, concurrency=1,
        )
    )  # fmt: skip
    assert [r.body["messages"] for r in server.requests] == [talk, talk[1:]]
    assert [r.body["temperature"] for r in server.requests] == [0, 0]
    assert [row.finish for row in rows(done)] == ["length", "stop"]
    assert totals_of([done])[done.pk].cut == 1
    assert set(trace(rows(done)[0])) == {done.name, "completion"}


def test_each_epoch_is_a_row_and_a_record_of_its_own(project, server):
    its = prompt(project, provider(project, server))
    done = turned(begin(project, "prompt", dataset=dataset(project, *questions(2)).slug, prompt=its.slug, epochs=3))
    assert [(row.case_id, row.epoch) for row in rows(done)] == [(f"case-{c}", e) for c in (1, 2) for e in (1, 2, 3)]
    assert len({row.record_id for row in rows(done)}) == 6
    assert trace(rows(done)[4])[done.name].epoch == 2


def test_an_answer_in_a_form_is_an_object(project, server):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    its = prompt(project, provider(project, server), response_format=schema)
    server.answers.append(said({"n": 4}))
    done = turned(begin(project, "prompt", dataset=dataset(project, *questions(1)).slug, prompt=its.slug))
    assert trace(rows(done)[0])[done.name].payloads.get().outputs == {"n": 4}


def test_what_fails_for_good_is_errored_with_a_record_that_says_why(project, server):
    its = prompt(project, provider(project, server))
    server.refuses = lambda request: status(400, message="no such model")
    evaluator = exact(project)
    done = turned(
        begin(
            project,
            "prompt",
            dataset=dataset(project, *questions(1)).slug,
            prompt=its.slug,
            evaluators=[evaluator.slug],
        )
    )
    (row,) = rows(done)
    assert (done.state, row.state) == (ExperimentState.COMPLETED_WITH_ERRORS, RowState.ERRORED)
    assert "no such model" in row.error and "no such model" in trace(row)["completion"].error
    assert scores(done) == []


def test_what_fails_in_passing_waits_and_is_done_later(project, server, monkeypatch):
    its = prompt(project, provider(project, server))
    server.answers += [status(500)] * 2
    its = turned(begin(project, "prompt", dataset=dataset(project, *questions(1)).slug, prompt=its.slug))
    (row,) = rows(its)
    assert (its.state, row.state, row.attempts) == (ExperimentState.RUNNING, RowState.PENDING, 1)
    assert "500" in row.error and row.not_before
    its.rows.update(not_before=None)
    assert turned(its).state == ExperimentState.COMPLETED
    assert rows(its)[0].error == ""


def test_whatever_a_provider_says_is_stored(project, server):
    its = prompt(project, provider(project, server))
    server.answers += [said("nul \0"), status(400, message="bad \0 words")]
    done = turned(
        begin(project, "prompt", dataset=dataset(project, *questions(2)).slug, prompt=its.slug, concurrency=1)
    )
    first, second = rows(done)
    assert "nul \ufffd" in trace(first)[done.name].payloads.get().outputs and "bad \ufffd" in second.error
    server.refuses = lambda request: status(401, message="key \0")
    stopped = turned(begin(project, "prompt", dataset=dataset(project, *questions(1)).slug, prompt=its.slug))
    assert "key \ufffd" in stopped.reason


def test_an_archived_provider_stops_it_with_the_reason(project, server):
    its_provider = provider(project, server)
    its = prompt(project, its_provider)
    begun = begin(project, "prompt", dataset=dataset(project, *questions(1)).slug, prompt=its.slug)
    archive_provider(its_provider, "anna")
    assert "archived" in turned(begun).reason and states(begun) == [RowState.PENDING]


def test_a_refused_key_stops_the_experiment_with_the_reason(project, server):
    its = prompt(project, provider(project, server))
    server.refuses = lambda request: status(401, message="bad key")
    its = turned(begin(project, "prompt", dataset=dataset(project, *questions(3)).slug, prompt=its.slug))
    assert its.state == ExperimentState.RUNNING and "bad key" in its.reason
    assert states(its) == [RowState.PENDING] * 3
    assert [row.attempts for row in rows(its)] == [0, 0, 0]

"""Scoring runs with LLM judges: limits, passing failures, refused keys, cancels, and what is kept of each call."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from evalhub.models import Role
from records.models import Score, ScoreDetail, ScoreStatus, ValueType
from records.scores import claim
from scoring import calls
from scoring.engine import evaluate_all
from scoring.evaluators import create_evaluator
from scoring.learned import Learned
from scoring.models import ScoringRun
from scoring.providers import archive_provider, create_provider
from scoring.runs import planning, ringing, steering, storing, working
from scoring.runs.starting import start_run
from scoring.runs.tasks import versions_of
from scoring.verdicts import completed
from tests import factories
from tests.model_server import body, model_server, status
from tests.records.recount import recount
from tests.scoring.running import exact, finish, matching, scores_of, sent

PRICES = {"m": {"input": 10, "output": 50}}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)
    monkeypatch.setattr(ringing, "workers_of", lambda queue: 1)
    monkeypatch.setattr(working, "LONGEST_WAIT", 0)  # the database's clock stands still in a test's transaction
    monkeypatch.setattr(calls, "PAUSE_SECONDS", (0, 0))
    Learned._known.clear()


@pytest.fixture
def server():
    with model_server() as server:
        yield server


@pytest.fixture
def provider(project, server):
    return create_provider(project, "anna", key="sk-1", name="Local", base_url=server.url, prices=PRICES)


def judge(project, provider, slug="polite", metric=None):
    metric = metric or factories.metric(project, value_type=ValueType.BOOLEAN, passing_value=True)
    definition = {"evaluator_definition": "Is {{ output }} polite?", "provider_id": provider.pk, "model": "m"}
    return create_evaluator(project, "anna", slug=slug, type="llm", metric=metric, definition=definition)


def run_of(project, *evaluators, **more) -> ScoringRun:
    return start_run(matching(project), evaluators, "anna", **more)


def test_judges_score_all_records_and_the_run_counts_tokens_and_cost(project, server, provider):
    sent(project, 30)
    run = finish(run_of(project, judge(project, provider)))
    assert (run.status, run.completed, len(server.requests)) == ("finished", 30, 30)
    assert (run.tokens, run.cost, run.unpriced) == (30 * 120, Decimal("0.06"), 0)
    score = scores_of(run).first()
    assert (score.passed, score.scorer, score.tokens, score.cost) == (True, "m", 120, Decimal("0.002"))
    detail = ScoreDetail.objects.get(score_id=score.id)
    assert "polite?" in detail.prompt and "reasoning" in detail.reply
    assert not any(recount(project.id).values())


def test_code_and_judges_go_together(project, provider):
    sent(project, 12)
    run = finish(run_of(project, judge(project, provider), exact(project)))
    assert (run.status, run.completed, run.records) == ("finished", 24, 12)
    assert set(Score.objects.values_list("evaluator", flat=True)) == {"polite", "exact"}


def test_built_in_evaluators_that_need_a_provider_ask_it(project, provider, server):
    sent(project, 2)
    metric = factories.metric(project)
    settings = {"provider_id": provider.pk, "model": "e", "against": "input.n"}
    evaluator = create_evaluator(
        project, "anna", slug="near", type="code", metric=metric,
        definition={"builtin": "embedding_similarity", "settings": settings},
    )  # fmt: skip
    server.answers += [body({"data": [{"index": n, "embedding": [1.0, 2.0]} for n in range(2)]})] * 2
    run = finish(run_of(project, evaluator))
    assert (run.completed, run.errored) == (2, 0), scores_of(run).first().error
    assert [round(value, 6) for value in Score.objects.values_list("value", flat=True)] == [1, 1]


def test_a_failure_in_passing_is_tried_again_later_and_then_done(project, server, provider):
    sent(project, 1)
    server.answers += [status(500)] * 2
    run = finish(run_of(project, judge(project, provider)))
    score = scores_of(run).get()
    assert (run.status, score.status, score.attempts) == ("running", ScoreStatus.PENDING, 1)
    assert "500" in score.error and score.not_before > timezone.now()
    Score.objects.update(not_before=None)
    finish(run)
    score.refresh_from_db()
    assert (run.completed, score.status, score.attempts, score.error) == (1, ScoreStatus.COMPLETED, 2, "")


def test_what_fails_for_good_is_errored_with_the_providers_words(project, server, provider):
    sent(project, 1)
    server.refuses = lambda request: status(400, message="no such thing")
    run = finish(run_of(project, judge(project, provider)))
    assert (run.status, run.errored) == ("finished", 1)
    assert "400" in scores_of(run).get().error


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_pauses_the_run_and_resuming_goes_on(project, server, provider, code):
    sent(project, 40)
    server.refuses = lambda request: status(code)
    run = finish(run_of(project, judge(project, provider)))
    assert run.status == "paused" and "refuses the key" in run.reason
    assert (run.completed, run.errored) == (0, 0)
    waiting = scores_of(run).filter(status=ScoreStatus.PENDING, lease_until=None, attempts=0)
    assert waiting.count() == 40
    assert len(server.requests) < 40 + 32
    server.refuses = lambda request: None
    steering.resume(run, "anna", Role.EDITOR)
    assert finish(run).completed == 40
    assert not any(recount(project.id).values())


def test_a_provider_that_is_down_costs_no_attempts(project, server, provider):
    sent(project, 30)
    server.refuses = lambda request: status(503)
    run = finish(run_of(project, judge(project, provider)))
    assert run.status == "running" and run.errored == 0
    waiting = scores_of(run).filter(status=ScoreStatus.PENDING, lease_until=None)
    assert waiting.count() == 30
    assert waiting.filter(not_before__gt=timezone.now(), attempts=0).exists()
    assert set(waiting.values_list("attempts", flat=True)) <= {0, 1}
    assert waiting.exclude(error="").count() == 30


def test_a_provider_that_is_gone_pauses_the_run(project, provider):
    sent(project, 2)
    run = run_of(project, judge(project, provider))
    archive_provider(provider, "anna")
    finish(run)
    assert run.status == "paused" and "archived" in run.reason


def test_a_cancel_stops_the_calls(project, server, provider, monkeypatch):
    sent(project, 200)
    server.seconds = 0.05
    run = run_of(project, judge(project, provider))
    flush = storing.Store.flush

    def then_cancel(store, judged):
        why = flush(store, judged)
        if judged and why is None:
            server.seconds = (
                1.0  # the calls that would follow are slow: on a busy machine too they have not all been made
            )
            steering.cancel(ScoringRun.objects.get(pk=run.pk), "ben")
        return store._reason() or why

    monkeypatch.setattr(storing.Store, "flush", then_cancel)
    # It asks for no more meanwhile. Calls that wait for their turn at the provider are given up after a second, not 20.
    monkeypatch.setattr(working, "evaluate_all", partial(evaluate_all, flush_size=20, grace=1))
    finish(run)
    assert run.status == "cancelled"
    assert run.completed + run.cancelled == 200 and run.completed < 200
    assert not Score.objects.filter(status=ScoreStatus.PENDING).exists()
    assert not any(recount(project.id).values())


def test_a_cost_limit_pauses_the_run(project, server, provider):
    project.reviewer_cost_limit = Decimal("0.01")
    project.save()
    sent(project, 300)
    server.seconds = 0.02
    run = finish(run_of(project, judge(project, provider), role=Role.REVIEWER))
    assert run.status == "paused" and "cost limit" in run.reason
    assert 0 < run.completed < 300
    assert run.completed + scores_of(run).filter(status=ScoreStatus.PENDING, lease_until=None).count() == 300


def test_a_score_that_its_worker_claims_a_second_time_is_stored_and_counted_once(project, provider):
    """The machine slept for longer than the lease: both answers come in one batch."""
    sent(project, 1)
    run = run_of(project, judge(project, provider))
    planning.plan(run.pk)
    (version,) = versions_of(run)
    store = storing.RunStore(run, working.metrics_of([version]), lease_seconds=60)
    judged = []
    for reply in ("first", "second"):
        (claimed,) = claim(project.pk, run.pk, 10, lease_seconds=60)
        store.take([claimed])
        judged.append((claimed, completed(True, reply=reply, tokens=10)))
        Score.objects.filter(id=claimed.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert store.flush(judged[:1]) is None and Score.objects.get().status == ScoreStatus.PENDING
    assert store.flush(judged) is None
    run.refresh_from_db()
    assert (run.status, run.completed, run.tokens, ScoreDetail.objects.get().reply) == ("running", 1, 10, "second")
    assert not any(recount(project.id).values())

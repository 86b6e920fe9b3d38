"""Scoring what rules have planned: results are counted by rule, and an evaluator that is of no use holds up nobody."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from records.models import Score, ValueType
from records.scores import MAX_ATTEMPTS, Task, plan_scores
from scoring import calls
from scoring.engine import evaluate_all
from scoring.evaluators import create_evaluator
from scoring.learned import Learned
from scoring.models import Provider, RuleCount, RunStatus
from scoring.providers import create_provider
from scoring.rules import working
from scoring.runs.healing import release_leases
from scoring.runs.starting import start_run
from scoring.sandbox import SandboxOff
from tests import factories
from tests.model_server import model_server, status
from tests.scoring.rules.online import counted, plan, rule, score, scores_of, sent, span, turn
from tests.scoring.running import code, exact, matching, ticked

PRICES = {"m": {"input": 10, "output": 50}}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(calls, "PAUSE_SECONDS", (0, 0))
    Learned._known.clear()


@pytest.fixture
def server():
    with model_server() as server:
        yield server


@pytest.fixture
def judge(project, server):
    provider = create_provider(project, "anna", key="sk-1", name="Local", base_url=server.url, prices=PRICES)
    metric = factories.metric(project, value_type=ValueType.BOOLEAN, passing_value=True)
    definition = {"evaluator_definition": "Is {{ output }} polite?", "provider_id": provider.pk, "model": "m"}
    return create_evaluator(project, "anna", slug="polite", type="llm", metric=metric, definition=definition)


def test_a_judge_scores_and_what_it_cost_is_counted_by_rule(project, server, judge):
    one = rule(project, "one", [judge])
    two = rule(project, "two", [judge, exact(project)], spans_mode="named", span_names="a")
    sent(project, span("a"), span("b"))
    score(project)
    assert len(server.requests) == 3
    assert (counted(one)["completed"], counted(two)["completed"]) == (2, 2)
    cost = dict(RuleCount.objects.filter(gate="completed").values_list("rule_id", "cost"))
    each = Score.objects.filter(source=1).values_list("cost", flat=True).first()
    assert each > 0 and cost == {one.pk: 2 * each, two.pk: each}


def test_a_refused_key_makes_its_scores_wait_with_the_reason_and_the_others_go_on(project, server, judge):
    one = rule(project, evaluators=[judge, exact(project)])
    server.answers += [status(401)] * 20
    sent(project, span("a"), span("b"))
    score(project)
    waiting = scores_of(one).filter(evaluator="polite")
    assert {(s.status, s.attempts) for s in waiting} == {(0, 0)}
    assert all("refuses the key" in s.error and s.not_before > timezone.now() for s in waiting)
    assert counted(one)["completed"] == 2
    server.answers.clear()
    waiting.update(not_before=None)
    score(project)
    assert counted(one)["completed"] == 4


def test_a_sandbox_that_is_off_makes_snippets_wait_and_says_why(project, monkeypatch):
    def off(*args, **fields):
        raise SandboxOff("No such kernel.")

    one = rule(project, evaluators=[code(project), exact(project)])
    sent(project, span("a"))
    with monkeypatch.context() as patched:
        patched.setattr("scoring.sandbox.Sandbox.run", off)
        score(project)
    waiting = scores_of(one).get(evaluator="long_enough")
    assert (waiting.status, waiting.attempts) == (0, 0) and "No such kernel" in waiting.error
    assert counted(one)["completed"] == 1
    scores_of(one).update(not_before=None)
    score(project)
    assert counted(one)["completed"] == 2


def test_an_error_of_a_snippet_is_a_score_and_a_decline_too(project):
    snippet = "def evaluate(output):\n    return None if output == '1' else 1 / 0\n"
    one = rule(project, evaluators=[code(project, snippet=snippet)])
    sent(project, span("a"), span("b", outputs="2"))
    score(project)
    assert (counted(one)["skipped"], counted(one)["errored"]) == (1, 1)


def test_a_failure_of_ours_is_an_attempt_and_waits_before_the_next(project, monkeypatch):
    one = rule(project)
    sent(project, span("a"))
    plan(project)
    with monkeypatch.context() as patched:
        patched.setattr(working.Turn, "_run_code", lambda *args: 1 / 0)
        assert not turn(project)
    found = scores_of(one).get()
    assert (found.status, found.attempts) == (0, 1) and "ZeroDivisionError" in found.error
    assert found.not_before > timezone.now() + timedelta(seconds=10)


def test_rules_do_not_claim_what_is_of_a_run_or_of_a_person(project):
    ids = sent(project, span("a"))
    evaluator = exact(project)
    run = start_run(ticked(project, ids), [evaluator], "anna")
    plan_scores(project.id, ids, [Task(evaluator.metric_id, "review:1:1", source=3)])
    one = rule(project, evaluators=[evaluator])
    sent(project, span("b"))
    score(project)
    assert counted(one)["completed"] == 1
    assert Score.objects.filter(status=0).count() == 2
    run.refresh_from_db()
    assert run.status == RunStatus.RUNNING


def test_a_budget_in_usd_holds_also_for_a_judge_that_was_never_asked(project, server, judge):
    one = rule(project, evaluators=[judge], budget_usd_day="0.01")
    sent(project, *(span(f"s{n}") for n in range(20)))
    plan(project)
    assert 0 < scores_of(one).count() < 20, "roughly, by the lengths of the prompts"
    assert counted(one)["over_budget"] == 20 - scores_of(one).count()


def test_usd_that_are_spent_meanwhile_end_the_calls(project, server, judge, monkeypatch):
    monkeypatch.setattr(working, "MOST_CLAIMED", 2)
    monkeypatch.setattr("scoring.runs.working.evaluate_all", partial(evaluate_all, flush_size=1))
    Provider.objects.update(concurrency=1)
    monkeypatch.setattr("scoring.runs.estimate.rough_cost", lambda evaluator, records: None)
    one = rule(project, evaluators=[judge], budget_usd_day="0.01")
    sent(project, *(span(f"s{n}") for n in range(200)))
    score(project)
    spent = RuleCount.objects.get(rule=one, gate="completed")
    assert spent.cost >= Decimal("0.01")
    each = spent.cost / spent.count
    assert spent.cost <= Decimal("0.01") + 4 * each
    assert counted(one)["over_budget"] == 200 - spent.count
    assert not scores_of(one).filter(status=0).exists()


def test_a_score_without_attempts_left_is_given_up_by_the_sweeper_and_nobody_waits_for_it(project):
    one = rule(project)
    sent(project, span("a"))
    plan(project)
    scores_of(one).update(attempts=MAX_ATTEMPTS)
    assert not working.is_waiting(project.pk)
    release_leases(project.pk)
    assert scores_of(one).get().error.startswith("Given up after")


def test_records_are_found_by_the_rule_that_scored_them(project):
    rule(project, spans_mode="named", span_names="a")
    sent(project, span("a"), span("b"))
    score(project)
    rows = [row for some in matching(project, "rule:support").rows() for row in some]
    assert [row.name for row in rows] == ["a"]
    assert not any(matching(project, "rule:other").rows())

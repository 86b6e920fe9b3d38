"""`manage.py rescore`: its estimate, its work without a worker, its exit code."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from evalhub.models import Role
from records.models import Record, Score, ScoreSource
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.management.commands import rescore
from scoring.models import ReviewRequest, ScoringRun
from scoring.providers import archive_provider, create_provider
from scoring.reviews import ringing as reviews_ringing
from scoring.runs import ringing
from scoring.runs.estimate import estimate
from scoring.runs.starting import machine_evaluators, start_run
from tests.scoring.reviews.asked import by_people
from tests.scoring.running import code, exact, finish, matching, sent, ticked
from tests.scoring.test_runs_with_models import PRICES, judge

NOWHERE = "http://localhost:1/v1"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)
    monkeypatch.setattr(rescore, "EVERY", 0)


def said(project, *arguments) -> str:
    out = StringIO()
    call_command("rescore", "--project", project.slug, *arguments, stdout=out)
    return out.getvalue()


def test_a_dry_run_says_what_it_would_take_and_stores_nothing(project):
    ids = sent(project, 5)
    evaluator = exact(project)
    finish(start_run(ticked(project, ids[:2]), [evaluator], "anna"))
    value = read_value(evaluator.metric, {"boolean_value": True})
    add_scores(project.id, [NewScore(ids[4], evaluator.metric, value, ScoreSource.HUMAN)])
    out = said(project, "--filter", "model:gpt", "--evaluator", "exact", "--dry-run")
    assert "All records where model is gpt" in out
    assert re.search(r"5 records, 5 calls, \$0, about 1 s; 1 scores by people stay", out)
    assert "2 carry this version already" in out
    assert ScoringRun.objects.count() == 1


def test_without_a_worker_it_does_the_work_itself_and_shows_its_progress(project):
    sent(project, 5)
    exact(project)
    out = said(project, "--filter", "", "--evaluator", "exact")
    assert "Run 1" in out and "Finished: 5 of 5" in out
    assert Score.objects.filter(status=1, is_current=True).count() == 5
    assert ScoringRun.objects.get().by == "rescore"


def test_an_evaluator_that_people_score_by_makes_a_request_for_review(project, monkeypatch):
    monkeypatch.setattr(reviews_ringing, "ring", lambda request_id: None)
    ids = sent(project, 3)
    by_people(project)
    out = said(project, "--filter", "model:gpt", "--evaluator", "careful", "--dry-run")
    assert "All 3 records where model is gpt: 1 person each, by careful v1." in out
    assert not ReviewRequest.objects.exists()
    assert "Review 1 of" in said(project, "--filter", "model:gpt", "--evaluator", "careful")
    assert "2 records" in said(project, "--filter", "", "--evaluator", "careful", "--limit", "2")
    waiting = Score.objects.filter(status=0, source=ScoreSource.HUMAN)
    newest = Record.objects.order_by("-created_at", "-id").values_list("id", flat=True)[:2]
    assert sorted(waiting.values_list("record_id", flat=True)) == sorted([*ids, *newest])
    assert not ScoringRun.objects.exists()
    exact(project)
    for more in (["--stale"], ["--evaluator", "exact"]):
        with pytest.raises(CommandError, match="scored by people: ask for it alone"):
            said(project, "--filter", "", "--evaluator", "careful", *more)


def test_errored_scores_make_the_exit_code_1_and_can_be_tried_again(project):
    sent(project, 3)
    code(project, snippet="def evaluate(output): return 1 / int(output) > 0")
    with pytest.raises(CommandError, match="1 of 3 scores errored"):
        said(project, "--filter", "", "--evaluator", "long_enough")
    with pytest.raises(CommandError, match="1 of 1 scores errored"):
        said(project, "--filter", "", "--evaluator", "long_enough", "--errored")
    with pytest.raises(CommandError, match="1 of 1 scores errored"):
        said(project, "--filter", "", "--evaluator", "long_enough", "--stale")


def test_a_limit_takes_the_newest(project):
    sent(project, 5)
    exact(project)
    assert "2 records, 2 calls" in said(project, "--filter", "", "--evaluator", "exact", "--limit", "2")
    assert Score.objects.count() == 2


def test_every_primary_evaluator_can_be_asked_for_at_once(project):
    sent(project, 2)
    first = exact(project)
    exact(project, "second", first.metric)
    exact(project, "third")
    said(project, "--filter", "", "--evaluator", "*")
    assert set(Score.objects.values_list("evaluator", flat=True)) == {"exact", "third"}


def test_detached_it_leaves_the_work_to_workers(project):
    sent(project, 2)
    exact(project)
    assert "Run 1" in said(project, "--filter", "", "--evaluator", "exact", "--detach")
    assert not Score.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--filter", "modle:gpt", "--evaluator", "exact"), "modle"),
        (("--filter", "", "--evaluator", "nobody"), "no evaluator 'nobody'"),
        (("--filter", "", "--evaluator", "exact", "--limit", "0"), "--limit"),
        (("--evaluator", "exact"), "--filter"),
    ],
)
def test_mistakes_are_told_and_nothing_is_done(project, arguments, problem):
    exact(project)
    with pytest.raises(CommandError, match=problem):
        said(project, *arguments)
    assert not ScoringRun.objects.exists()


def test_a_project_that_is_not_there(db):
    with pytest.raises(CommandError, match="no project 'nobody'"):
        call_command("rescore", "--project", "nobody", "--filter", "", "--evaluator", "x")


def test_an_estimate_counts_by_mode_and_limit_and_takes_the_mean_of_the_last_costs(project):
    ids = sent(project, 6)
    evaluator = exact(project)
    finish(start_run(ticked(project, ids[:4]), [evaluator], "anna"))
    Score.objects.filter(record_id__in=ids[:2]).update(cost="0.01")
    Score.objects.filter(record_id__in=ids[2:4]).update(cost="0.03")
    found = estimate(matching(project), [evaluator])
    assert (found.records, found.calls, found.already, float(found.cost), found.exact) == (6, 6, 4, 0.12, True)
    assert estimate(matching(project), [evaluator], "stale").calls == 2
    assert estimate(matching(project), [evaluator], limit=2).records == 2


def test_an_estimate_that_runs_out_of_time_still_counts_what_the_roll_ups_know(project, monkeypatch):
    sent(project, 6)
    monkeypatch.setattr("records.selection.MAX_ITEMS", 2)
    found = estimate(matching(project), [exact(project)], seconds=-1)
    assert found.records >= 1


def test_the_cost_of_a_judge_that_was_never_asked_is_guessed_from_the_prompts_lengths(project):
    sent(project, 3, outputs="long " * 8_000)
    asked = judge(project, create_provider(project, "anna", name="Local", base_url=NOWHERE, prices=PRICES))
    found = estimate(matching(project), [asked])
    # 40,000 characters are 10,000 tokens in at 10 USD a million, 120 out at 50.
    assert found.rough and 3 * 0.106 < found.cost < 3 * 0.111
    assert found.as_json()["rough"] is True
    said_ = said(project, "--filter", "", "--evaluator", "polite", "--dry-run")
    assert "roughly $0.3" in said_
    run = start_run(matching(project), [asked], "anna", Role.REVIEWER, estimate=found.as_json() | {"cost": 1e6})
    assert run.number == 1, "a guess refuses nobody: the run pauses at the limit"


def test_a_model_without_a_price_has_no_cost_known(project):
    sent(project, 1)
    nameless = create_provider(project, "anna", name="Local", base_url=NOWHERE)
    found = estimate(matching(project), [judge(project, nameless)])
    assert (found.cost, found.rough) == (None, False)
    archive_provider(nameless, "anna")
    assert estimate(matching(project), list(machine_evaluators(project))).cost is None

"""From ingest to scores by rules: what is drawn, what is counted, and what comes twice, late or in another order."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from records.drafts import RecordDraft
from records.filterlang import Condition
from records.models import Outbox, Record, Score, Source
from records.search import count
from scoring.evaluators import archive_evaluator, save_version
from scoring.models import OpenTrace, Rule, RuleCount, Unscored
from scoring.rules.editing import save_rule, set_enabled
from scoring.rules.matching import search_of
from scoring.runs.starting import start_run
from tests import factories
from tests.records.recount import recount
from tests.scoring.rules.online import START, counted, plan, quiet, rule, score, scored, scores_of, sent, span
from tests.scoring.running import exact, finish, ticked


def test_new_records_are_scored_by_every_evaluator_and_the_scores_say_where_they_come_from(project):
    one = rule(project, evaluators=[exact(project, "a"), exact(project, "b", text="no")])
    (id,) = sent(project, span("root"))
    plan(project)
    assert Record.objects.get(id=id).status == 1
    score(project)
    found = scores_of(one).order_by("evaluator").values_list("evaluator", "passed", "rule", "probability", "run_id")
    assert list(found) == [("a", True, "support", 1.0, None), ("b", False, "support", 1.0, None)]
    record = Record.objects.get(id=id)
    key = scores_of(one).values_list("task_key", flat=True).first()
    assert key.startswith(f"rule:{one.pk}:") and key.endswith(bytes(record.input_hash).hex())
    assert counted(one) == {
        "seen": 1, "spans": 1, "filter": 1, "sampled": 1, "planned": 1, "calls": 2, "completed": 2,
    }  # fmt: skip
    assert not Outbox.objects.exists()
    assert not any(recount(project.id).values())


def test_each_rule_counts_how_far_records_come_and_all_are_decided_together(project):
    named = rule(project, "named", spans_mode="named", span_names="search", filter="model:gpt")
    half = rule(project, "half", rate=0.5)
    none = rule(project, "none", rate=0.0)
    off = rule(project, "off", enabled=False)
    sent(project, *(span("search", trace=f"t{n}", model="gpt" if n % 2 else "own") for n in range(20)), span("other"))
    plan(project)
    assert counted(named) == {"seen": 21, "spans": 20, "filter": 10, "sampled": 10, "planned": 10, "calls": 10}
    assert counted(none) == {"seen": 21, "spans": 21, "filter": 21}
    assert counted(off) == {}
    drawn = counted(half)["sampled"]
    assert 0 < drawn < 21 and scores_of(half).count() == drawn
    assert set(scores_of(half).values_list("probability", flat=True)) == {0.5}


@pytest.mark.parametrize(
    ("draft", "ends"),
    [
        (span("a"), True),
        (span("a", ended=False), False),
        (RecordDraft("a", Source.API, START, inputs=1), False),
        (RecordDraft("a", Source.API, START, inputs=1, outputs=2), True),
        (RecordDraft("a", Source.API, START, inputs=1, error="boom"), True),
        (RecordDraft("a", Source.API, START, inputs=1, latency_ms=5), True),
        (RecordDraft("a", Source.API, START, started_at=START, outputs=2), True),
    ],
)
def test_only_what_has_ended_is_judged(project, draft, ends):
    one = rule(project)
    sent(project, replace(draft))
    score(project)
    assert scores_of(one).exists() == ends
    assert counted(one).get("seen", 0) == ends


def test_a_record_in_pieces_is_judged_once_and_when_it_has_ended(project):
    one = rule(project)
    sent(project, span("a", ended=False, outputs=None))
    score(project)
    assert not scores_of(one).exists()
    sent(project, span("a", outputs="1"))
    score(project)
    sent(project, span("a", outputs="1"))
    sent(project, span("a", metadata={"late": True}))
    score(project)
    assert scores_of(one).count() == 1
    assert not Outbox.objects.exists()
    assert counted(one)["seen"] == 1


def test_what_changes_later_is_shown_and_nothing_is_spent(project):
    one = rule(project)
    (id,) = sent(project, span("a"))
    score(project)
    sent(project, span("a", outputs="2"))
    sent(project, span("a", outputs="3"))
    score(project)
    assert scores_of(one).count() == 1
    assert list(Unscored.objects.values_list("rule", "record_id", "reason")) == [(one.pk, id, "changed")]
    assert counted(one)["seen"] == 1 and counted(one)["changed"] == 1


def test_a_rule_that_judges_again_decides_anew_and_keeps_the_old_score(project):
    evaluator = exact(project)
    one = rule(project, evaluators=[evaluator], judge_again=True)
    sent(project, span("a"))
    score(project)
    save_version(evaluator, "anna", {"builtin": "contains", "settings": {"texts": ["1", "9"]}})
    sent(project, span("a"))  # a repeat, with a new version of the evaluator
    sent(project, span("a", name="renamed"))
    score(project)
    assert scores_of(one).count() == 1
    sent(project, span("a", outputs="2"))
    score(project)
    found = scores_of(one).order_by("id").values_list("status", "passed", "is_current", "version_no")
    assert list(found) == [(1, True, False, 1), (1, False, True, 2)]
    assert not Unscored.objects.exists()
    assert not any(recount(project.id).values())


def test_a_record_that_ended_before_the_rule_was_there_is_not_judged_when_it_changes_unless_wanted(project):
    sent(project, span("a"), span("b"))
    never, again = rule(project, "never"), rule(project, "again", judge_again=True)
    sent(project, span("a"), span("b", outputs="2"))
    score(project)
    assert (scored(never), scored(again)) == ([], ["b"])


def test_what_came_before_a_rule_was_enabled_is_not_its_also_when_it_is_planned_later(project):
    old = rule(project, "old")
    sent(project, span("a"))
    new = rule(project, "new")
    sent(project, span("b"))
    set_enabled(old, "anna", False)
    sent(project, span("c"))
    set_enabled(old, "anna", True)
    sent(project, span("d"))
    score(project)
    assert (scored(old), scored(new)) == (["d"], ["b", "c", "d"])


def test_what_is_only_tried_in_an_experiment_or_the_playground_is_judged_only_where_the_rule_wants_it(project):
    without, with_them = rule(project, "without"), rule(project, "with", include_experiments=True)
    tried = RecordDraft("c", Source.PLAYGROUND, START, name="c", outputs="1")
    sent(project, span("a", experiment="e1"), span("b"), tried)
    score(project)
    assert (scored(without), scored(with_them)) == (["b"], ["a", "b", "c"])
    assert [count(search_of(project, one)).n for one in (without, with_them)] == [1, 3]
    assert counted(without)["seen"] == 1


def test_scores_never_trigger_rules(project):
    one = rule(project)
    ids = sent(project, span("a"))
    score(project)
    finish(start_run(ticked(project, ids), [exact(project, "other")], "anna"))
    assert not Outbox.objects.exists()
    score(project)
    assert scores_of(one).count() == 1


def test_children_that_come_before_their_root_do_not_pass_for_roots(project):
    one = rule(project, spans_mode="root")
    sent(project, span("child", parent="root", at=1))
    score(project)
    assert not scores_of(one).exists() and OpenTrace.objects.count() == 1
    sent(project, span("root"))
    quiet(project)
    score(project)
    assert scored(one) == ["root"]
    assert counted(one)["seen"] == 2 and counted(one)["spans"] == 1 and not OpenTrace.objects.exists()


def test_spans_whose_root_never_comes_are_the_roots_after_a_while(project):
    one = rule(project, spans_mode="root")
    sent(project, span("child", parent="gone"), span("leaf", parent="child"))
    plan(project)
    quiet(project)
    score(project)
    assert scored(one) == ["child"]


def test_many_spans_without_their_root_are_decided_in_slices(project, monkeypatch):
    monkeypatch.setattr("scoring.rules.planning.MAX_ITEMS", 4)
    one = rule(project, spans_mode="root")
    sent(project, *(span(f"c{n}", parent="gone") for n in range(9)), span("x", parent="gone", trace="t2"))
    plan(project)
    quiet(project)
    score(project)
    assert len(scored(one)) == 10 and scores_of(one).count() == 10
    assert counted(one)["seen"] == 10
    assert not OpenTrace.objects.exists()


def test_a_trace_is_judged_as_a_whole_once_it_is_quiet_also_without_a_root(project):
    one = rule(project, scope="trace", quiet_seconds=30)
    sent(project, span("child", parent="root", at=1))
    score(project)
    soon = timezone.now() + timedelta(seconds=3)
    assert OpenTrace.objects.update(due_at=soon) == 1
    sent(project, span("root"), span("alone", parent="gone", trace="t2"))
    score(project)
    assert OpenTrace.objects.get(trace_id="t").due_at > soon
    assert not scores_of(one).exists()
    quiet(project)
    score(project)
    assert scored(one) == ["alone", "root"]
    assert counted(one)["seen"] == 2


@pytest.mark.parametrize("judge_again", [False, True])
def test_a_root_that_comes_after_its_trace_was_judged_changes_it(project, judge_again):
    one = rule(project, scope="trace", judge_again=judge_again)
    (child,) = sent(project, span("child", parent="root", at=1))
    plan(project)
    quiet(project)
    score(project)
    (root,) = sent(project, span("root"))
    score(project)
    quiet(project)
    score(project)
    assert scored(one) == (["child", "root"] if judge_again else ["child"])
    noted = Unscored.objects.values_list("record_id", "reason")
    assert set(noted) == (set() if judge_again else {(child, "changed"), (root, "changed")})


def test_a_record_without_a_trace_is_a_whole_one_by_itself(project):
    one = rule(project, scope="trace")
    sent(project, RecordDraft("a", Source.API, START, outputs="1", name="a"))
    score(project)
    assert scored(one) == ["a"]


def test_calls_over_the_budget_of_the_day_are_counted_and_noted(project):
    one = rule(project, evaluators=[exact(project, "a"), exact(project, "b")], budget_calls_day=5)
    sent(project, *(span(f"s{n}") for n in range(3)))
    plan(project)
    sent(project, span("s3"))
    score(project)
    assert scores_of(one).count() == 4
    assert Unscored.objects.filter(rule=one, reason="over_budget").count() == 2
    assert counted(one)["over_budget"] == 2 and counted(one)["calls"] == 4
    RuleCount.objects.update(hour=RuleCount.objects.first().hour - timedelta(days=1))  # and the next day
    sent(project, span("s4"))
    score(project)
    assert scores_of(one).count() == 6


def test_usd_over_the_budget_end_the_planning_and_take_away_what_waits(project):
    one = rule(project, budget_usd_day=1)
    ids = sent(project, *(span(f"s{n}") for n in range(3)))
    plan(project)
    RuleCount.objects.filter(rule=one, gate="calls").update(cost="1.00")
    score(project)
    assert not scores_of(one).exists()
    sent(project, span("s3"))
    score(project)
    assert Unscored.objects.filter(rule=one, reason="over_budget").count() == 4
    assert {name: n for name, n in counted(one).items() if name in ("planned", "calls", "over_budget")} == {
        "over_budget": 4
    }
    assert set(Record.objects.filter(id__in=ids).values_list("status", flat=True)) == {0}
    assert not any(recount(project.id).values())


def test_the_cost_that_is_expected_of_what_waits_counts(project):
    evaluator = exact(project)
    one = rule(project, evaluators=[evaluator], budget_usd_day=1)
    sent(project, span("first"))
    score(project)
    Score.objects.update(cost="0.30")
    sent(project, *(span(f"s{n}") for n in range(5)))
    plan(project)
    assert counted(one)["over_budget"] == 2 and scores_of(one).filter(status=0).count() == 3


def test_a_rule_whose_filter_means_nothing_any_more_is_stopped_and_the_others_go_on(project):
    broken, fine = rule(project, "broken"), rule(project, "fine")
    Rule.objects.filter(pk=broken.pk).update(filter="nosuch:field")
    sent(project, span("a"))
    score(project)
    broken.refresh_from_db()
    assert "nosuch" in broken.paused_reason and broken.enabled and not broken.at_work
    assert scored(fine) == ["a"]
    save_rule(project, "anna", rule=broken, filter="")
    sent(project, span("b"))
    score(project)
    assert scored(broken) == ["b"]


def test_a_rule_whose_filter_cannot_be_run_is_stopped_and_the_others_go_on(project, monkeypatch):
    from scoring.rules import facts

    broken, fine = rule(project, "broken", filter="name:b"), rule(project, "fine")
    compiled = facts.compiled

    def failing(text, *args):
        return Condition("1 / (r.is_root::integer - 1) = 1") if text else compiled(text, *args)

    monkeypatch.setattr(facts, "compiled", failing)
    sent(project, span("a"))
    score(project)
    broken.refresh_from_db()
    assert "division by zero" in broken.paused_reason
    assert scored(fine) == ["a"]


def test_a_rule_without_an_evaluator_that_can_be_used_is_stopped(project):
    evaluator = exact(project)
    one = rule(project, evaluators=[evaluator])
    archive_evaluator(evaluator, "anna")
    sent(project, span("a"))
    score(project)
    one.refresh_from_db()
    assert "archived" in one.paused_reason
    assert not scores_of(one).exists()


def test_rules_of_one_project_do_not_look_at_another(project):
    other = factories.project()
    one = rule(project)
    sent(other, span("a"))
    score(project)
    score(other)
    assert counted(one) == {} and not Score.objects.exists()


def test_of_spans_without_their_parents_only_those_in_the_sample_are_waited_for(project):
    one = rule(project, spans_mode="root", rate=0.3)
    sent(project, *(span("child", parent="gone", trace=f"t{n}") for n in range(40)))
    plan(project)
    waiting = OpenTrace.objects.count()
    assert 0 < waiting < 40
    quiet(project)
    score(project)
    assert scores_of(one).count() == waiting and counted(one)["seen"] == 40


@pytest.mark.parametrize("terms", [{"scope": "trace"}, {"spans_mode": "root"}])
def test_a_trace_that_was_there_before_the_rule_is_not_judged_when_it_changes_unless_wanted(project, terms):
    sent(project, span("a", parent="gone"))
    never, again = rule(project, "never", **terms), rule(project, "again", judge_again=True, **terms)
    sent(project, span("a", parent="gone", outputs="2"))
    plan(project)
    quiet(project)
    score(project)
    assert (scored(never), scored(again)) == ([], ["a"])
    assert counted(never) == {} and not Unscored.objects.exists()


def test_a_judged_trace_whose_spans_change_shows_so_on_the_record_that_bears_the_score(project):
    one = rule(project, scope="trace")
    root, *_ = sent(project, span("root"), span("child", parent="root"), span("leaf", parent="child"))
    plan(project)
    quiet(project)
    score(project)
    sent(project, span("child", parent="root", outputs="2"), span("leaf", parent="child", outputs="2"))
    score(project)
    assert scored(one) == ["root"] and not OpenTrace.objects.exists()
    assert list(Unscored.objects.values_list("record_id", "reason")) == [(root, "changed")]
    assert counted(one)["changed"] == 1 and counted(one)["seen"] == 1


def test_a_change_keeps_a_trace_open_that_is_waited_for(project):
    one = rule(project, scope="trace")
    sent(project, span("root"))
    plan(project)
    soon = timezone.now() + timedelta(seconds=3)
    OpenTrace.objects.update(due_at=soon)
    sent(project, span("root", outputs="2"))
    plan(project)
    assert OpenTrace.objects.get().due_at > soon
    quiet(project)
    score(project)
    assert scored(one) == ["root"] and not Unscored.objects.exists()


@pytest.mark.parametrize("judge_again", [False, True])
def test_a_trace_that_was_over_budget_is_decided_anew_when_it_grows_only_where_that_is_wanted(project, judge_again):
    one = rule(project, scope="trace", budget_calls_day=0, judge_again=judge_again)
    sent(project, span("root"))
    plan(project)
    quiet(project)
    score(project)
    assert counted(one)["over_budget"] == 1
    save_rule(project, "anna", rule=one, budget_calls_day=9)
    sent(project, span("late", parent="root"))
    plan(project)
    quiet(project)
    score(project)
    assert scored(one) == (["root"] if judge_again else [])
    assert list(Unscored.objects.values_list("reason", flat=True)) == ([] if judge_again else ["over_budget"])


def test_filters_that_only_together_take_too_long_are_run_one_by_one_and_nothing_is_stopped(project, monkeypatch):
    slow = Condition("r.name = 'a' AND pg_sleep(0.4) IS NOT NULL")
    monkeypatch.setattr("scoring.rules.facts.compiled", lambda text, *args: slow)
    monkeypatch.setattr("scoring.rules.deciding.FILTER_SECONDS", 1)
    rules = [rule(project, name, filter=f"name:{name}") for name in ("a", "b", "c")]
    sent(project, span("a"), span("b"))
    plan(project)
    assert [scored(one) for one in rules] == [["a"]] * 3
    assert all(one.at_work for one in Rule.objects.all())

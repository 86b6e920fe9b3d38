"""Rules are made and changed: what is refused, which versions there are, what the audit trail says."""

import pytest
from django.core.exceptions import ValidationError

from evalhub.models import AuditEvent
from records.models import Score
from records.scores import Task, plan_scores
from scoring.evaluators import archive_evaluator, create_evaluator
from scoring.models import OpenTrace, Rule, RuleVersion
from scoring.rules.editing import delete_rule, save_rule, set_enabled, stop_rule, version_at
from tests import factories
from tests.scoring.running import exact, sent


@pytest.fixture
def evaluator(project):
    return exact(project)


def saved(project, evaluator, **fields) -> Rule:
    return save_rule(
        project,
        "anna",
        **{"name": "Support", "evaluators": [evaluator], "spans_mode": "root", "enabled": True} | fields,
    )


def refused(project, **fields) -> dict:
    with pytest.raises(ValidationError) as caught:
        save_rule(project, "anna", **fields)
    return caught.value.message_dict


def audited(project) -> list[str]:
    return list(
        AuditEvent.objects.filter(project=project, action__startswith="rule.")
        .order_by("id")
        .values_list("action", flat=True)
    )


@pytest.mark.parametrize("name", ["status", "metric.tone", "metric.status", "rule", "scoring_run", "evaluator"])
def test_a_filter_that_speaks_of_scores_is_refused_with_the_reason_and_the_place(project, evaluator, name):
    factories.metric(project, "tone")
    text = f"model:gpt {name}:errored" if name != "metric.tone" else f"model:gpt {name}>0.5"
    with pytest.raises(ValidationError) as caught:
        saved(project, evaluator, filter=text)
    (problem,) = caught.value.error_dict["filter"]
    assert "scores never trigger rules" in problem.message
    assert problem.params["error"].place == len("model:gpt ") + 1
    assert not Rule.objects.exists()


def test_each_wrong_field_has_its_own_message(project, evaluator):
    saved(project, evaluator)
    person = create_evaluator(
        project, "anna", slug="people", type="human", metric=factories.metric(project), definition={"guidelines": "x"}
    )
    problems = refused(
        project, name="Support", evaluators=[person], filter="nosuch:1", rate=1.5, spans_mode="named", quiet_seconds=0,
        budget_usd_day=-1,
    )  # fmt: skip
    assert set(problems) == {
        "name", "evaluators", "filter", "rate", "span_names", "quiet_seconds", "budget_usd_day",
    }  # fmt: skip
    assert set(refused(project, name="", evaluators=[], rate=float("nan"))) == {
        "name", "evaluators", "rate", "spans_mode",
    }  # fmt: skip
    assert set(refused(project, nonsense=1)) == {"nonsense"}
    assert set(refused(project, name="a\0b", evaluators=[exact(factories.project())], spans_mode="all")) == {
        "name", "evaluators",
    }  # fmt: skip
    assert Rule.objects.count() == 1


def test_each_change_of_the_terms_is_a_version_and_every_change_is_audited(project, evaluator):
    rule = saved(project, evaluator, rate="0.25", span_names="a, b,a,,", budget_usd_day=3)
    assert (rule.slug, rule.rate, rule.span_names, rule.version) == ("support", 0.25, ["a", "b"], 1)
    assert rule.enabled_at is not None
    save_rule(project, "anna", rule=rule, description="Nothing that decides.")
    assert save_rule(project, "anna", rule=rule).version == 1
    save_rule(project, "bob", rule=rule, rate=0.5)
    set_enabled(rule, "bob", False)
    other = exact(project, "other")
    last = save_rule(project, "bob", rule=rule, evaluators=[evaluator, other])
    versions = list(RuleVersion.objects.filter(rule=rule).order_by("number"))
    assert [(v.number, v.rate, v.enabled, len(v.evaluator_ids)) for v in versions] == [
        (1, 0.25, True, 1), (2, 0.5, True, 1), (3, 0.5, False, 1), (4, 0.5, False, 2),
    ]  # fmt: skip
    assert [v.valid_to for v in versions] == [*(v.valid_from for v in versions[1:]), None]
    assert version_at(last, versions[1].valid_from).number == 2
    assert version_at(last, project.created_at.replace(year=2000)) is None
    assert audited(project) == ["rule.create", "rule.change", "rule.change", "rule.pause", "rule.change"]


def test_enabling_again_starts_a_new_time_and_changing_an_enabled_rule_does_not(project, evaluator):
    first = saved(project, evaluator).enabled_at
    rule = Rule.objects.get()
    assert save_rule(project, "anna", rule=rule, rate=1).enabled_at == first
    set_enabled(rule, "anna", False)
    assert set_enabled(rule, "anna", True).enabled_at > first


def test_a_rule_that_evalhub_stopped_says_so_and_saving_it_starts_it_again(project, evaluator):
    rule = saved(project, evaluator)
    assert stop_rule(rule, "The filter means nothing any more.")
    assert not stop_rule(rule, "Again.")
    stopped = Rule.objects.get()
    assert (stopped.enabled, stopped.at_work, stopped.version) == (True, False, 2)
    assert RuleVersion.objects.get(number=2).note == "The filter means nothing any more."
    again = save_rule(project, "anna", rule=rule, filter="model:gpt")
    assert again.at_work
    assert again.enabled_at > rule.enabled_at
    assert audited(project) == ["rule.create", "rule.stop", "rule.change"]


def test_a_rule_with_an_archived_evaluator_cannot_be_enabled_but_changed_and_paused(project, evaluator):
    rule = saved(project, evaluator)
    archive_evaluator(evaluator, "anna")
    save_rule(project, "anna", rule=rule, enabled=False, description="Off for now.")
    with pytest.raises(ValidationError, match="archived"):
        set_enabled(rule, "anna", True)


def test_a_deleted_rule_leaves_its_scores_and_takes_what_waits_along(project, evaluator):
    rule = saved(project, evaluator)
    done, waiting = sent(project, 2)
    task = Task(evaluator.metric_id, f"rule:{rule.pk}:1", source=2, per_input=True, rule_id=rule.pk, rule=rule.slug)
    plan_scores(project.id, [done, waiting], [task])
    Score.objects.filter(project=project, record_id=done).update(status=1)
    OpenTrace.objects.create(project=project, rule=rule, trace_id="t", due_at=rule.created_at)
    delete_rule(rule, "anna")
    assert list(Score.objects.filter(project=project).values_list("record_id", "rule")) == [(done, "support")]
    assert not Rule.objects.exists() and not OpenTrace.objects.exists()
    assert audited(project)[-1] == "rule.delete"


def test_two_names_that_make_one_slug_are_told_apart(project, evaluator):
    slugs = [saved(project, evaluator, name=name).slug for name in ("Tone: de", "tone de", "Tone-de")]
    assert slugs == ["tone_de", "tone_de_2", "tone_de_3"]


def test_a_rule_of_another_project_is_not_found(project, evaluator):
    rule = saved(project, evaluator)
    with pytest.raises(Rule.DoesNotExist):
        save_rule(factories.project(), "anna", rule=rule, rate=1)

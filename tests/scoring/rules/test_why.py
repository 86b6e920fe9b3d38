"""Why not scored?: each rule's answer for a record, on its page and through the API."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.models import Role
from records.models import Record, ScoreStatus
from records.scores import ScoreResult, claim, complete
from scoring.api.why import WhyOut
from scoring.models import Evaluator, Rule, RuleVersion, Unscored
from scoring.rules.editing import save_rule, set_enabled
from scoring.rules.why import answers
from scoring.runs.starting import start_run
from tests import factories
from tests.records.api.calls import call, key
from tests.scoring.rules.made import planned, rule
from tests.scoring.running import exact, finish, sent, ticked


@pytest.fixture
def evaluator(project):
    return exact(project)


def asked(project, id) -> dict[str, object]:
    """Answers by the rule's name."""
    return {found.rule.name: found for found in answers(project, Record.objects.get(project=project, id=id))}


def test_each_gate_that_stops_a_record_is_named_with_its_reason(project, evaluator):
    rule(project, evaluator, name="off", enabled=False)
    rule(project, evaluator, name="named", spans_mode="named", span_names=["draft"])
    rule(project, evaluator, name="filtered", filter="model:claude*")
    rule(project, evaluator, name="never", rate=0)
    rule(project, evaluator, name="drawn")
    (id,) = sent(project, 1)
    found = asked(project, id)
    assert {name: one.outcome for name, one in found.items()} == {
        "off": "paused then", "named": "not a chosen span", "filtered": "filtered out", "never": "sampled out",
        "drawn": "to be planned",
    }  # fmt: skip
    assert "the rule takes draft" in found["named"].words
    assert "Does not match model:claude*" in found["filtered"].words
    steps = {step.gate: step.passed for step in found["filtered"].steps}
    assert steps == {
        "disabled": True, "running": True, "experiment": True, "spans": True, "filter": False, "sampling": None
    }  # fmt: skip


def test_a_root_that_came_after_its_trace_was_judged_says_so(project, evaluator):
    rule(project, evaluator)
    (root,) = sent(project, 1)
    Unscored.objects.create(project=project, rule=Rule.objects.get(), record_id=root, reason="changed")
    found = asked(project, root)["Support"]
    assert found.outcome == "judged before" and "trace before this record came" in found.words
    assert "does not judge again" in found.words


def test_experiments_and_records_without_an_end_are_told_apart(project, evaluator):
    rule(project, evaluator)
    tried, played, running = sent(project, 3)
    Record.objects.filter(project=project, id=tried).update(experiment="nightly")
    Record.objects.filter(project=project, id=played).update(source=2)
    Record.objects.filter(project=project, id=running).update(source=4)
    assert asked(project, tried)["Support"].outcome == "of an experiment"
    assert asked(project, played)["Support"].outcome == "of the playground"
    assert asked(project, running)["Support"].outcome == "has not ended"


def test_the_version_in_force_when_the_record_came_decides(project, evaluator):
    made = rule(project, evaluator, filter="model:claude")
    (id,) = sent(project, 1)
    save_rule(project, "anna", rule=made, filter="model:gpt")
    assert asked(project, id)["Support"].outcome == "filtered out"
    assert asked(project, id)["Support"].version.number == 1
    RuleVersion.objects.filter(rule=made).update(valid_from=timezone.now() + timedelta(hours=1))
    found = asked(project, id)["Support"]
    assert found.outcome == "before the rule" and "score past records" in found.words and found.steps == []


def test_scores_speak_before_gates_and_what_was_noted_is_told(project, evaluator):
    made = rule(project, evaluator)
    done, broken, waiting, over = sent(project, 4)
    planned(made, evaluator, [done, broken])
    for task in claim(project.id, None, 2, 60):
        status = ScoreStatus.SKIPPED if task.record_id == done else ScoreStatus.ERRORED
        complete(project.id, [ScoreResult(task.id, task.record_id, task.attempts, status, error="429", reasoning="no")])
    planned(made, evaluator, [waiting])
    Unscored.objects.create(project=project, rule=made, record_id=over, reason="over_budget")
    Unscored.objects.create(project=project, rule=made, record_id=done, reason="changed")
    set_enabled(made, "anna", False)
    outcomes = {id: asked(project, id)["Support"] for id in (done, broken, waiting, over)}
    assert [outcomes[id].outcome for id in (done, broken, waiting, over)] == [
        "declined", "errored", "pending", "over budget",
    ]  # fmt: skip
    assert "changed since" in outcomes[done].words and "429" in outcomes[broken].words
    assert outcomes[over].steps[-1].gate == "budget" and outcomes[over].steps[-1].passed is False
    assert all(step.passed for step in outcomes[broken].steps)


def test_a_record_over_budget_that_a_run_has_scored_since_says_so(project, evaluator):
    made = rule(project, evaluator, exact(project, "second"))
    (id,) = sent(project, 1)
    Unscored.objects.create(project=project, rule=made, record_id=id, reason="over_budget")
    for slugs, outcome in ((["exact"], "over budget"), (["second"], "scored otherwise")):
        finish(start_run(ticked(project, [id]), list(Evaluator.objects.filter(slug__in=slugs)), "anna"))
        assert asked(project, id)["Support"].outcome == outcome


def test_a_record_after_its_rule_was_scored_and_changed_shows_its_score(project, evaluator):
    made = rule(project, evaluator, filter="model:gpt")
    (id,) = sent(project, 1)
    planned(made, evaluator, [id])
    Record.objects.filter(project=project, id=id).update(model="claude")
    found = asked(project, id)["Support"]
    assert found.outcome == "pending" and "passed then" in [s.words for s in found.steps if s.gate == "filter"][0]


def test_whole_traces_say_where_their_scores_stand(project, evaluator):
    rule(project, evaluator, scope="trace", quiet_seconds=600)
    (id,) = sent(project, 1)
    assert asked(project, id)["Support"].outcome == "to be planned"  # without a trace it stands for itself
    Record.objects.filter(project=project, id=id).update(trace_id="t1")
    assert asked(project, id)["Support"].outcome == "waiting for its trace"


def test_the_records_page_asks_when_it_is_opened_and_shows_hostile_text_as_text(client, project, evaluator):
    rule(project, evaluator, name="<b>bold</b>", filter="model:'<i>'")
    (id,) = sent(project, 1)
    client.force_login(factories.member(project))
    page = client.get(reverse("records:detail", args=[project.slug, id])).content.decode()
    address = reverse("scoring:why", args=[project.slug, id])
    assert f'hx-get="{address}" hx-trigger="toggle once"' in page
    html = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;" in html and "<b>bold" not in html and "<i>" not in html
    assert "stopped here:" in html and "filtered out" in html
    assert client.get(reverse("scoring:why", args=[factories.project().slug, id])).status_code == 404


def test_a_project_without_rules_says_so(client, project):
    (id,) = sent(project, 1)
    client.force_login(factories.member(project, Role.EDITOR))
    html = client.get(reverse("scoring:why", args=[project.slug, id])).content.decode()
    assert "No rule of this project" in html and reverse("scoring:rule-new", args=[project.slug]) in html


def test_the_api_answers_the_same_by_either_id(project, evaluator):
    rule(project, evaluator, filter="model:claude")
    (id,) = sent(project, 1)
    Record.objects.filter(project=project, id=id).update(external_id="a/b/why")
    for name in (str(id), "a/b/why"):
        answer = call(key(project), "GET", f"/records/{name}/why")
        assert answer.status == 200, answer.body
        said = WhyOut.model_validate(answer.body)
        assert said.record == id and [(one.rule, one.outcome, one.version) for one in said.rules] == [
            ("support", "filtered out", 1)
        ]
    assert call(key(project), "GET", "/records/nothing/why").status == 404
    assert call(key(project), "GET", f"/records/{id}").status == 200

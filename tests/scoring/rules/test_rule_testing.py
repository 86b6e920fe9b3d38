"""Test rule: counts of the last 24 hours turn by turn, and real scores that are stored nowhere."""

import re
from datetime import timedelta
from html import unescape

import django_rq
import pytest
from django.urls import reverse
from django.utils import timezone
from rq import SimpleWorker

from evalhub.models import Role
from records.models import Record, Score
from scoring.models import Rule, RuleCount
from scoring.rules import testing, trying
from scoring.rules.gates import draws
from tests import factories
from tests.scoring.rules.made import fresh, rule
from tests.scoring.rules.test_rule_pages import PARTS, filled, text, url
from tests.scoring.running import exact, sent


@pytest.fixture
def editor(client, project):
    person = factories.member(project, Role.EDITOR, "eddie")
    client.force_login(person)
    return person


@pytest.fixture
def evaluator(project):
    return exact(project)


def inputs_of(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(tally)" value="([^"]*)"', html))


def test_each_gate_counts_what_it_lets_through_and_nothing_is_stored(client, project, editor, evaluator):
    ids = fresh(project, 40, outputs="1")
    Record.objects.filter(project=project, id__in=ids[:10]).update(model="other")
    Record.objects.filter(project=project, id__in=ids[10:15]).update(is_root=False)
    Record.objects.filter(project=project, id__in=ids[15:17]).update(experiment="nightly")
    html = client.post(url("rule-test", project), filled(evaluator, rate="100"), headers=PARTS).content.decode()
    said = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "Seen 38 − 5 spans below a root" in said and "Root spans 33 − 10 filtered out" in said
    assert "Sampled 23" in said and "Would be scored a day 23 Calls 23 Cost a day $0" in said
    assert html.count('name="records"') == testing.DRAWN_KEPT and html.count(" checked") == trying.MOST_RECORDS
    assert not Rule.objects.exists() and not Score.objects.exists() and not RuleCount.objects.exists()


def test_long_counts_go_on_turn_by_turn_to_the_same_result(client, project, editor, evaluator, monkeypatch):
    fresh(project, 25)
    monkeypatch.setattr(testing, "SLICE", 10)
    monkeypatch.setattr(testing, "TURN_SECONDS", 0)
    form, turns = filled(evaluator, rate="40"), 0
    html = client.post(url("rule-test", project), form, headers=PARTS).content.decode()
    while 'hx-trigger="load' in html:
        turns += 1
        assert "Looked at" in html and turns < 9
        html = client.post(url("rule-test", project), form | inputs_of(html), headers=PARTS).content.decode()
    assert turns == 2 and "Would be scored a day" in html and ">25</b>" in html


def test_a_saved_rule_is_tested_by_its_own_sample(client, project, editor, evaluator):
    made = rule(project, evaluator, rate=0.5)
    ids = fresh(project, 30)
    html = client.get(url("rule", project, made.slug)).content.decode()
    saved = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html.split('id="saved-rule"')[1])
    form: dict[str, object] = {"evaluators": [v for n, v in saved if n == "evaluators"]}
    form |= {n: v for n, v in saved if n != "evaluators"}
    said = text(client.post(url("rule-test", project), form, headers=PARTS))
    assert f"Sampled {sum(draws(made.salt, str(id), 0.5) for id in ids)}" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"filter": "modle:x"}, "unknown field 'modle'"),
        ({"filter": "metric.status:fail"}, "scores never trigger rules"),
        ({"spans_mode": "named"}, "Name the spans"),
        ({"rate": ""}, "Sampling rate"),
        ({"tally": "1|2|x"}, "begin it anew"),
        ({"tally": "|".join(["inf", "nan", "", "", "0", "0,0,0,0", "s", "0", ""])}, "begin it anew"),
    ],
)
def test_what_cannot_be_tested_says_why(client, project, editor, evaluator, change, says):
    answer = client.post(url("rule-test", project), filled(evaluator, **change), headers=PARTS)
    assert answer.status_code == 200 and says in text(answer).replace("&#x27;", "'")


def test_a_rule_that_no_project_can_have_is_none_of_its_own(client, project, editor, evaluator):
    fresh(project, 3)
    html = client.post(url("rule-test", project), filled(evaluator, rate="100", rule="\0"), headers=PARTS).content
    assert "Sampled 3" in " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def test_nothing_in_a_day_is_said_to_be_nothing(client, project, editor, evaluator):
    sent(project, 2)
    Record.objects.filter(project=project).update(created_at=timezone.now() - timedelta(days=2))
    assert "No record of the last 24 hours" in text(client.post(url("rule-test", project), filled(evaluator)))


def test_real_scores_come_from_a_worker_for_who_asked_alone_and_are_stored_nowhere(
    client, project, editor, evaluator, monkeypatch, django_capture_on_commit_callbacks
):
    ids = sent(project, 2, outputs="21")
    form = {"records": [str(id) for id in ids], "evaluators": [evaluator.pk]}
    refused = client.post(url("rule-trial", project), form, headers=PARTS)
    assert refused.status_code == 422 and b"No worker is running" in refused.content
    queue = django_rq.get_queue("online")
    monkeypatch.setattr("evalhub.errands.workers_of", lambda queue: 1)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            begun = client.post(url("rule-trial", project), form, headers=PARTS)
        assert "A worker scores them" in text(begun)
        poll = unescape(re.search(r'hx-get="([^"]+)"', begun.content.decode()).group(1))
        assert client.get(poll, headers=PARTS).status_code == 204
        SimpleWorker([queue], connection=queue.connection).work(burst=True)
        done = client.get(poll, headers=PARTS)
        assert done.status_code == 200 and text(done).count("passes: yes") == 2
        assert not Score.objects.exists()
        client.force_login(factories.member(project, Role.EDITOR))
        assert "no longer known" in text(client.get(poll, headers=PARTS))
    finally:
        queue.connection.flushdb()
    assert client.post(reverse("scoring:rule-trial", args=[project.slug]), {}, headers=PARTS).status_code == 422

"""The pages of rules: list, form, one rule; what is refused stays in the form, and who may what."""

import re

import django_rq
import pytest
from django.urls import reverse
from django.utils.html import escape
from rq import SimpleWorker

from evalhub.models import AuditEvent, Role
from records.models import ScoreStatus
from records.scores import ScoreResult, claim, complete
from scoring.evaluators import archive_evaluator
from scoring.models import Rule, ScoringRun
from scoring.rules import editing
from scoring.runs import ringing
from tests import factories
from tests.scoring.rules.made import counted, fresh, planned, rule
from tests.scoring.running import exact, sent

PARTS = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)
    monkeypatch.setattr("scoring.rules.notices.workers_of", lambda queue: 1)


@pytest.fixture
def editor(client, project):
    person = factories.member(project, Role.EDITOR, "eddie")
    client.force_login(person)
    return person


def url(name, project, *args):
    return reverse(f"scoring:{name}", args=[project.slug, *args])


def text(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def filled(evaluator, **change) -> dict[str, object]:
    sent = {
        "name": "Billing answers", "evaluators": [evaluator.pk], "filter": "model:gpt", "spans_mode": "root",
        "scope": "span", "rate": "10",
    }  # fmt: skip
    return {name: value for name, value in (sent | change).items() if value is not None}


def test_a_project_without_rules_is_told_what_they_are_for(client, project, editor):
    said = text(client.get(url("rules", project)))
    assert "Nothing is scored by itself yet" in said and "Create rule from this filter" in said
    client.force_login(factories.member(project, Role.VIEWER))
    assert "Editors of the project make rules." in text(client.get(url("rules", project)))


def test_the_form_makes_a_rule_and_leads_to_its_page(client, project, editor):
    evaluator = exact(project)
    answer = client.post(url("rule-new", project), filled(evaluator, budget_usd_day="1.50", enabled="on"))
    made = Rule.objects.get()
    assert answer.status_code == 302 and answer.url == url("rule", project, made.slug)
    assert (made.rate, made.spans_mode, made.scope, str(made.budget_usd_day)) == (0.1, "root", "span", "1.50")
    assert made.at_work and list(made.evaluators.all()) == [evaluator]
    said = text(client.get(answer.url))
    assert "Billing answers" in said and "10 % of traces" in said and "at work" in said
    assert AuditEvent.objects.filter(action="rule.create", actor="eddie").exists()


def test_what_is_wrong_stands_beside_its_field_and_the_filter_is_painted_at_its_place(client, project, editor):
    evaluator = exact(project)
    answer = client.post(url("rule-new", project), filled(evaluator, filter="modle:gpt", name="", rate="101"))
    html = answer.content.decode()
    assert answer.status_code == 422 and not Rule.objects.exists()
    assert "<mark>modle</mark>" in html and escape("did you mean 'model'") in html and "(at character 1)" in html
    said = text(answer)
    assert "This field is required." in said and "less than or equal to 100" in said
    assert f'value="{evaluator.pk}"' in html and "modle:gpt" in html
    rule(project, evaluator, name="Taken")
    assert "has a rule of this name" in text(client.post(url("rule-new", project), filled(evaluator, name="Taken")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"evaluators": None}, "Choose at least one evaluator."),
        ({"spans_mode": None}, "Choose which spans the rule applies to."),
        ({"spans_mode": "named"}, "Name at least one span."),
        ({"filter": "status:errored"}, "scores never trigger rules"),
    ],
)
def test_a_choice_that_is_missing_is_asked_for(client, project, editor, change, says):
    answer = client.post(url("rule-new", project), filled(exact(project), **change))
    assert answer.status_code == 422 and says in text(answer)


def test_an_edit_shows_what_is_saved_and_is_a_version_with_its_difference(client, project, editor):
    made = rule(project, exact(project), rate=0.25, spans_mode="named", span_names=["answer", "draft"])
    html = client.get(url("rule-edit", project, made.slug)).content.decode()
    assert 'value="25.0"' in html and 'value="answer, draft"' in html
    client.post(
        url("rule-edit", project, made.slug),
        filled(made.evaluators.get(), name="Support", rate="50", spans_mode="named", span_names="answer"),
    )
    made.refresh_from_db()
    assert (made.version, made.rate, made.span_names, made.enabled) == (2, 0.5, ["answer"], False)
    html = client.get(url("rule", project, made.slug)).content.decode()
    assert "<del>25 %</del>" in html and "<ins>50 %</ins>" in html and "<del>draft</del>" in html


def test_a_rule_is_begun_from_the_filter_of_the_records_page_without_what_speaks_of_scores(client, project, editor):
    exact(project)
    page = client.get(reverse("records:list", args=[project.slug]), {"q": "model:gpt", "spans": "all"})
    link = re.search(r'href="([^"]*rules/new[^"]*)"', page.content.decode()).group(1).replace("&amp;", "&")
    form = client.get(link)
    html = form.content.decode()
    assert 'value="model:gpt"' in html and re.search(r'value="all"[^>]*checked', html)
    left = client.get(url("rule-new", project), {"q": "model:gpt status:errored created:>-7d"})
    assert 'value="model:gpt"' in left.content.decode() and "Left out of the filter: status is errored" in text(left)
    client.force_login(factories.member(project, Role.REVIEWER))
    assert b"rules/new" not in client.get(reverse("records:list", args=[project.slug]), {"q": "model:gpt"}).content


def test_the_forms_filter_is_offered_nothing_that_speaks_of_scores(client, project, editor):
    factories.metric(project, "tone")
    complete = reverse("records:complete", args=[project.slug])
    assert "metric.tone" in text(client.get(complete, {"q": "me", "at": "2"}))
    offered = [text(client.get(complete, {"q": q, "at": str(len(q)), "facts": "1"})) for q in ("me", "st", "ru", "ev")]
    assert "metadata." in offered[0] and "started" in offered[1]
    assert not any(name in " ".join(offered) for name in ("metric.", "status", "rule", "evaluator"))
    assert "records/complete?facts=1" in client.get(url("rule-new", project)).content.decode()


def test_the_form_tells_live_what_a_day_takes_and_what_is_wrong_with_the_filter(client, project, editor):
    evaluator = exact(project)
    fresh(project, 20)
    expected = url("rule-expected", project)
    answer = client.post(expected, filled(evaluator, rate="50", budget_calls_day="4"), headers=PARTS)
    said = text(answer)
    assert "Match 20" in said and "Scored ≈ 10" in said and "≈ $0 a day" in said.replace("$0.00", "$0")
    assert "reached after about 4 records" in said and "too few for a rate" in said
    wrong = client.post(expected, filled(evaluator, filter="model:gpt modle:x", name=""), headers=PARTS)
    assert "<mark>modle</mark>" in wrong.content.decode() and 'hx-swap-oob="true"' in wrong.content.decode()
    half = client.post(expected, {"scope": "span", "spans_mode": "named", "rate": "10"}, headers=PARTS)
    assert "Name the spans" in text(half)


def test_the_page_shows_the_funnel_of_a_day_and_of_a_week_what_was_spent_and_the_last_error(client, project, editor):
    evaluator = exact(project)
    made = rule(project, evaluator, rate=0.1, budget_calls_day=3)
    counted(made, seen=100, spans=80, filter=40, sampled=4, calls=4, completed=2, errored=1, over_budget=1, cost=0.5)
    counted(made, hours_ago=60, seen=900, spans=20)
    (record,) = sent(project, 1)
    planned(made, evaluator, [record])
    (task,) = claim(project.id, None, 1, 60)
    error = "the model <b>refused</b>"
    complete(project.id, [ScoreResult(task.id, record, task.attempts, ScoreStatus.ERRORED, error=error)])
    planned(made, exact(project, "second"), sent(project, 2, first=5))
    said = text(client.get(url("rule", project, made.slug)))
    assert "Seen 100 − 20 spans below a root" in said and "− 40 filtered out" in said
    assert "− 36 sampled out at 10 %" in said and "2 scored" in said and "1 over budget" in said
    assert "2 pending now" in said and "Today's budget is used up." in said.replace("&#x27;", "'")
    assert "&lt;b&gt;refused&lt;/b&gt;" in said
    week = text(client.get(url("rule", project, made.slug), {"range": "7d"}, headers=PARTS))
    assert "Last 7 days" in week and "Seen 1,000" in week and "Versions" not in week
    listed = text(client.get(url("rules", project)))
    assert "Support" in listed and "over budget today" in listed and "refused" in listed


def test_an_evaluator_of_a_rule_that_is_archived_is_marked_on_its_page(client, project, editor):
    gone = exact(project, "gone")
    made = rule(project, exact(project), gone)
    page = url("rule", project, made.slug)
    assert b"archived: scores nothing" not in client.get(page).content
    archive_evaluator(gone, "anna")
    assert client.get(page).content.count(b"archived: scores nothing") == 1


def test_pausing_enabling_and_deleting_are_audited_and_scores_stay(client, project, editor):
    evaluator = exact(project)
    made = rule(project, evaluator)
    client.post(url("rule-pause", project, made.slug))
    made.refresh_from_db()
    assert not made.enabled and "paused" in text(client.get(url("rule", project, made.slug)))
    client.post(url("rule-enable", project, made.slug))
    made.refresh_from_db()
    assert made.at_work
    editing.stop_rule(made, "The provider refused the key.")
    assert "Paused by an error. The provider refused the key." in text(client.get(url("rule", project, made.slug)))
    client.post(url("rule-enable", project, made.slug))
    made.refresh_from_db()
    assert made.at_work and not made.paused_reason
    answer = client.post(url("rule-delete", project, made.slug))
    assert answer.url == url("rules", project) and not Rule.objects.exists()
    assert [*AuditEvent.objects.filter(action__startswith="rule.").order_by("id").values_list("action", flat=True)] == [
        "rule.create", "rule.pause", "rule.enable", "rule.stop", "rule.enable", "rule.delete",
    ]  # fmt: skip


def test_past_records_are_scored_by_a_run_with_its_estimate_before_it(client, project, editor):
    evaluator = exact(project)
    made = rule(project, evaluator, filter="model:gpt", spans_mode="all", rate=0.01)
    sent(project, 3)
    dialog = text(client.get(url("rule-past", project, made.slug), headers=PARTS))
    assert "Score past records by Support" in dialog and "where model is gpt" in dialog
    form = {"limit": "2", "mode": "stale"}
    assert "Records 2" in text(client.post(url("rule-past-estimate", project, made.slug), form, headers=PARTS))
    answer = client.post(url("rule-past", project, made.slug), form, headers=PARTS)
    run = ScoringRun.objects.get()
    assert answer["HX-Redirect"] == url("run", project, run.number)
    assert (run.kind, run.limit, run.all_spans, run.mode) == ("backfill", 2, True, "stale")
    assert "the newest 2 of all spans where" in run.words
    refused = client.post(url("rule-past", project, made.slug), {"limit": "0", "mode": "stale"}, headers=PARTS)
    assert refused.status_code == 422 and "How many" in refused.content.decode()
    client.force_login(factories.member(project, Role.VIEWER))
    assert url("rule-past", project, made.slug) not in client.get(url("rule", project, made.slug)).content.decode()


def test_what_a_moment_is_too_short_for_a_worker_counts_on(
    client, project, editor, monkeypatch, django_capture_on_commit_callbacks
):
    made = rule(project, exact(project))
    sent(project, 3)
    monkeypatch.setattr("scoring.views.rule_past.MOMENT", -1)
    monkeypatch.setattr("evalhub.errands.workers_of", lambda queue: 1)
    queue = django_rq.get_queue("online")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            begun = client.post(url("rule-past-estimate", project, made.slug), {"limit": "", "mode": "all"})
        assert "≥ 3" in text(begun) and "A worker goes on counting" in text(begun)
        poll = re.search(r'hx-get="([^"]+)"', begun.content.decode()).group(1)
        assert client.get(poll).status_code == 204
        SimpleWorker([queue], connection=queue.connection).work(burst=True)
        done = text(client.get(poll))
        assert "Records 3" in done and "≥" not in done and "goes on counting" not in done
    finally:
        queue.connection.flushdb()


def test_pages_cost_the_same_number_of_queries_however_many_rules_there_are(client, project, editor, query_budget):
    evaluator = exact(project)
    made = rule(project, evaluator, name="first")
    counted(made, seen=5, errored=1)
    with query_budget("scoring:rules"):
        client.get(url("rules", project))
    for n in range(5):
        more = rule(project, evaluator, name=f"rule {n}")
        counted(more, seen=5, errored=1)
    with query_budget("scoring:rules"):
        client.get(url("rules", project))
    with query_budget("scoring:rule"):
        client.get(url("rule", project, made.slug))
    with query_budget("scoring:rule-notices"):
        client.get(url("rule-notices", project))


def test_a_rule_of_another_project_is_not_there(client, project, editor):
    other = factories.project()
    made = rule(other, exact(other))
    for name in ("rule", "rule-edit", "rule-past"):
        assert client.get(url(name, project, made.slug)).status_code == 404
    for name in ("rule-pause", "rule-enable", "rule-delete"):
        assert client.post(url(name, project, made.slug)).status_code == 404

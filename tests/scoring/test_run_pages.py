"""The re-score dialog and the pages of scoring runs."""

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.models import Score, ScoreSource
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.evaluators import save_version
from scoring.models import ScoringRun
from scoring.runs import ringing, steering
from scoring.runs.starting import start_run
from tests import factories
from tests.scoring.running import code, exact, finish, matching, sent, ticked


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)


@pytest.fixture
def reviewer(client, project):
    person = factories.member(project, Role.REVIEWER, "rita")
    client.force_login(person)
    return person


def url(name, project, *args):
    return reverse(f"scoring:{name}", args=[project.slug, *args])


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_dialog_lists_every_metric_with_its_evaluators_and_ticks_the_primary_ones(client, project, reviewer):
    first = exact(project)
    exact(project, "second", first.metric)
    html = text(client.get(url("rescore", project), {"n": "3"}))
    assert "Re-score 3 records" in html
    assert 'value="exact" checked' in html and 'value="second"' in html and 'value="second" checked' not in html
    ticks = text(client.get(url("rescore-ticks", project), {"tick": "all"}))
    assert ticks.count("checked") == 2
    assert text(client.get(url("rescore-ticks", project), {"tick": "none"})).count("checked") == 0


def test_an_evaluators_page_opens_the_dialog_with_itself_ticked_and_what_is_stale(client, project, reviewer):
    first = exact(project)
    second = exact(project, "second", first.metric)
    page = text(client.get(url("evaluator", project, second.slug)))
    assert "matching=1&amp;q=&amp;evaluator=second" in page
    html = text(client.get(url("rescore", project), {"matching": "1", "q": "", "evaluator": "second"}))
    assert 'value="second" checked' in html and 'value="exact" checked' not in html
    assert 'value="stale" checked' in html and "#bulk" not in html and 'name="matching" value="1"' in html


def test_a_record_offers_to_be_re_scored_to_who_may(client, project, reviewer):
    (id,) = sent(project, 1)
    exact(project)
    page = reverse("records:detail", args=[project.slug, id])
    assert f"rescore?ids={id}" in text(client.get(page))
    html = text(client.get(url("rescore", project), {"ids": str(id)}))
    assert "Re-score 1 record" in html and f'name="ids" value="{id}"' in html
    client.force_login(factories.member(project, Role.VIEWER))
    assert "rescore?ids" not in text(client.get(page))


def test_a_project_without_evaluators_is_told_so(client, project, reviewer):
    html = text(client.get(url("rescore", project), {"n": "1"}))
    assert "No metric of this project has an evaluator" in html and 'type="submit"' not in html


def test_what_selects_nothing_opens_no_dialog(client, project, reviewer):
    assert client.get(url("rescore", project), {"n": "0"}).status_code == 422
    assert client.get(url("rescore", project), {"matching": "1", "q": "modle:x"}).status_code == 422


def test_the_estimate_says_calls_cost_time_and_what_is_there_already(client, project, reviewer):
    ids = sent(project, 4)
    evaluator = exact(project)
    finish(start_run(ticked(project, ids[:1]), [evaluator], "anna"))
    value = read_value(evaluator.metric, {"boolean_value": True})
    add_scores(project.id, [NewScore(ids[0], evaluator.metric, value, ScoreSource.HUMAN)])
    data = {"matching": "1", "q": "model:gpt", "evaluator": "exact", "mode": "all"}
    html = text(client.post(url("rescore-estimate", project), data))
    assert '<dt>Calls</dt><dd><span class="v">4</span>' in html and "$0<" in html
    assert "<strong>1 score by people stays current.</strong>" in html
    assert "limit of $5.00" in html
    html = text(client.post(url("rescore-estimate", project), data | {"evaluator": []}))
    assert "at least one evaluator" in html


def test_ticked_rows_stay_on_their_page_and_show_that_they_wait(client, project, reviewer):
    ids = sent(project, 2)
    exact(project)
    response = client.post(url("rescore", project), {"ids": ids, "evaluator": "exact", "mode": "all"})
    assert response.status_code == 200 and "records-changed" in response["HX-Trigger"]
    run = ScoringRun.objects.get()
    assert (run.planned, run.user, run.cost_limit) == (2, reviewer, project.reviewer_cost_limit)
    assert Score.objects.filter(status=0).count() == 2


def test_all_that_match_lead_to_the_runs_page(client, project, reviewer):
    sent(project, 2)
    exact(project)
    data = {"matching": "1", "q": "model:gpt", "evaluator": "exact", "mode": "stale", "limit": "1"}
    response = client.post(url("rescore", project), data)
    assert response["HX-Redirect"] == url("run", project, 1)
    run = ScoringRun.objects.get()
    assert (run.mode, run.limit, run.words) == ("stale", 1, "the newest 1 of all records where model is gpt")


@pytest.mark.parametrize(
    "data",
    [
        {"matching": "1", "evaluator": "exact", "mode": "all"},
        {"matching": "1", "q": "modle:x", "evaluator": "exact", "mode": "all"},
        {"ids": "x", "evaluator": "exact", "mode": "all"},
        {"matching": "1", "q": "", "mode": "all"},
        {"matching": "1", "q": "", "evaluator": "exact", "mode": "some"},
        {"matching": "1", "q": "", "evaluator": "exact", "mode": "all", "limit": "0"},
    ],
)
def test_what_cannot_be_read_starts_nothing(client, project, reviewer, data):
    exact(project)
    assert client.post(url("rescore", project), data).status_code == 422
    assert not ScoringRun.objects.exists()


def test_a_reviewer_is_stopped_by_the_limit_and_an_editor_is_not(client, project, reviewer):
    ids = sent(project, 1)
    evaluator = exact(project)
    finish(start_run(ticked(project, ids), [evaluator], "anna"))
    Score.objects.update(cost=6)
    data = {"ids": ids, "evaluator": "exact", "mode": "all"}
    assert client.post(url("rescore", project), data).status_code == 422
    client.force_login(factories.member(project, Role.EDITOR))
    assert client.post(url("rescore", project), data).status_code == 200


def test_the_runs_page_shows_progress_until_the_end(client, project, reviewer):
    run = start_run(ticked(project, sent(project, 2)), [exact(project)], "anna")
    html = text(client.get(url("run", project, 1)))
    assert "Scoring: 0 of 2" in html and "Cancel" in html and "every 2s" in html
    assert client.get(url("run-progress", project, 1)).status_code == 200
    assert "This is counted when the run is over" in text(client.get(url("run-flips", project, 1)))
    finish(run)
    response = client.get(url("run-progress", project, 1))
    assert response.status_code == 286 and "run-ended" in response["HX-Trigger"]
    assert "Finished: 2 of 2" in text(response) and "every 2s" not in text(response)


def test_a_waiting_run_says_why(client, project, reviewer, monkeypatch):
    start_run(ticked(project, sent(project, 1)), [exact(project)], "anna")
    assert "no worker is running" in text(client.get(url("run-progress", project, 1)))


def test_a_run_is_cancelled_resumed_and_retried_from_its_page(client, project, reviewer):
    ids = sent(project, 3)
    one = start_run(ticked(project, ids), [exact(project)], "anna")
    assert "Cancelled: 0 of 3" in text(client.post(url("run-cancel", project, 1)))
    assert client.post(url("run-resume", project, 1)).status_code == 422
    evaluator = code(project, snippet="def evaluate(output): return 1 / int(output) > 0")
    two = start_run(ticked(project, ids), [evaluator], "anna")
    steering.pause(two.pk, "The key is refused.")
    assert "The key is refused." in text(client.get(url("run-progress", project, 2)))
    assert "Scoring: 0 of 3" in text(client.post(url("run-resume", project, 2)))
    finish(two)
    assert "Retry errored (1)" in text(client.get(url("run", project, 2)))
    assert client.post(url("run-retry", project, 2))["HX-Redirect"] == url("run", project, 3)
    assert client.post(url("run-retry", project, 1)).status_code == 422
    assert one.number == 1
    assert "division by zero" in text(client.get(url("run-errors", project, 2)))


def test_the_flip_table_sets_the_values_of_before_against_the_new_ones(client, project, reviewer):
    ids = sent(project, 40)
    evaluator = exact(project, text="1")  # r1, r10 to r19, r21, r31: 13 of 40
    finish(start_run(ticked(project, ids[:30]), [evaluator], "anna"))
    people = read_value(evaluator.metric, {"boolean_value": True})
    add_scores(project.id, [NewScore(id, evaluator.metric, people, ScoreSource.HUMAN) for id in ids[10:30]])
    save_version(evaluator, "ben", {"builtin": "contains", "settings": {"texts": ["2"]}})
    run = finish(start_run(matching(project), [evaluator], "anna"))
    html = text(client.get(url("run-flips", project, run.number)))
    assert "30 records with a value before and after" in html
    assert ">10</a><small>pass → fail</small></td>" in html and ">10</a><small>fail → pass</small></td>" in html
    assert '<th scope="row">had none</th>' in html
    assert "<strong>10</strong> that passed now fail, <strong>10</strong> the other way" in html
    assert "12 of 30" in html and "11 of 20" in html
    assert client.get(url("run-flips", project, run.number), {"metric": "nobody"}).status_code == 400
    worse = text(client.get(url("run-flips", project, run.number), {"flip": "worse"}))
    assert worse.count("<li>") == 10 and str(ids[10]) in worse and str(ids[2]) not in worse
    better = text(client.get(url("run-flips", project, run.number), {"flip": "better"}))
    assert better.count("<li>") == 10 and str(ids[2]) in better


def test_the_list_has_the_newest_run_first_and_none_of_another_project(client, project, reviewer):
    other = factories.project()
    start_run(ticked(other, sent(other, 1)), [exact(other)], "zoe")
    for n in range(2):
        start_run(ticked(project, sent(project, 1)), [exact(project, f"e{n}")], f"anna{n}")
    html = text(client.get(url("runs", project)))
    assert html.index("anna1") < html.index("anna0") and "zoe" not in html
    assert client.get(url("run", project, 3)).status_code == 404


def test_a_viewer_sees_runs_and_may_do_nothing_with_them(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    start_run(ticked(project, sent(project, 1)), [exact(project)], "anna")
    html = text(client.get(url("run", project, 1)))
    assert "Scoring: 0 of 1" in html and "run-cancel" not in html and "hx-post" not in html
    assert "Re-score" not in text(client.get(reverse("records:list", args=[project.slug])))


def test_pages_take_a_fixed_number_of_queries(client, project, reviewer, query_budget):
    ids = sent(project, 3)
    run = finish(start_run(ticked(project, ids), [exact(project), exact(project, "two")], "anna"))
    for name, args in (
        ("runs", ()),
        ("run", (run.number,)),
        ("run-progress", (run.number,)),
        ("run-flips", (run.number,)),
    ):
        client.get(url(name, project, *args))
        with query_budget(f"scoring:{name}"):
            client.get(url(name, project, *args))
    with query_budget("scoring:rescore"):
        client.get(url("rescore", project), {"n": "3"})

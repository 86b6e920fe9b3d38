"""The pages of reviewing: asking from the bulk bar, the queue, the screen, undoing, closing."""

import json

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.models import Score, ScoreStatus, ValueType
from scoring.models import ReviewRequest, ReviewStatus
from scoring.reviews import ringing
from scoring.reviews.answering import next_slot
from tests import factories
from tests.scoring.reviews.asked import answers, asked, by_people, people, says
from tests.scoring.running import sent

HTMX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    told = []
    monkeypatch.setattr(ringing, "ring", told.append)
    return told


@pytest.fixture
def ina(client, project):
    (ina,) = people(project, "ina")
    client.force_login(ina)
    return ina


def at(project, name, *args):
    return reverse(f"scoring:{name}", args=[project.slug, *args])


def screen(project, request, id):
    return at(project, "review-record", request.number, id)


def test_the_dialog_names_what_can_be_asked_and_of_whom(client, project, ina):
    by_people(project, reviewers=2)
    page = client.get(at(project, "request-review"), {"n": "3"}).content.decode()
    assert "Ask people to score 3 records" in page and "Careful" in page and "2 a record" in page and "ina" in page


def test_without_an_evaluator_for_people_the_dialog_says_how_to_get_one(client, project, ina):
    page = client.get(at(project, "request-review"), {"n": "3"}).content.decode()
    assert "of type People" in page and 'type="submit"' not in page


def test_the_estimate_comes_first_and_stores_nothing(client, project, ina):
    evaluator, ids = by_people(project, reviewers=2), sent(project, 3)
    data = {"ids": ids, "evaluator": evaluator.pk}
    page = client.post(at(project, "request-review-estimate"), data).content.decode()
    assert "6 reviews" in page and "3 records, 2 people each" in page
    assert "9 reviews" in client.post(at(project, "request-review-estimate"), data | {"reviewers": 3}).content.decode()
    assert not ReviewRequest.objects.exists()


def test_ticked_records_are_asked_for_and_the_page_stays(client, project, ina):
    evaluator, ids = by_people(project), sent(project, 2)
    data = {"ids": ids, "evaluator": evaluator.pk, "blind": "on", "assignees": [ina.pk]}
    answer = client.post(at(project, "request-review"), data, headers=HTMX)
    told = json.loads(answer["HX-Trigger"])
    assert answer.status_code == 200 and "records-changed" in told and "2 records" in told["toast"]["words"]
    request = ReviewRequest.objects.get()
    assert (request.blind, list(request.assignees.all()), request.user) == (True, [ina], ina)


def test_all_that_match_lead_to_the_page_of_the_request(client, project, ina, rung):
    evaluator = by_people(project)
    sent(project, 2)
    data = {"matching": "1", "q": "model:gpt", "evaluator": evaluator.pk}
    answer = client.post(at(project, "request-review"), data, headers=HTMX)
    assert answer["HX-Redirect"] == at(project, "review", 1) and rung == [ReviewRequest.objects.get().pk]


@pytest.mark.parametrize(
    "change", [{"evaluator": "0"}, {"ids": []}, {"reviewers": "99"}, {"matching": "1", "q": "a:("}]
)
def test_what_cannot_be_asked_is_refused_in_words(client, project, ina, change):
    data = {"ids": sent(project, 1), "evaluator": by_people(project).pk} | change
    answer = client.post(at(project, "request-review"), data, headers=HTMX)
    assert answer.status_code == 422 and answer.content and not ReviewRequest.objects.exists()


def test_the_queue_shows_what_is_open_with_its_progress_and_what_is_done_apart(client, project, ina):
    assert "Nothing waits for people" in client.get(at(project, "reviews")).content.decode()
    ids = sent(project, 2)
    request = asked(project, ids, reviewers=2)
    says(request, ina, ids[0], yes=True)
    page = client.get(at(project, "reviews")).content.decode()
    assert "1 of 4, 1 by you" in page and "Go on" in page
    assert "Careful" not in client.get(at(project, "reviews"), {"show": "done"}).content.decode()


def test_beginning_takes_a_record_and_leads_to_it(client, project, ina):
    ids = sent(project, 1)
    request = asked(project, ids, by_people(project, guidelines="Look twice."))
    answer = client.post(at(project, "review-next", 1))
    assert answer.url == screen(project, request, ids[0])
    page = client.get(answer.url).content.decode()
    assert "Look twice." in page and 'data-key="y 1"' in page and "0 of 1" in page


def test_saving_goes_on_to_the_next_record_which_knows_what_can_be_undone(client, project, ina):
    ids = sent(project, 2)
    request = asked(project, ids)
    first = next_slot(request, ina).record_id
    data = {"value": "yes", "reasoning": "fine", "key": "k"}
    answer = client.post(screen(project, request, first), data, headers=HTMX)
    (second,) = set(ids) - {first}
    assert answer["HX-Push-Url"] == f"{screen(project, request, second)}?last={first}"
    page = answer.content.decode()
    assert "<html" not in page and str(second) in page and "Undo the last" in page and "1 of 2, 1 by you" in page
    assert answers(request).get().reasoning == "fine"
    last = client.post(screen(project, request, second), data, headers=HTMX)
    assert last["HX-Redirect"] == f"{at(project, 'review', 1)}?last={second}"
    assert "Undo the last" in client.get(last["HX-Redirect"]).content.decode()


def test_undoing_brings_the_record_back_with_what_was_said(client, project, ina):
    ids = sent(project, 2)
    request = asked(project, ids)
    says(request, ina, ids[0], yes=False, comment="too soon")
    answer = client.post(screen(project, request, ids[0]), {"act": "undo"}, headers=HTMX)
    page = answer.content.decode()
    assert "too soon" in page and answer["HX-Push-Url"] == screen(project, request, ids[0])
    assert not answers(request).exists()


def test_skipping_needs_no_value_and_keeps_the_comment(client, project, ina):
    ids = sent(project, 1)
    request = asked(project, ids)
    client.post(screen(project, request, ids[0]), {"act": "skip", "reasoning": "in Finnish", "key": "k"}, headers=HTMX)
    score = Score.objects.get()
    assert (score.status, score.reasoning) == (ScoreStatus.SKIPPED, "in Finnish")


def test_leaving_the_only_record_for_later_says_so(client, project, ina):
    ids = sent(project, 1)
    request = asked(project, ids)
    answer = client.post(screen(project, request, ids[0]), {"act": "later"}, headers=HTMX)
    next_slot(request, ina)
    answer = client.post(screen(project, request, ids[0]), {"act": "later"}, headers=HTMX)
    assert "only one" in answer["HX-Trigger"] and Score.objects.get().status == ScoreStatus.PENDING


def test_a_value_that_is_missing_or_wrong_leaves_the_comment_in_the_form(client, project, ina):
    evaluator = by_people(project, metric=factories.metric(project, "quality"))
    ids = sent(project, 1)
    request = asked(project, ids, evaluator)
    for value in ("", "7"):
        data = {"value": value, "reasoning": "so long", "key": "k"}
        answer = client.post(screen(project, request, ids[0]), data, headers=HTMX)
        assert answer.status_code == 422 and "so long" in answer.content.decode()
    assert not answers(request).exists()


def test_a_record_that_is_not_in_ones_hands_is_not_shown(client, project, ina):
    ids = sent(project, 1)
    request = asked(project, ids)
    answer = client.get(screen(project, request, ids[0]), follow=True)
    assert answer.redirect_chain[0][0] == at(project, "review", 1)
    assert "not in your hands" in answer.content.decode()


def test_an_answer_that_comes_too_late_says_so(client, project, ina):
    (ben,) = people(project, "ben")
    ids = sent(project, 1)
    request = asked(project, ids)
    says(request, ben, ids[0], yes=True)
    answer = client.post(screen(project, request, ids[0]), {"value": "no", "key": "k"}, follow=True)
    assert "was not stored" in answer.content.decode() and answers(request).get().scorer == "ben"


def test_without_scripts_the_same_works_by_redirects(client, project, ina):
    ids = sent(project, 2)
    request = asked(project, ids)
    first = next_slot(request, ina).record_id
    answer = client.post(screen(project, request, first), {"value": "yes", "key": "k"})
    assert answer.status_code == 302 and "?last=" in answer.url and client.get(answer.url).status_code == 200


@pytest.mark.parametrize(
    ("value_type", "fields", "shown"),
    [
        (ValueType.NUMERICAL, {"min_score": 1, "max_score": 5}, ['data-value="5" data-key="5"']),
        (ValueType.NUMERICAL, {"min_score": 0, "max_score": 1}, ['data-value="0.25" data-key="2"']),
        (ValueType.NUMERICAL, {"min_score": None, "max_score": None}, ['data-key="v"']),
        (ValueType.BOOLEAN, {}, ['data-key="y 1"', 'data-key="n 2"']),
        (ValueType.CATEGORICAL, {"categorical_choices": [{"value": "a"}, {"value": HOSTILE}]}, ['data-key="2"']),
        (ValueType.CATEGORICAL, {"categorical_choices": [{"value": "a"}], "several": True}, ['type="checkbox"']),
        (ValueType.COMMENT, {}, ['data-key="c"']),
    ],
)
def test_each_type_of_metric_has_keys_of_its_own(client, project, ina, value_type, fields, shown):
    ids = sent(project, 1, outputs=HOSTILE)
    request = asked(project, ids, by_people(project, metric=factories.metric(project, "m", value_type, **fields)))
    next_slot(request, ina)
    page = client.get(screen(project, request, ids[0])).content.decode()
    for words in shown:
        assert words in page
    assert HOSTILE not in page


def test_only_who_asked_or_an_editor_closes(client, project, ina):
    ids = sent(project, 1)
    asked(project, ids)
    assert client.post(at(project, "review-close", 1)).status_code == 403
    client.force_login(factories.member(project, Role.EDITOR))
    assert client.post(at(project, "review-close", 1)).status_code == 302
    assert ReviewRequest.objects.get().status == ReviewStatus.CLOSED


def test_a_viewer_sees_the_queue_and_takes_no_part(client, project):
    ids = sent(project, 1)
    asked(project, ids)
    client.force_login(factories.member(project, Role.VIEWER))
    page = client.get(at(project, "review", 1)).content.decode()
    assert "0 of 1" in page and "Begin" not in page


def test_requests_of_other_projects_are_not_found(client, project, ina):
    other = factories.project()
    request = asked(other, sent(other, 1))
    for name in ("review", "review-next", "review-close"):
        address = at(project, name, request.number)
        assert (client.get if name == "review" else client.post)(address).status_code == 404


@pytest.mark.parametrize("count", [1, 20])
def test_the_number_of_queries_is_pinned(client, project, ina, query_budget, count):
    ids = sent(project, count)
    evaluator = by_people(project)
    request = [asked(project, ids, evaluator) for _ in range(count)][-1]
    with query_budget("scoring:reviews"):
        client.get(at(project, "reviews"))
    with query_budget("scoring:review"):
        client.get(at(project, "review", 1))
    id = next_slot(request, ina).record_id
    with query_budget("scoring:review-record"):
        assert client.get(screen(project, request, id)).status_code == 200

"""Requests for review through the API: asked, worked off, watched, settled."""

import pytest

from evalhub.models import AuditEvent, Scope
from records.models import Rank, Score, ScoreSource
from scoring.api.reviews import DisagreementList, HeldOut, ReviewDetail, ReviewOut
from scoring.models import ReviewRequest
from scoring.reviews import ringing
from scoring.reviews.planning import tend
from tests import factories
from tests.records.api.calls import call, key
from tests.records.recount import recount
from tests.scoring.reviews.asked import by_people, people
from tests.scoring.running import exact, sent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    told = []
    monkeypatch.setattr(ringing, "ring", told.append)
    return told


@pytest.fixture
def k(project):
    sent(project, 3)
    by_people(project, guidelines="Look twice.", reviewers=2)
    return key(project)


def ask(k, **body):
    answer = call(k, "POST", "/review-requests", {"ids": ["r0", "r1"], "evaluator": "careful"} | body)
    if answer.status == 202:
        tend(ReviewRequest.objects.get(number=answer.body["number"]).pk)
    return answer


def says(k, reviewer, record, **what):
    return call(k, "POST", "/review-requests/1/answers", {"reviewer": reviewer, "record": record, **what})


def test_people_are_asked_and_the_request_is_watched(project, k, rung):
    ina, ben = people(project, "ina", "ben")
    asked = ask(k, blind=True, assignees=["ina", "ben"])
    assert asked.status == 202, asked.body
    said = ReviewOut.model_validate(asked.body)
    assert (said.status, said.by, said.guidelines, said.reviewers) == ("planning", "key ci", "Look twice.", 2)
    assert rung == [ReviewRequest.objects.get().pk], "a worker adds the records"
    seen = ReviewDetail.model_validate(call(k, "GET", "/review-requests/1").body)
    assert (seen.status, seen.records, seen.asked, seen.waiting, seen.blind) == ("open", 2, 4, 4, True)
    assert (seen.assignees, seen.metric, seen.version) == (["ben", "ina"], "solved", 1) or seen.assignees == [
        "ina",
        "ben",
    ]


def test_a_filter_asks_for_all_that_match(project, k):
    assert ask(k, ids=None, q="model:gpt", reviewers=1).body["q"] == "model:gpt"
    assert call(k, "GET", "/review-requests/1").body["records"] == 3


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"evaluator": "nobody"}, "evaluator"),
        ({"evaluator": "exact"}, "evaluator"),
        ({"assignees": ["lee"]}, "assignees"),
        ({"assignees": ["nobody"]}, "assignees"),
        ({"reviewers": 0}, "reviewers"),
        ({"ids": []}, "ids"),
        ({"q": ""}, "q"),
        ({"ids": None, "q": "modle:x"}, "q"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_mistakes_ask_nobody(project, k, change, path):
    exact(project)
    factories.member(project, name="lee")
    refused = ask(k, **change)
    assert refused.status == 400 and path in refused.fields, refused.body
    assert not ReviewRequest.objects.exists()


def test_too_few_people_for_so_many_reviews_are_refused_in_words(project, k):
    people(project, "ina")
    refused = ask(k, assignees=["ina"])
    assert refused.status == 400 and "at least 2" in refused.error["message"]


def test_a_tool_of_annotators_works_a_request_off(project, k):
    people(project, "ina", "ben")
    ask(k)
    records = []
    while record := HeldOut.model_validate(call(k, "POST", "/review-requests/1/next", {"reviewer": "ina"}).body).record:
        records.append(str(record))
        made = says(k, "ina", str(record), boolean_value=True, reasoning="Fine.")
        assert (made.status, made.body["source"], made.body["scorer"]) == (201, "human", "ina"), made.body
    assert len(set(records)) == 2
    assert says(k, "ina", records[0], boolean_value=False).status == 409, "each person once"
    skipped = says(k, "ben", records[0], skip=True, reasoning="Not my language.")
    assert (skipped.status, skipped.body["status"]) == (201, "skipped")
    seen = call(k, "GET", "/review-requests/1").body
    assert (seen["scored"], seen["declined"], seen["waiting"], seen["ended_at"]) == (2, 1, 1, None)
    noted = AuditEvent.objects.filter(actor="key ci", action="review.answer")
    assert [event.detail["reviewer"] for event in noted] == ["ina", "ina"]
    assert not any(recount(project.id).values())


def test_an_answer_is_taken_back(project, k):
    people(project, "ina")
    ask(k)
    says(k, "ina", "r0", boolean_value=True)
    undone = call(k, "POST", "/review-requests/1/undo", {"reviewer": "ina", "record": "r0"})
    assert undone.status == 200 and HeldOut.model_validate(undone.body).held_until
    assert call(k, "GET", "/review-requests/1").body["scored"] == 0
    assert call(k, "POST", "/review-requests/1/undo", {"reviewer": "ina", "record": "r0"}).status == 409


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ({"numerical_value": 1}, "numerical_value"),
        ({}, "boolean_value"),
        ({"boolean_value": "perhaps"}, "boolean_value"),
        ({"reviewer": "lee", "boolean_value": True}, "reviewer"),
        ({"record": "r0", "boolean_value": True, "passed": True}, "passed"),
    ],
)
def test_what_is_wrong_with_an_answer_is_named_and_nothing_is_stored(project, k, what, path):
    people(project, "ina")
    factories.member(project, name="lee")
    ask(k)
    refused = call(k, "POST", "/review-requests/1/answers", {"reviewer": "ina", "record": "r0"} | what)
    assert refused.status == 400 and path in refused.fields, refused.body
    assert not Score.objects.exclude(status=0).exists()


def test_disagreements_are_listed_and_settled_once(project, k):
    people(project, "ina", "ben")
    ask(k)
    for record in ("r0", "r1"):
        says(k, "ina", record, boolean_value=True)
        says(k, "ben", record, boolean_value=False, reasoning="Not at all.")
    assert call(k, "GET", "/review-requests/1").body["agreement"] == {"compared": 2, "agreed": 0, "differ": 2}
    first = call(k, "GET", "/review-requests/1/disagreements?limit=1").body
    rest = call(k, "GET", f"/review-requests/1/disagreements?cursor={first['next_cursor']}").body
    found = DisagreementList.model_validate({"items": first["items"] + rest["items"]}).items
    assert rest["next_cursor"] is None and len({item.record for item in found}) == 2
    assert [score.scorer for score in found[0].answers] == ["ina", "ben"]
    final = {"record": "r0", "boolean_value": False, "reasoning": "By the rule.", "scorer": "board", "id": "7"}
    made = [call(k, "POST", "/review-requests/1/final-scores", final) for _ in range(2)]
    assert [answer.status for answer in made] == [201, 201] and made[0].body["id"] == made[1].body["id"]
    settled = Score.objects.get(id=made[0].body["id"])
    assert (settled.rank, settled.is_current, settled.scorer) == (Rank.ADJUDICATED, True, "board")
    assert len(call(k, "GET", "/review-requests/1/disagreements").body["items"]) == 1
    assert call(k, "POST", "/review-requests/1/final-scores", final | {"record": "r2"}).status == 400


def test_closing_takes_back_what_waits(project, k):
    people(project, "ina")
    ask(k)
    says(k, "ina", "r0", boolean_value=True)
    assert call(k, "POST", "/review-requests/1/close").body["status"] in ("closing", "closed")
    assert call(k, "POST", "/review-requests/1/close").status == 200
    assert says(k, "ina", "r1", boolean_value=True).status == 409
    assert set(Score.objects.values_list("status", flat=True)) == {1}


def test_a_list_tells_what_is_open_and_goes_on(project, k):
    for _ in range(3):
        ask(k)
    call(k, "POST", "/review-requests/2/close")
    first = call(k, "GET", "/review-requests?limit=2").body
    rest = call(k, "GET", f"/review-requests?limit=2&cursor={first['next_cursor']}").body
    assert [item["number"] for item in first["items"] + rest["items"]] == [3, 2, 1]
    assert [item["number"] for item in call(k, "GET", "/review-requests?open=true").body["items"]] == [3, 1]
    assert [item["number"] for item in call(k, "GET", "/review-requests?open=false").body["items"]] == [2]
    assert call(k, "GET", "/review-requests?cursor=nonsense").status == 400


def test_a_request_is_made_once_under_one_idempotency_key(project, k):
    body = {"ids": ["r0"], "evaluator": "careful"}
    made = [call(k, "POST", "/review-requests", body, idempotency_key="x") for _ in range(2)]
    assert made[0].status == made[1].status == 202 and made[0].body == made[1].body
    assert ReviewRequest.objects.count() == 1


def test_a_key_of_another_project_finds_nothing_and_a_weak_one_changes_nothing(project, k):
    people(project, "ina")
    ask(k)
    theirs, reader = key(factories.project()), key(project, Scope.READ)
    value = {"record": "r0", "boolean_value": True}
    calls = [
        ("GET", "", None), ("GET", "/disagreements", None), ("POST", "/close", None),
        ("POST", "/next", {"reviewer": "ina"}), ("POST", "/answers", value | {"reviewer": "ina"}),
        ("POST", "/undo", {"record": "r0", "reviewer": "ina"}), ("POST", "/final-scores", value),
    ]  # fmt: skip
    for method, path, body in calls:
        path = f"/review-requests/1{path}"
        assert call(theirs, method, path, body).status == 404, path
        assert call(reader, method, path, body).status == (200 if method == "GET" else 403), path
        assert call(None, method, path, body).status == 401, path
    assert call(theirs, "GET", "/review-requests").body["items"] == []
    assert call(reader, "POST", "/review-requests", {"q": "", "evaluator": "careful"}).status == 403
    assert set(Score.objects.values_list("status", "source")) == {(0, ScoreSource.HUMAN)}

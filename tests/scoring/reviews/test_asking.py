"""Asking people to score: records ticked or all that match, so many people a record, some of them by name."""

import pytest

from evalhub.models import AuditEvent, Role
from records.models import Record, Score, ScoreSource, ScoreStatus
from records.scores import claim
from scoring.models import ReviewRequest, ReviewStatus
from scoring.reviews import ringing
from scoring.reviews.answering import next_slot
from scoring.reviews.asking import ReviewProblem, close, request_review
from scoring.reviews.counting import counts_of
from scoring.reviews.planning import ring_lost, tend
from tests import factories
from tests.records.recount import recount
from tests.scoring.reviews.asked import answers, asked, by_people, people, says, works_off
from tests.scoring.running import exact, matching, sent, ticked


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    told = []
    monkeypatch.setattr(ringing, "ring", told.append)
    return told


def slots(request):
    return Score.objects.filter(project=request.project, task_key__in=request.task_keys)


def test_ticked_records_wait_for_so_many_people_as_the_evaluator_says(project):
    ids = sent(project, 3)
    request = asked(project, ids, by_people(project, reviewers=2, guidelines="Look twice."), blind=True)
    assert (request.number, request.status, request.records, request.reviewers) == (1, ReviewStatus.OPEN, 3, 2)
    assert (request.guidelines, request.blind, request.words) == ("Look twice.", True, "3 records")
    waiting = slots(request)
    assert waiting.count() == 6 and set(waiting.values_list("status", "source")) == {(0, ScoreSource.HUMAN)}
    assert set(waiting.values_list("evaluator", "version_no")) == {("careful", 1)}
    assert set(Record.objects.values_list("status", flat=True)) == {1}
    assert not any(recount(project.id).values())
    assert AuditEvent.objects.filter(action="review.request").exists()


def test_all_that_match_are_left_to_a_worker_which_goes_on_where_it_stopped(project, rung, monkeypatch):
    sent(project, 5)
    monkeypatch.setattr("scoring.reviews.planning.MAX_ITEMS", 2)
    request = request_review(matching(project, "model:gpt"), by_people(project), factories.user())
    assert rung == [request.pk] and slots(request).count() == 0
    tend(request.pk, seconds=-1)
    assert slots(request).count() == 2 and rung == [request.pk] * 2
    tend(request.pk)
    request.refresh_from_db()
    assert (request.status, request.records, slots(request).count()) == (ReviewStatus.OPEN, 5, 5)
    tend(request.pk)
    assert slots(request).count() == 5


def test_a_slice_that_was_planned_before_adds_nothing_twice(project):
    request = asked(project, sent(project, 3))
    ReviewRequest.objects.update(status=ReviewStatus.PLANNING, reached="")
    tend(request.pk)
    assert slots(request).count() == 3


def test_no_machine_takes_what_waits_for_people(project):
    asked(project, sent(project, 2))
    assert claim(project.id, None, 10, 60) == []


def test_named_people_share_the_records_and_nobody_else_is_given_any(project):
    ina, ben, eva, other = people(project, "ina", "ben", "eva", "other")
    ids = sent(project, 12)
    request = asked(project, ids, reviewers=2, assignees=[ina, ben, eva])
    given = [set(slots(request).filter(assignee_id=p.pk).values_list("record_id", flat=True)) for p in (ina, ben, eva)]
    assert sum(map(len, given)) == 24 and all(given)
    assert next_slot(request, other) is None
    assert set(works_off(request, ina)) == given[0]


def test_a_request_is_refused_with_its_reason(project):
    viewer, (ina,) = factories.member(project, Role.VIEWER), people(project, "ina")
    ids, evaluator = sent(project, 1), by_people(project)
    for more, words in [
        ({"assignees": [viewer]}, "Only members who may score"),
        ({"assignees": [ina], "reviewers": 2}, "choose at least 2"),
        ({"reviewers": 0}, "From 1 to 20"),
        ({"reviewers": 21}, "From 1 to 20"),
    ]:
        with pytest.raises(ReviewProblem, match=words):
            request_review(ticked(project, ids), evaluator, "anna", **more)
    with pytest.raises(ReviewProblem, match="not scored by people"):
        request_review(ticked(project, ids), exact(project), "anna")
    assert not ReviewRequest.objects.exists() and not Score.objects.exists()


def test_closing_takes_back_what_waits_and_keeps_what_was_said(project):
    (ina,) = people(project, "ina")
    ids = sent(project, 3)
    request = asked(project, ids)
    says(request, ina, ids[0], yes=True)
    next_slot(request, ina)
    assert close(request, ina) and not close(request, ina)
    request.refresh_from_db()
    assert (request.status, request.ended_at is not None) == (ReviewStatus.CLOSED, True)
    assert list(slots(request).values_list("record_id", "status")) == [(ids[0], ScoreStatus.COMPLETED)]
    assert sorted(Record.objects.values_list("status", flat=True)) == [0, 0, 2]
    assert not any(recount(project.id).values()) and next_slot(request, ina) is None


def test_a_long_closing_is_a_workers(project, monkeypatch, rung):
    monkeypatch.setattr("scoring.reviews.asking.AT_ONCE", 0)
    monkeypatch.setattr("scoring.reviews.planning.AT_ONCE", 1)
    request = asked(project, sent(project, 2))
    close(request, "anna")
    assert request.status == ReviewStatus.CLOSING and rung == [request.pk]
    tend(request.pk)
    request.refresh_from_db()
    assert request.status == ReviewStatus.CLOSED and not slots(request).exists()


def test_the_sweeper_rings_for_what_nobody_is_at(project, rung):
    request = asked(project, sent(project, 1))
    ring_lost()
    assert rung == []
    ReviewRequest.objects.update(status=ReviewStatus.PLANNING)
    ring_lost()
    assert rung == [request.pk]


def test_progress_is_counted_from_the_scores(project):
    ina, ben = people(project, "ina", "ben")
    ids = sent(project, 4)
    request, other = (
        asked(project, ids, reviewers=2),
        asked(project, ids[:1], by_people(project, "second", factories.metric(project))),
    )
    works_off(request, ina)
    says(request, ben, ids[0], yes=False)
    counts = counts_of(project.id, [request, other], ina.pk)
    assert (counts[request.pk].asked, counts[request.pk].scored, counts[request.pk].mine) == (8, 5, 4)
    assert (counts[other.pk].asked, counts[other.pk].done) == (1, 0)
    assert answers(request).count() == 5

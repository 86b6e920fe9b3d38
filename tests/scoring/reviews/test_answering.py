"""A person at work: the next record, answers, declining, leaving for later, undoing; a human score stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from records.models import Rank, Record, Score, ScoreSource, ScoreStatus
from records.scores import NewScore, add_scores, release_expired
from records.values import read_value
from scoring.reviews import ringing as review_ringing
from scoring.reviews.answering import NotWanted, decline, leave, next_slot, undo
from scoring.reviews.asking import close
from scoring.runs import ringing
from scoring.runs.starting import start_run
from tests.records.recount import recount
from tests.scoring.reviews.asked import asked, by_people, people, says, works_off
from tests.scoring.running import exact, finish, sent, ticked


@pytest.fixture(autouse=True)
def rung(monkeypatch):
    monkeypatch.setattr(review_ringing, "ring", lambda id: None)
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)
    monkeypatch.setattr(ringing, "workers_of", lambda queue: 1)


def current(project, id):
    return Score.objects.get(project=project, record_id=id, is_current=True)


def test_an_answer_is_a_score_by_that_person_with_the_comment_as_its_reasoning(project):
    (ina,) = people(project, "ina")
    ids = sent(project, 2)
    request = asked(project, ids)
    slot = next_slot(request, ina)
    says(request, ina, slot.record_id, yes=False, comment="no number")
    score = current(project, slot.record_id)
    assert (score.boolean_value, score.passed, score.status) == (False, False, ScoreStatus.COMPLETED)
    assert (score.scorer, score.reasoning, score.source, score.rank) == (
        "ina",
        "no number",
        ScoreSource.HUMAN,
        Rank.HUMAN,
    )
    assert score.duration_ms is not None and score.lease_until is None
    assert not any(recount(project.id).values())


def test_two_people_are_given_different_records_and_what_one_has_comes_again(project):
    ina, ben = people(project, "ina", "ben")
    request = asked(project, sent(project, 2))
    first, second = next_slot(request, ina), next_slot(request, ben)
    assert first.record_id != second.record_id
    assert next_slot(request, ina).id == first.id


def test_nobody_scores_a_record_twice_and_no_more_than_asked_for_do(project):
    ina, ben, eva = people(project, "ina", "ben", "eva")
    ids = sent(project, 2)
    request = asked(project, ids, reviewers=2)
    assert set(works_off(request, ina)) == set(ids)
    assert next_slot(request, ina) is None
    with pytest.raises(NotWanted):
        says(request, ina, ids[0], yes=False)
    works_off(request, ben)
    assert next_slot(request, eva) is None
    with pytest.raises(NotWanted):
        says(request, eva, ids[0], yes=True)
    request.refresh_from_db()
    assert request.ended_at is not None


def test_what_is_left_for_later_comes_after_the_others_and_is_free_for_everybody(project):
    ina, ben = people(project, "ina", "ben")
    request = asked(project, sent(project, 3))
    first = next_slot(request, ina)
    second = next_slot(request, ina, after=leave(request, ina, first.record_id))
    third = next_slot(request, ina, after=leave(request, ina, second.record_id))
    assert len({first.record_id, second.record_id, third.record_id}) == 3
    assert next_slot(request, ina, after=leave(request, ina, third.record_id)).record_id == first.record_id
    assert next_slot(request, ben).record_id == second.record_id


def test_what_is_assigned_stays_so_when_it_is_left_for_later(project):
    (ina,) = people(project, "ina")
    request = asked(project, sent(project, 2), assignees=[ina])
    first = next_slot(request, ina)
    second = next_slot(request, ina, after=leave(request, ina, first.record_id))
    assert second.id != first.id
    assert set(Score.objects.values_list("assignee_id", flat=True)) == {ina.pk}


def test_declining_fills_the_slot_with_a_reason_and_without_a_value(project):
    (ina,) = people(project, "ina")
    ids = sent(project, 1)
    request = asked(project, ids)
    decline(request, ina, ids[0], "in Finnish")
    score = Score.objects.get(project=project)
    assert (score.status, score.reasoning, score.scorer) == (ScoreStatus.SKIPPED, "in Finnish", "ina")
    assert next_slot(request, ina) is None and not any(recount(project.id).values())


def test_undoing_puts_back_what_counted_before_and_the_record_into_the_persons_hands(project):
    ina, ben = people(project, "ina", "ben")
    ids = sent(project, 1)
    evaluator = by_people(project)
    judged = NewScore(ids[0], evaluator.metric, read_value(evaluator.metric, {"boolean_value": True}), scorer="judge")
    add_scores(project.id, [judged])
    request = asked(project, ids, evaluator)
    says(request, ina, ids[0], yes=False, comment="a slip")
    request.refresh_from_db()
    assert current(project, ids[0]).scorer == "ina" and request.ended_at
    slot = undo(request, ina, ids[0])
    score = Score.objects.get(project=project, id=slot.id)
    assert (score.status, score.boolean_value, score.reasoning, score.assignee_id) == (0, None, "", ina.pk)
    assert current(project, ids[0]).scorer == "judge" and not any(recount(project.id).values())
    request.refresh_from_db()
    assert request.ended_at is None and next_slot(request, ben) is None
    says(request, ina, ids[0], yes=True)
    assert current(project, ids[0]).boolean_value is True and not any(recount(project.id).values())


def test_only_ones_own_answer_can_be_undone_and_only_while_the_request_is_open(project):
    ina, ben = people(project, "ina", "ben")
    ids = sent(project, 1)
    request = asked(project, ids)
    says(request, ina, ids[0], yes=True)
    with pytest.raises(NotWanted, match="nothing of yours"):
        undo(request, ben, ids[0])
    close(request, "anna")
    request.refresh_from_db()
    with pytest.raises(NotWanted, match="closed"):
        undo(request, ina, ids[0])


@pytest.mark.parametrize("swept", [True, False])
def test_what_is_held_too_long_is_anybodys_and_a_late_answer_finds_another_place_or_none(project, swept):
    ina, ben, eva = people(project, "ina", "ben", "eva")
    ids = sent(project, 1)
    request = asked(project, ids, reviewers=2)
    slot = next_slot(request, ina)
    Score.objects.filter(id=slot.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    if swept:
        release_expired(project.id)
    next_slot(request, eva)
    assert next_slot(request, ben) is not None
    with pytest.raises(NotWanted):
        says(request, ina, ids[0], yes=True)
    says(request, ben, ids[0], yes=True)
    says(request, eva, ids[0], yes=True)


def test_a_persons_score_survives_every_machine_that_scores_again(project):
    (ina,) = people(project, "ina")
    ids = sent(project, 1)
    evaluator = by_people(project)
    machine = exact(project, metric=evaluator.metric, text="0")
    request = asked(project, ids, evaluator)
    says(request, ina, ids[0], yes=False)
    for _ in range(2):
        run = finish(start_run(ticked(project, ids), [machine], "anna"))
        assert run.completed == 1
        assert (current(project, ids[0]).scorer, current(project, ids[0]).boolean_value) == ("ina", False)
    assert Score.objects.filter(source=ScoreSource.CODE, boolean_value=True).count() == 2
    assert set(Record.objects.values_list("status", flat=True)) == {2} and not any(recount(project.id).values())

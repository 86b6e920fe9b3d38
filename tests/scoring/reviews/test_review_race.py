"""Many people review the same request at once, with real commits: so many scores a record, each by somebody else."""

import threading
from collections import Counter

import pytest
from django.db import connection

from records.models import Score, ScoreStatus
from scoring.reviews.answering import NotWanted, next_slot
from tests import factories
from tests.records.recount import recount
from tests.scoring.reviews.asked import answers, asked, people, says
from tests.scoring.running import sent

WAYS = 6


def at_once(*acts) -> None:
    errors: list[BaseException] = []
    gate = threading.Barrier(len(acts))

    def run(act) -> None:
        try:
            gate.wait()
            act()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.fixture
def project(transactional_db):
    return factories.project()


def test_everybody_is_given_another_record(project):
    team = people(project, *(f"p{n}" for n in range(WAYS)))
    request = asked(project, sent(project, WAYS))
    given = []
    at_once(*(lambda person=person: given.append(next_slot(request, person).record_id) for person in team))
    assert len(set(given)) == WAYS


def test_two_windows_of_one_person_never_hold_two_places_of_a_record(project):
    (ina,) = people(project, "ina")
    (id,) = sent(project, 1)
    request = asked(project, [id], reviewers=3)
    at_once(*(lambda: next_slot(request, ina) for _ in range(WAYS)))
    assert Score.objects.filter(assignee_id=ina.pk).count() == 1


def test_a_record_gets_exactly_so_many_scores_by_different_people(project):
    team = people(project, *(f"p{n}" for n in range(WAYS)))
    ids = sent(project, 8)
    request = asked(project, ids, reviewers=2)

    def work(person) -> None:
        while slot := next_slot(request, person):
            says(request, person, slot.record_id, yes=True)

    at_once(*(lambda person=person: work(person) for person in team))
    by_record = Counter(answers(request).values_list("record_id", flat=True))
    assert by_record == dict.fromkeys(ids, 2)
    assert answers(request).values("record_id", "scorer").distinct().count() == 16
    assert not any(recount(project.id).values())


def test_of_all_who_answer_the_same_record_only_as_many_are_taken_as_were_asked_for(project):
    team = people(project, *(f"p{n}" for n in range(WAYS)))
    (id,) = sent(project, 1)
    request, refused = asked(project, [id], reviewers=2), []

    def say(person) -> None:
        try:
            says(request, person, id, yes=True)
        except NotWanted:
            refused.append(person)

    at_once(*(lambda person=person: say(person) for person in team))
    assert len(refused) == WAYS - 2
    assert Score.objects.filter(status=ScoreStatus.COMPLETED).count() == 2

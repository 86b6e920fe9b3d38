"""Where people disagree an editor has the final word, which counts before everybody's."""

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.models import Rank, Score, ValueType
from records.values import read_value
from scoring.reviews.answering import answer
from scoring.reviews.disagreements import agreement, disagreements
from scoring.runs import ringing
from scoring.runs.starting import start_run
from tests import factories
from tests.records.recount import recount
from tests.scoring.reviews.asked import asked, by_people, people, says
from tests.scoring.running import exact, finish, sent, ticked


@pytest.fixture
def review(project, monkeypatch):
    """Three records scored by two people, who disagree on the first two."""
    monkeypatch.setattr(ringing, "_enqueue", lambda queue, entry, run_id: None)
    ina, ben = people(project, "ina", "ben")
    ids = sorted(sent(project, 3))
    request = asked(project, ids, reviewers=2)
    for n, id in enumerate(ids):
        says(request, ina, id, yes=True)
        says(request, ben, id, yes=n == 2, comment="explains only")
    return request, ids


@pytest.fixture
def editor(client, project):
    editor = factories.member(project, Role.EDITOR, "eve")
    client.force_login(editor)
    return client


def at(review, name, *args):
    return reverse(f"scoring:{name}", args=[review.project.slug, review.number, *args])


def current(id):
    return Score.objects.get(record_id=id, is_current=True)


def test_records_on_which_people_differ_are_listed_with_what_each_said(editor, review):
    request, ids = review
    assert [found.record_id for found in disagreements(request)] == ids[:2]
    assert (agreement(request).compared, agreement(request).agreed) == (3, 1)
    page = editor.get(at(request, "disagreements")).content.decode()
    assert "ina: yes, careful v1" in page and "explains only" in page
    assert str(ids[0]) in page and str(ids[2]) not in page


def test_the_final_word_counts_before_everybodys_and_leads_to_the_next(editor, review):
    request, ids = review
    data = {"value": "no", "reasoning": "the rule says so", "key": "k1"}
    answer = editor.post(at(request, "adjudication", ids[0]), data)
    assert answer.url == at(request, "adjudication", ids[1])
    score = current(ids[0])
    assert (score.rank, score.boolean_value, score.scorer) == (Rank.ADJUDICATED, False, "eve")
    assert Score.objects.filter(record_id=ids[0]).count() == 3 and not any(recount(request.project_id).values())
    assert [found.record_id for found in disagreements(request)] == ids[1:2]
    editor.post(at(request, "adjudication", ids[0]), data)
    assert Score.objects.filter(record_id=ids[0]).count() == 3
    assert editor.post(at(request, "adjudication", ids[1]), data | {"key": "k2"}).url == at(request, "disagreements")
    assert "Nothing to decide" in editor.get(at(request, "disagreements")).content.decode()


def test_a_final_word_can_be_changed_by_another_and_outlasts_people_and_machines(editor, review, project):
    request, ids = review
    for n, value in enumerate(("yes", "no")):
        editor.post(at(request, "adjudication", ids[0]), {"value": value, "key": f"k{n}"})
    assert current(ids[0]).boolean_value is False
    url = reverse("records:scores", args=[project.slug, ids[0]])
    editor.post(url, {"metric": "solved", "value": "yes", "key": "later"})
    finish(start_run(ticked(project, ids), [exact(project, metric=request.version.evaluator.metric)], "anna"))
    assert (current(ids[0]).rank, current(ids[0]).boolean_value) == (Rank.ADJUDICATED, False)


def test_a_wrong_value_is_said_and_nothing_is_stored(editor, review):
    request, ids = review
    answer = editor.post(at(request, "adjudication", ids[0]), {"value": "", "reasoning": "so long", "key": "k"})
    assert answer.status_code == 422 and "so long" in answer.content.decode()
    assert not Score.objects.filter(rank=Rank.ADJUDICATED).exists()


def test_the_same_choices_in_another_order_are_no_disagreement(project):
    ina, ben = people(project, "ina", "ben")
    choices = [{"value": v} for v in "abc"]
    metric = factories.metric(project, "topics", ValueType.CATEGORICAL, categorical_choices=choices, several=True)
    ids = sorted(sent(project, 2))
    request = asked(project, ids, by_people(project, metric=metric), reviewers=2)
    for id, person, said in [(0, ina, "ab"), (0, ben, "ba"), (1, ina, "ab"), (1, ben, "bc")]:
        value = read_value(metric, {"categorical_value": list(said)})
        answer(request, person, ids[id], value, metric.version)
    assert [found.record_id for found in disagreements(request)] == ids[1:]

"""A human evaluator's page: how far the people who score by it agree, and what its versions changed."""

import pytest
from django.urls import reverse

from records.models import ValueType
from records.values import read_value
from scoring.evaluators import save_version
from scoring.measured.reviewers import reviewers
from scoring.reviews import ringing
from scoring.reviews.answering import answer
from scoring.reviews.disagreements import adjudicate
from tests import factories
from tests.scoring.reviews.asked import asked, by_people, people, says
from tests.scoring.running import sent


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(ringing, "ring", lambda request_id: None)


@pytest.fixture
def reviewed(project):
    """40 records by ina and ben: they agree on 35 (25 yes, 10 no), ben passes 5 that ina fails. Ben has one more."""
    ina, ben = people(project, "ina", "ben")
    ids = sent(project, 41)
    request = asked(project, ids, by_people(project, guidelines="Look."), reviewers=2)
    for n, id in enumerate(ids[:40]):
        says(request, ina, id, yes=n < 25)
        says(request, ben, id, yes=n < 30)
    says(request, ben, ids[40], yes=True)
    return request, ids


def part(client, evaluator, name="evaluator-reviewers", **query) -> str:
    response = client.get(reverse(f"scoring:{name}", args=[evaluator.project.slug, evaluator.slug]), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project))
    return client


def test_two_people_have_a_kappa_and_a_table_of_what_both_said(reader, reviewed):
    request, _ = reviewed
    evaluator = request.version.evaluator
    found = reviewers(evaluator)
    assert (found.records, found.shared, found.alike.n) == (41, 40, 40)
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.table.agreeing) == ("ben", "ina", 35)
    # By hand: observed 0.875, by chance 0.75 * 0.625 + 0.25 * 0.375 = 0.5625; (0.875 - 0.5625) / 0.4375.
    assert pair.kappa.value == pytest.approx(0.7143, abs=1e-4)
    page = part(reader, evaluator)
    assert "40 records scored by several people" in page and "kappa 0.71" in page and "35 of 40" in page


def test_the_final_word_shows_whose_answers_it_kept(reviewed):
    request, ids = reviewed
    metric = request.version.evaluator.metric
    for id in ids[25:28]:
        adjudicate(request, metric, "eve", id, read_value(metric, {"boolean_value": True}), "", str(id))
    found = {person.name: person for person in reviewers(request.version.evaluator).people}
    assert (found["ben"].records, found["ben"].judged, found["ben"].kept) == (41, 3, 3)
    assert (found["ina"].records, found["ina"].judged, found["ina"].kept) == (40, 3, 0)
    assert found["ina"].same.n == 40 and "35 of 40" in found["ina"].same.text


def test_numbers_differ_by_a_mean_and_choices_in_another_order_agree(project):
    ina, ben = people(project, "ina", "ben")
    ids = sent(project, 16)
    scale = factories.metric(project, "quality", min_score=1, max_score=5, passing_score=3)
    number = asked(project, ids, by_people(project, "scale", scale), reviewers=2)
    tags = factories.metric(
        project, "kinds", ValueType.CATEGORICAL, several=True,
        categorical_choices=[{"value": "a"}, {"value": "b"}], passing_choices=["a"],
    )  # fmt: skip
    several = asked(project, ids, by_people(project, "kinds_of", tags), reviewers=2)
    for id in ids:
        for person, value, choices in ((ina, 4, ["a", "b"]), (ben, 4.5, ["b", "a"])):
            answer(number, person, id, read_value(scale, {"numerical_value": value}), scale.version)
            answer(several, person, id, read_value(tags, {"categorical_value": choices}), tags.version)
    found = reviewers(number.version.evaluator)
    assert found.pairs[0].error.value == 0.5 and found.alike.value == 1, "4 and 4.5 both pass"
    assert reviewers(several.version.evaluator).alike.value == 1


def test_without_two_people_a_record_it_says_how_to_get_them(reader, project):
    (ina,) = people(project, "ina")
    evaluator = by_people(project)
    assert "Nobody has scored by it yet" in part(reader, evaluator)
    ids = sent(project, 1)
    says(asked(project, ids, evaluator), ina, ids[0], yes=True)
    page = part(reader, evaluator)
    assert "No record has been scored by two people" in page and "ina" in page


def test_comments_are_not_compared(reader, project):
    notes = factories.metric(project, "remarks", ValueType.COMMENT)
    assert "no values" in part(reader, by_people(project, "remarker", notes))


def test_new_guidelines_are_compared_with_the_old_ones_on_the_same_records(reader, reviewed, project):
    request, ids = reviewed
    evaluator = request.version.evaluator
    save_version(evaluator, "eve", {"guidelines": "Look twice."}, "Stricter.")
    evaluator.refresh_from_db()
    (eve,) = people(project, "eve")
    again = asked(project, ids[:20], evaluator, reviewers=1)
    for id in ids[:20]:
        says(again, eve, id, yes=False)
    page = part(reader, evaluator, "evaluator-flips")
    assert "v1 → v2" in page and "<strong>20</strong> that passed fail with v2" in page
    assert "Agrees with people" not in page


def test_reviewers_names_are_shown_as_text(reader, project):
    (person,) = people(project, "ina")
    person.username = "<img src=x>"
    person.save()
    ids = sent(project, 1)
    evaluator = by_people(project)
    says(asked(project, ids, evaluator), person, ids[0], yes=True)
    assert "<img" not in part(reader, evaluator)


def test_the_number_of_queries_is_pinned(reader, reviewed, query_budget):
    with query_budget("scoring:evaluator-reviewers"):
        part(reader, reviewed[0].version.evaluator)

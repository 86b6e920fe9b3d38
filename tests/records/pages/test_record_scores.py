"""A record is scored, corrected and commented where it is shown, by who may."""

import json

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Metric, Score, ScoreDetail, ScoreSource, Source, ValueType
from tests import factories
from tests.records.pages.test_record_detail import HOSTILE, START

HTMX = {"HX-Request": "true"}


@pytest.fixture
def reviewer(client, project):
    client.force_login(factories.member(project, Role.REVIEWER, "ina"))
    return client


@pytest.fixture
def metrics(project) -> dict[str, Metric]:
    choices = [{"value": "kind", "number": 1}, {"value": "rude", "number": 0}, {"value": "old", "archived": True}]
    return {
        "quality": factories.metric(project, "quality"),
        "solved": factories.metric(project, "solved", ValueType.BOOLEAN),
        "tone": factories.metric(
            project, "tone", ValueType.CATEGORICAL, categorical_choices=choices, passing_choices=["kind"]
        ),
        "topics": factories.metric(project, "topics", ValueType.CATEGORICAL, categorical_choices=choices, several=True),
        "note": factories.metric(project, "note", ValueType.COMMENT),
    }


@pytest.fixture
def record_id(project, metrics):
    judged = [ScoreDraft("quality", {"numerical_value": 0.9}, "fine")]
    return ingest(project, [RecordDraft("a", Source.API, START, inputs=1, scores=judged)], "ci").ids[0]


def scored(client, project, id, metric: str, value: object, **more: object):
    url = reverse("records:scores", args=[project.slug, id])
    return client.post(url, {"metric": metric, "value": value, "key": "k1"} | more, headers=HTMX)


@pytest.mark.parametrize(
    ("metric", "value", "field", "stored"),
    [
        ("quality", "0.25", "numerical_value", 0.25),
        ("solved", "no", "boolean_value", False),
        ("tone", "rude", "categorical_value", ["rude"]),
        ("topics", ["kind", "rude"], "categorical_value", ["kind", "rude"]),
        ("note", "too long\nby half", "string_value", "too long\nby half"),
    ],
)
def test_each_type_of_metric_takes_a_value_of_its_own(reviewer, project, record_id, metric, value, field, stored):
    answer = scored(reviewer, project, record_id, metric, value, reasoning="because")
    assert answer.status_code == 200
    current = Score.objects.get(project=project, record_id=record_id, metric__slug=metric, is_current=True)
    assert (getattr(current, field), current.source, current.scorer) == (stored, ScoreSource.HUMAN, "ina")
    assert current.reasoning == ("" if metric == "note" else "because")


def test_a_correction_stands_beside_what_it_corrects_and_is_announced(reviewer, project, record_id):
    answer = scored(reviewer, project, record_id, "quality", "0.1", reasoning="invented a date")
    page, told = answer.content.decode(), json.loads(answer["HX-Trigger"])
    assert "0.10, ina" in page and "0.90, ci" in page and "invented a date" in page
    assert "<html" not in page and 'id="scores"' in page
    assert told["records-changed"] == {"ids": [str(record_id)]} and "stored" in told["toast"]["words"]


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("quality", "7", "between 0 and 1"),
        ("quality", "nan", "Enter a number"),
        ("quality", "", "required"),
        ("solved", "perhaps", "not one of the available choices"),
        ("tone", "old", "not one of the available choices"),
        ("topics", ["kind", "odd"], "not one of the available choices"),
        ("note", "  ", "must not be empty"),
        ("note", "a\0b", "Null characters"),
    ],
)
def test_a_value_that_the_metric_does_not_take_is_refused_at_its_field(
    reviewer, project, record_id, metric, value, words
):
    before = Score.objects.count()
    answer = scored(reviewer, project, record_id, metric, value)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page and f'id="score-{metric}-value_error"' in page
    assert Score.objects.count() == before


def test_sending_a_form_twice_is_one_score(reviewer, project, record_id):
    for _ in range(2):
        assert scored(reviewer, project, record_id, "quality", "0.1").status_code == 200
    assert Score.objects.filter(project=project, source=ScoreSource.HUMAN).count() == 1


def test_a_form_starts_from_what_stands_now(reviewer, project, record_id):
    page = reviewer.get(reverse("records:detail", args=[project.slug, record_id])).content.decode()
    assert 'value="0.9"' in page and 'max="1.0"' in page and "Correct by hand" in page
    assert '<input type="radio" name="value" value="yes"' in page and 'value="old"' not in page


def test_without_scripts_the_form_leads_back_to_the_page(reviewer, project, record_id):
    url = reverse("records:scores", args=[project.slug, record_id])
    answer = reviewer.post(url, {"metric": "solved", "value": "yes", "key": "1"})
    assert answer.url == reverse("records:detail", args=[project.slug, record_id])


def test_a_viewer_sees_scores_and_no_form(client, project, record_id):
    client.force_login(factories.member(project, Role.VIEWER))
    page = client.get(reverse("records:detail", args=[project.slug, record_id])).content.decode()
    assert "0.90" in page and "by-hand" not in page and ">not scored<" not in page
    assert scored(client, project, record_id, "quality", "0.1").status_code == 403


@pytest.mark.parametrize("slug", ["nothing", "", "a\0b"])
def test_an_unknown_metric_is_not_found(reviewer, project, record_id, slug):
    assert scored(reviewer, project, record_id, slug, "1").status_code == 404


def test_a_metric_and_a_record_of_another_project_are_not_found(reviewer, project, record_id):
    other = factories.project()
    factories.metric(other, "foreign")
    theirs = ingest(other, [RecordDraft("a", Source.API, START)], "ci").ids[0]
    assert scored(reviewer, project, record_id, "foreign", "1").status_code == 404
    assert scored(reviewer, project, theirs, "quality", "1").status_code == 404


def test_an_attempt_shows_what_the_judge_was_told_and_said(reviewer, project, record_id):
    score = Score.objects.get(project=project)
    ScoreDetail.objects.create(project=project, score_id=score.id, prompt=f"Judge {HOSTILE}", reply='{"score": 0.9}')
    url = reverse("records:score", args=[project.slug, record_id, score.id])
    page = reviewer.get(url, headers=HTMX).content.decode()
    assert "Rendered prompt" in page and "Raw reply" in page and "Captured output" not in page and "<img" not in page
    assert "definition 1" in page and "fine" in page


def test_an_attempt_on_another_record_is_not_found(reviewer, project, record_id):
    score = Score.objects.get(project=project)
    other = ingest(project, [RecordDraft("b", Source.API, START)], "ci").ids[0]
    url = reverse("records:score", args=[project.slug, other, score.id])
    assert reviewer.get(url, headers=HTMX).status_code == 404


def test_a_long_history_is_cut_and_goes_further_back_in_its_tab(reviewer, project, record_id):
    for n in range(30):
        scored(reviewer, project, record_id, "quality", "0.1", key=f"k{n}")
    url = reverse("records:detail", args=[project.slug, record_id])
    page = reviewer.get(url).content.decode()
    assert page.count("0.10, ina") == 20 and "The newest 20 of 31 attempts" in page
    assert reviewer.get(url, {"tab": "scores"}).content.decode().count("0.10, ina") == 30


def test_the_number_of_queries_does_not_grow_with_scores_and_metrics(reviewer, project, record_id, query_budget):
    for n in range(5):
        factories.metric(project)
        scored(reviewer, project, record_id, "quality", "0.1", key=f"k{n}")
    with query_budget("records:detail, reviewer"):
        reviewer.get(reverse("records:detail", args=[project.slug, record_id]))
    with query_budget("records:scores"):
        scored(reviewer, project, record_id, "tone", "kind")

"""A filter that names an evaluator or a rule which scored nothing here: pointed out, for it is no error."""

import pytest
from django.urls import reverse

from records.drafts import ScoreDraft
from records.models import Score
from records.vocabulary import vocabulary_of, with_scorers
from tests import factories
from tests.records.pages.test_record_list import listed, reader, sent  # noqa: F401 - a fixture


@pytest.fixture
def scored(project):
    factories.metric(project, "quality")
    sent(project, scores=[ScoreDraft("quality", {"numerical_value": 0.5})])
    for n, score in enumerate(Score.objects.filter(project=project)):
        score.evaluator, score.rule = ("grounding_judge", "nightly") if n % 2 else ("length", "")
        score.save(update_fields=["evaluator", "rule"])


def test_every_name_is_told_once(project, scored):
    other = factories.project()
    found = with_scorers(vocabulary_of(project), project)
    assert found.evaluators == {"grounding_judge", "length"} and found.rules == {"nightly"}
    assert with_scorers(vocabulary_of(other), other).evaluators == frozenset()


def test_a_slip_of_the_pen_in_a_name_is_pointed_out_with_what_may_be_meant(reader, project, scored):  # noqa: F811
    page = listed(reader, project, q="evaluator:grounding_jugde").content.decode()
    assert "No evaluator here is called &#x27;grounding_jugde&#x27;; did you mean &#x27;grounding_judge&#x27;?" in page
    assert "No rule here" in listed(reader, project, q="rule:daily").content.decode()


@pytest.mark.parametrize("q", ["evaluator:length", "evaluator:ground*", "rule:NIGHTLY", "model:x"])
def test_known_names_are_passed_over(reader, project, scored, q):  # noqa: F811
    assert "query-remark" not in listed(reader, project, q=q).content.decode()


def test_names_are_looked_up_only_where_a_filter_has_some(reader, project, scored, django_assert_max_num_queries):  # noqa: F811
    url = reverse("records:list", args=[project.slug])
    with django_assert_max_num_queries(20) as seen:
        reader.get(url, {"q": "model:x"})
    assert not any("RECURSIVE seen" in query["sql"] for query in seen.captured_queries)

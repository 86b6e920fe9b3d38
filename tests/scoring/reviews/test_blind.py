"""In a blind review nothing of the judge or of other people reaches the reviewer's page."""

import pytest
from django.urls import reverse

from records.models import ScoreSource
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.reviews.answering import next_slot
from tests.scoring.reviews.asked import asked, by_people, people, says
from tests.scoring.running import sent

SECRETS = ("judge-says-so", "ben-says-so", "judge-model", "ben")


@pytest.mark.parametrize("blind", [True, False])
def test_what_others_said_is_in_the_page_only_where_it_may_be(client, project, blind):
    ina, ben = people(project, "ina", "ben")
    evaluator, ids = by_people(project), sent(project, 1)
    metric = evaluator.metric
    value = read_value(metric, {"boolean_value": True})
    add_scores(project.id, [
        NewScore(ids[0], metric, value, ScoreSource.LLM, scorer="judge-model", reasoning="judge-says-so"),
    ])  # fmt: skip
    request = asked(project, ids, evaluator, reviewers=2, blind=blind)
    says(request, ben, ids[0], yes=True, comment="ben-says-so")
    next_slot(request, ina)
    client.force_login(ina)
    address = reverse("scoring:review-record", args=[project.slug, request.number, ids[0]])
    for headers in ({}, {"HX-Request": "true"}):
        page = client.get(address, headers=headers).content.decode()
        refused = client.post(address, {"value": "", "key": "k"}, headers=headers).content.decode()
        for html in (page, refused):
            assert [secret in html for secret in SECRETS] == [not blind] * 4
            assert (reverse("records:detail", args=[project.slug, ids[0]]) + '"' in html) is not blind
            assert "checked" not in html
            assert "pending" not in html.partition("What others said")[2]  # one's own place is nothing that others said

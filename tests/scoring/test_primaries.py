"""Choosing the evaluator that a metric's column shows."""

import django_rq
import pytest
import redis
from django.core.exceptions import ValidationError

from evalhub.models import AuditEvent
from records.models import Score, ScoreSource, ValueType
from records.scores import NewScore, add_scores
from records.values import read_value
from scoring.evaluators import archive_evaluator, create_evaluator
from scoring.jobs import rank_scores
from scoring.primaries import NotRanked, make_primary
from tests import factories
from tests.records.api.calls import call, key
from tests.scoring.admin.forms import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(project):
    metric = factories.metric(project, "brief", ValueType.BOOLEAN)
    definition = {"builtin": "length", "settings": {"at_most": 9}}
    return [
        create_evaluator(project, "x", slug=slug, type="code", metric=metric, definition=definition)
        for slug in ("first", "second")
    ]


@pytest.fixture(autouse=True)
def empty_queue():
    django_rq.get_queue("bulk").empty()


def test_earlier_scores_follow_the_choice_once_the_job_has_run(project, two, django_capture_on_commit_callbacks):
    first, second = two
    record = factories.record(project)
    for evaluator, value in ((second, False), (first, True)):
        typed = read_value(first.metric, {"boolean_value": value})
        add_scores(project.id, [NewScore(record.id, first.metric, typed, ScoreSource.CODE, evaluator=evaluator.slug)])
    assert Score.objects.get(is_current=True).evaluator == "first"
    with django_capture_on_commit_callbacks(execute=True):
        make_primary(second, "anna")
    (job,) = django_rq.get_queue("bulk").jobs
    assert job.func_name == "scoring.jobs.rank_scores"
    rank_scores(*job.args)
    assert Score.objects.get(is_current=True).evaluator == "second"
    assert AuditEvent.objects.get(action="evaluator.primary").target == "second"


def test_people_and_archived_ones_cannot_be_primary(project, two):
    people = create_evaluator(project, "x", slug="people", type="human", metric=two[0].metric, definition={})
    archive_evaluator(two[1], "x")
    for evaluator in (people, two[1]):
        with pytest.raises(ValidationError):
            make_primary(evaluator, "anna")


def test_without_redis_it_says_what_is_left_to_do(project, two, monkeypatch):
    def away(name):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(django_rq, "get_queue", away)
    with pytest.raises(NotRanked, match="choose it again"):
        make_primary(two[1], "anna")


def test_it_is_chosen_by_the_api_and_in_the_admin(client, project, two):
    answer = call(key(project), "POST", "/evaluators/second/make-primary")
    assert (answer.status, answer.body["is_primary"]) == (200, True)
    client.force_login(staff(project))
    sent = {"action": "make_primary", "_selected_action": [two[0].pk]}
    client.post("/admin/scoring/evaluator/", sent)
    two[0].metric.refresh_from_db()
    assert two[0].metric.primary_evaluator == "first"
    client.post("/admin/scoring/evaluator/", sent | {"_selected_action": [two[0].pk, two[1].pk]})
    two[0].metric.refresh_from_db()
    assert two[0].metric.primary_evaluator == "first"

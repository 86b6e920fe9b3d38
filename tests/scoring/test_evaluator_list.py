"""The Evaluators page: what each has done in the last days, in numbers that a few cases do not carry."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.models import Role
from records.models import ValueType
from scoring.evaluators import archive_evaluator
from scoring.measured import volumes as measured
from scoring.measured.volumes import volumes
from tests import factories
from tests.scoring.judging import judged
from tests.scoring.running import exact, sent


@pytest.fixture
def metric(project):
    return factories.metric(project, "fine", ValueType.BOOLEAN)


def page_of(client, project, user=None, **query) -> str:
    client.force_login(user or factories.member(project))
    return client.get(reverse("scoring:evaluators", args=[project.slug]), query).content.decode()


def test_an_evaluator_is_listed_with_volume_pass_rate_and_cost(client, project, metric):
    exact(project, "judge", metric)
    judged(metric, {id: n % 4 > 0 for n, id in enumerate(sent(project, 40))}, "judge")
    page = page_of(client, project)
    assert reverse("scoring:evaluator", args=[project.slug, "judge"]) in page
    assert "75 % (60 % to 86 %), 30 of 40" in page
    assert "$0.40" in page


def test_below_fifteen_cases_counts_are_shown_and_no_rate(client, project, metric):
    exact(project, "judge", metric)
    judged(metric, dict.fromkeys(sent(project, 14), True), "judge")
    page = page_of(client, project)
    assert "14 of 14, too few for a rate" in page
    assert "100 %" not in page


def test_scores_of_before_the_last_seven_days_do_not_count(project, metric):
    ids = sent(project, 3)
    now = timezone.now()
    judged(metric, dict.fromkeys(ids[:2], True), "judge", at=now - timedelta(days=8))
    judged(metric, dict.fromkeys(ids[2:], True), "judge", at=now - timedelta(days=6))
    assert volumes(project, now).of("judge").scores == 1


def test_scores_of_another_project_do_not_count(project, metric):
    other = factories.project()
    theirs = factories.metric(other, "fine", ValueType.BOOLEAN)
    judged(theirs, dict.fromkeys(sent(other, 3), True), "judge")
    assert volumes(project, timezone.now()).of("judge").scores == 0


def test_with_too_many_scores_the_newest_are_read_and_the_time_is_said(project, metric, monkeypatch):
    monkeypatch.setattr(measured, "MOST", 4)
    ids = sent(project, 6)
    judged(metric, dict.fromkeys(ids[:2], True), "judge", at=timezone.now() - timedelta(days=3))
    judged(metric, dict.fromkeys(ids[2:], False), "judge")
    found = volumes(project, timezone.now())
    assert found.cut and found.of("judge").failed == 4 and found.of("judge").passed == 0
    assert found.since > timezone.now() - timedelta(days=1)


def test_archived_ones_are_behind_a_choice(client, project, metric):
    archive_evaluator(exact(project, "old_one", metric), "ina")
    exact(project, "new_one", metric)
    reader = factories.member(project)
    page, archived = page_of(client, project, reader), page_of(client, project, reader, archived="1")
    assert "new_one" in page and "old_one" not in page
    assert "old_one" in archived and "new_one" not in archived


def test_an_empty_project_says_what_an_evaluator_is_and_editors_get_the_form(client, project):
    assert "No evaluators yet" in page_of(client, project)
    form = reverse("admin:scoring_evaluator_add")
    assert form not in page_of(client, project)
    editor = factories.member(project, Role.EDITOR)
    assert form not in page_of(client, project, editor)  # the admin would not let them in
    editor.is_staff = True
    editor.save()
    assert f"{form}?project={project.pk}" in page_of(client, project, editor)


@pytest.mark.parametrize("count", [1, 12])
def test_the_number_of_queries_is_pinned(client, project, metric, query_budget, count):
    for n in range(count):
        exact(project, f"judge_{n}", metric)
        judged(metric, dict.fromkeys(sent(project, 2, first=2 * n), True), f"judge_{n}")
    client.force_login(factories.member(project))
    with query_budget("scoring:evaluators"):
        assert client.get(reverse("scoring:evaluators", args=[project.slug])).status_code == 200

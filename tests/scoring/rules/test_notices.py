"""What is wrong with online scoring is said on every page of the project, and without names in /readyz."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from records.ids import uuid7
from records.models import Outbox, Score
from scoring.rules import notices
from scoring.rules.editing import stop_rule
from scoring.rules.notices import health, notices_of
from tests import factories
from tests.scoring.rules.made import counted, planned, rule
from tests.scoring.running import exact, sent


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    monkeypatch.setattr(notices, "workers_of", lambda queue: 1)


@pytest.fixture
def made(project):
    return rule(project, exact(project), name="Secret name")


def kinds(project) -> list[str]:
    return [notice.kind for notice in notices_of(project)]


def test_a_rule_that_does_well_or_is_paused_by_hand_raises_nothing(project, made):
    counted(made, seen=5_000, spans=400, filter=1)
    assert kinds(project) == [] and health() == ("ok", [])
    made.enabled = False
    made.save()
    counted(made, hours_ago=2, seen=5_000)
    assert kinds(project) == []


def test_a_rule_that_matches_nothing_while_records_pass_by_says_at_which_gate(project, made):
    counted(made, seen=notices.PASSED_BY - 1)
    assert kinds(project) == []
    counted(made, hours_ago=1, seen=1)
    (notice,) = notices_of(project)
    assert notice.kind == "nothing" and "choice of spans" in notice.words and "100 records" in notice.words
    counted(made, hours_ago=3, spans=4)
    assert "filter matches none" in notices_of(project)[0].words
    assert health() == ("warnings", ["1 online scoring rule is matching nothing while records pass by."])


def test_a_rule_that_an_error_has_stopped_gives_its_reason_but_not_in_readyz(client, project, made):
    stop_rule(made, "The provider refused the key sk-123.")
    (notice,) = notices_of(project)
    assert notice.kind == "paused" and "sk-123" in notice.words
    said = client.get("/readyz")
    assert said.status_code == 200 and said.json()["rules"] == "warnings"
    assert "1 online scoring rule is paused by an error: what matches is not scored." in said.json()["warnings"]
    assert "sk-123" not in said.content.decode() and "Secret name" not in said.content.decode()


def test_what_waits_too_long_is_a_lag_also_where_a_provider_refuses_it_and_its_words_are_not_in_readyz(
    client, project, made
):
    planned(made, made.evaluators.get(), sent(project, 2))
    assert kinds(project) == []
    long_ago = timezone.now() - notices.LATE_AFTER - timedelta(minutes=5)
    scores = Score.objects.filter(project=project)
    scores.update(created_at=long_ago)
    counted(made, calls=30, completed=4)
    (notice,) = notices_of(project)
    assert "15 min behind" in notice.words and "30 scores were asked for and 4 came" in notice.words
    assert health()[1] == [notice.words]
    scores.update(not_before=timezone.now() + timedelta(seconds=50), error="401: the key sk-123 is revoked")
    (notice,) = notices_of(project)
    assert "15 min behind" in notice.words and "sk-123 is revoked" in notice.reason
    assert health()[1] == [notice.words] and "sk-123" not in notice.words
    client.force_login(factories.member(project))
    for page, *more in (("rule", made.slug), ("rule-notices",)):
        html = client.get(reverse(f"scoring:{page}", args=[project.slug, *more])).content.decode()
        assert "401: the key sk-123 is revoked" in html


def test_records_that_nobody_has_looked_at_are_a_lag(project, made):
    Outbox.objects.filter(project=project).delete()
    old = uuid7(int((timezone.now() - timedelta(minutes=20)).timestamp() * 1000))
    Outbox.objects.create(project=project, id=old, ids=[old])
    assert kinds(project) == ["behind"] and "20 min" in notices_of(project)[0].words


def test_a_missing_worker_is_told_where_a_rule_needs_it(project, made, monkeypatch):
    monkeypatch.setattr(notices, "workers_of", lambda queue: 0)
    assert kinds(project) == ["worker"] and kinds(factories.project()) == []
    monkeypatch.setattr(notices, "workers_of", lambda queue: None)  # Redis away: /readyz says that
    assert kinds(project) == []


def test_every_page_of_a_project_asks_for_its_banner(client, project, made):
    stop_rule(made, "<script>")
    client.force_login(factories.member(project))
    address = reverse("scoring:rule-notices", args=[project.slug])
    for name in ("records:list", "scoring:runs"):
        assert f'hx-get="{address}"' in client.get(reverse(name, args=[project.slug])).content.decode()
    html = client.get(address).content.decode()
    assert "Secret name" in html and "&lt;script&gt;" in html and "<script>" not in html
    assert f'hx-get="{address}"' not in client.get("/").content.decode()

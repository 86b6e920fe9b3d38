from datetime import UTC, datetime

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from tests import factories

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def sent(project, *drafts: dict) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    ingest(project, [RecordDraft(f"r{n}", Source.API, at, **draft) for n, draft in enumerate(drafts)], "ci")


def offered(client, project, text: str, at: object = None) -> str:
    query = {"q": text, "at": len(text) if at is None else at}
    answer = client.get(reverse("records:complete", args=[project.slug]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_values_that_were_seen_are_offered_the_frequent_first(reader, project):
    sent(project, {"model": "rare"}, {"model": "often"}, {"model": "often"})
    page = offered(reader, project, "model:")
    assert page.index('data-insert="often "') < page.index('data-insert="rare "')


def test_numbers_that_a_metric_has_are_offered_with_its_status(reader, project):
    factories.metric(project, "quality")
    sent(project, *({"scores": [ScoreDraft("quality", {"numerical_value": value})]} for value in (0.25, 0.5, 0.5)))
    page = offered(reader, project, "metric.quality:")
    assert page.index('data-insert="0.5 "') < page.index('data-insert="0.25 "')
    assert 'data-insert="metric.quality.status:fail "' in page


def test_one_long_trace_does_not_hide_what_else_was_seen(reader, project):
    sent(
        project,
        {"model": "seldom"},
        *({"trace_id": "t", "span_id": f"{n}", "parent_id": "0", "model": "step"} for n in range(450)),
    )
    page = offered(reader, project, "model:")
    assert 'data-insert="step "' in page and 'data-insert="seldom "' in page


def test_keys_of_metadata_payloads_and_metrics_are_offered_with_their_values(reader, project):
    sent(project, {"metadata": {"customer": {"tier": "gold"}}, "inputs": {"question": "why"}, "metrics": {"n": 1}})
    assert 'data-insert="customer."' in offered(reader, project, "metadata.")
    assert 'data-insert="tier:"' in offered(reader, project, "metadata.customer.")
    assert 'data-insert="gold "' in offered(reader, project, "metadata.customer.tier:")
    assert 'data-insert="question:"' in offered(reader, project, "inputs.")
    assert 'data-insert="why "' in offered(reader, project, "inputs.question:")
    assert 'data-insert="n:"' in offered(reader, project, "metrics.")


def test_hostile_keys_and_values_are_escaped_and_long_ones_left_out(reader, project):
    sent(project, {"metadata": {HOSTILE: HOSTILE, "k" * 65: 1, "a": ["x"], "ok": "v" * 300}, "model": HOSTILE})
    page = offered(reader, project, "metadata.")
    assert "<script" not in page and "&lt;script" in page and "kkkk" not in page and 'data-insert="ok:"' in page
    assert "<script" not in offered(reader, project, "model:")
    assert "option" not in offered(reader, project, "metadata.ok:") + offered(reader, project, "metadata.a:")


def test_a_column_behind_a_metadata_name_is_where_its_values_are_read(reader, project):
    sent(project, {"environment": "staging"})
    assert 'data-insert="staging "' in offered(reader, project, "metadata.environment:")


def test_tags_and_members_are_offered(reader, project):
    sent(project, {"tags": ["ci"]})
    assert 'data-insert="ci "' in offered(reader, project, "tag:")
    member = factories.member(project)
    assert f'data-insert="{member.username} "' in offered(reader, project, "assigned:")


def test_another_projects_values_are_not_offered(reader, project):
    sent(factories.project(), {"model": "theirs", "metadata": {"their_key": 1}, "tags": ["theirs"]})
    assert "their" not in "".join(offered(reader, project, text) for text in ("model:", "metadata.", "tag:"))


@pytest.mark.parametrize("at", ["", "x", "-1", "9" * 30, "٣"])
def test_a_caret_that_is_none_gets_nothing(reader, project, at):
    assert "option" not in offered(reader, project, "mod", at)


@pytest.mark.parametrize("text", ["\x00mod", "x" * 5000])
def test_a_text_that_is_no_filter_gets_nothing(reader, project, text):
    assert "option" not in offered(reader, project, text)


def test_it_asks_few_queries(reader, project, query_budget):
    sent(project, {"model": "m"})
    with query_budget("records:complete"):
        offered(reader, project, "model:")

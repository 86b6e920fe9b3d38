"""The pages of sessions."""

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from records.search import SearchTimeout
from tests import factories
from tests.records.test_sessions import at, turn

HOSTILE = '"/><img src=x onerror=alert(1)> \\ &#?%/..'


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def test_any_thread_is_a_link_to_its_session_which_links_to_its_records_and_back(reader, project):
    drafts = [turn(n, HOSTILE, n, inputs=HOSTILE, outputs={HOSTILE: HOSTILE}, name=HOSTILE) for n in range(2)]
    id = ingest(project, drafts, "ci").ids[0]
    listed = reader.get(reverse("records:sessions", args=[project.slug])).content.decode()
    record = reader.get(reverse("records:detail", args=[project.slug, id])).content.decode()
    address = reverse("records:session", args=[project.slug])
    for html in (listed, record):
        assert "<img" not in html
        (link, *_) = [part.split('"')[0].split("#")[0] for part in html.split(f'href="{address}')[1:]]
        page = reader.get(address + link.replace("&amp;", "&"))
        assert page.status_code == 200 and page.context["totals"].turns == 2
    html = page.content.decode()
    assert "<img" not in html and f'id="turn-{id}"' in html
    assert reverse("records:detail", args=[project.slug, id]) in html
    found = reader.get(page.context["records"], {"q": page.context["thread_query"], "spans": "all"})
    assert len(found.context["table"].data) == 2


def test_an_unknown_session_is_not_found_and_nor_is_one_of_another_project(reader, project):
    ingest(factories.project(), [turn(0, "theirs", 0)], "ci")
    url = reverse("records:session", args=[project.slug])
    assert reader.get(url, {"thread": "theirs"}).status_code == 404
    for nothing in ("", "\0"):
        assert reader.get(url, {"thread": nothing}).url == reverse("records:sessions", args=[project.slug])


def test_the_list_says_why_it_is_empty(reader, project):
    url = reverse("records:sessions", args=[project.slug])
    assert b"No sessions yet" in reader.get(url).content
    ingest(project, [turn(0, "t", 0)], "ci")
    assert b"No session has a record where" in reader.get(url, {"q": "model:none"}).content
    refused = reader.get(url, {"q": "nonsense:1"})
    assert refused.status_code == 422 and b"This filter cannot be read" in refused.content
    assert reader.get(url, {"after": "rubbish"}).status_code == 400
    fragment = reader.get(url, headers={"HX-Request": "true"}).content
    assert b"<html" not in fragment and b"t</strong>" in fragment


@pytest.mark.parametrize("rows", [1, 30])
def test_the_number_of_queries_is_pinned(reader, project, query_budget, rows):
    factories.metric(project, "quality")
    judged = [ScoreDraft("quality", {"numerical_value": 0.9})]
    ingest(project, [turn(n, f"t{n}", n, scores=judged) for n in range(rows)], "ci")
    ingest(project, [RecordDraft(f"x{n}", Source.API, at(n), thread="one", scores=judged) for n in range(rows)], "ci")
    with query_budget("records:sessions"):
        assert reader.get(reverse("records:sessions", args=[project.slug])).status_code == 200
    with query_budget("records:session"):
        assert reader.get(reverse("records:session", args=[project.slug]), {"thread": "one"}).status_code == 200


def test_a_session_whose_sums_take_too_long_is_read_without_them(reader, project, monkeypatch):
    def slow(*args: object) -> None:
        raise SearchTimeout

    ingest(project, [turn(0, "t", 0)], "ci")
    monkeypatch.setattr("records.views.sessions.totals_of", slow)
    answer = reader.get(reverse("records:session", args=[project.slug]), {"thread": "t"})
    html = answer.content.decode()
    assert answer.status_code == 200 and "could not be counted in time" in html and "question 0" in html

"""What a list that is being read asks for: whether records have arrived, and whether its pending cells have settled."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.urls import reverse

from evalhub.models import Role
from records import news
from records.drafts import RecordDraft
from records.ids import first_of, uuid7
from records.ingest import ingest
from records.models import ScoreSource, ScoreStatus, Source
from records.scores import ScoreResult, Task, claim, complete, plan_scores
from records.values import TypedValue
from tests import factories

START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def sent(project, *names: str, model: str = "x", at: datetime = START) -> list:
    return ingest(project, [RecordDraft(name, Source.API, at, model=model) for name in names], "ci").ids


def page(reader, project, **query: str) -> str:
    return unescape(reader.get(reverse("records:list", args=[project.slug]), query).content.decode())


def asked(html: str) -> str:
    """Where the fragment asks next."""
    return re.search(r'id="news" hx-get="([^"]+)"', html)[1]


def test_what_arrives_after_the_page_is_announced_and_what_it_shows_is_not(reader, project):
    sent(project, "a", "b")
    url = asked(page(reader, project))
    assert "new</a>" not in reader.get(url).content.decode()
    sent(project, "c", "d", at=START - timedelta(days=300))  # old in its own time: it has arrived all the same
    html = unescape(reader.get(url).content.decode())
    assert "2 new</a>" in html and 'id="new-records"' in html
    again = unescape(reader.get(asked(html)).content.decode())
    assert "new-records" not in again  # nothing changed: what is read aloud is not said again


def test_only_what_the_filter_finds_is_announced_and_the_pill_keeps_the_filter(reader, project):
    sent(project, "a")
    url = asked(page(reader, project, q="model:y", sort="-cost", columns="name"))
    sent(project, "b", model="x")
    assert "new</a>" not in reader.get(url).content.decode()
    sent(project, "c", model="y")
    html = unescape(reader.get(url).content.decode())
    assert "1 new</a>" in html
    href = re.search(r'href="([^"]+)"[^>]*>1 new', html)[1]
    assert "q=model%3Ay" in href and "sort=-cost" in href and "columns=name" in href and "after" not in href


def test_spans_below_a_root_are_announced_only_among_all_spans(reader, project):
    sent(project, "a")
    roots, all_spans = asked(page(reader, project)), asked(page(reader, project, spans="all"))
    ingest(project, [
        RecordDraft("t:1", Source.TRACE, START, trace_id="t", span_id="1"),
        RecordDraft("t:2", Source.TRACE, START, trace_id="t", span_id="2", parent_id="1"),
    ], "ci")  # fmt: skip
    assert "1 new</a>" in reader.get(roots).content.decode()
    assert "2 new</a>" in reader.get(all_spans).content.decode()


def test_no_more_than_so_many_are_held_against_the_filter(reader, project, monkeypatch):
    monkeypatch.setattr(news, "LOOKED_AT", 2)
    monkeypatch.setattr("records.views.live.LOOKED_AT", 2)
    url = asked(page(reader, project))
    sent(project, "a", "b", "c")
    assert "2+ new</a>" in reader.get(url).content.decode()


def test_it_asks_ever_more_seldom_while_nothing_comes_and_soon_again_after_that(reader, project):
    url = asked(page(reader, project))
    waits = []
    for _ in range(9):
        html = unescape(reader.get(url).content.decode())
        waits.append(int(re.search(r"delay:(\d+)s", html)[1]))
        url = asked(html)
    assert waits == sorted(waits) and waits[0] > 5 and waits[-1] == 60
    sent(project, "a")
    assert "delay:5s" in reader.get(url).content.decode()


def test_news_of_another_project_are_none(reader, project):
    url = asked(page(reader, project))
    sent(factories.project(), "a")
    assert "new</a>" not in reader.get(url).content.decode()


@pytest.mark.parametrize("query", [{}, {"since": "x"}, {"since": "0" * 32, "known": "x"}])
def test_a_question_that_cannot_be_read_is_refused(reader, project, query):
    assert reader.get(reverse("records:news", args=[project.slug]), query).status_code == 400


def test_a_filter_that_cannot_be_read_is_asked_about_no_more(reader, project):
    sent(project, "a")
    url = reverse("records:news", args=[project.slug])
    assert reader.get(url, {"since": first_of(0).hex, "q": "modle:x"}).status_code == 286


def test_the_quiet_question_is_one_look_at_an_index(reader, project, query_budget):
    sent(project, "a")
    url = asked(page(reader, project))
    with query_budget("records:news"):
        reader.get(url)
    sent(project, "b")
    with query_budget("records:news, some"):
        reader.get(url)


def test_the_first_id_of_a_millisecond_is_the_least():
    assert all(first_of(1000) <= uuid7(1000) < first_of(1001) for _ in range(100))


def awaits(project, metric, ids, run: int = 1) -> None:
    plan_scores(project.id, ids, [Task(metric.id, f"run:{run}:7:1", ScoreSource.LLM, run_id=run)])


def settle(project, n: int, run: int = 1, value: float = 0.75) -> None:
    """A worker's answer to `n` of the pending scores."""
    read = TypedValue(numerical_value=value, value=value, passed=value >= 0.5)
    claimed = claim(project.id, run, n, 60)
    results = [ScoreResult(c.id, c.record_id, c.attempts, ScoreStatus.COMPLETED, read) for c in claimed]
    assert len(complete(project.id, results)) == n


def cells(html: str) -> str:
    return re.search(r'"cells": "([^"]*)"', unescape(html))[1]


def ask(reader, project, cells: str, **fields: object):
    return reader.post(reverse("records:pending", args=[project.slug]), {"cells": cells} | fields)


def test_a_page_asks_for_all_its_pending_cells_at_once_until_none_is_left(reader, project):
    quality = factories.metric(project, "quality")
    ids = sent(project, "a", "b", "c")
    awaits(project, quality, ids[:2])
    pending = cells(page(reader, project))
    assert sorted(pending.split(",")) == sorted(f"{id.hex}.{quality.id}" for id in ids[:2])
    quiet = ask(reader, project, pending, wait=2)
    assert quiet.status_code == 200 and cells(quiet.content.decode()) == pending and b"hx-swap-oob" not in quiet.content
    settle(project, 1)
    partly = ask(reader, project, pending, wait=9)
    html = partly.content.decode()
    assert partly.status_code == 200 and html.count('hx-swap-oob="true"') == 1 and "0.75" in html
    assert "delay:2s" in html  # something happened: the next may be soon
    settle(project, 1)
    last = ask(reader, project, cells(html))
    assert last.status_code == 286 and b"0.75" in last.content and b"hx-post" not in last.content


def test_a_page_without_pending_cells_does_not_ask(reader, project):
    factories.metric(project, "quality")
    sent(project, "a")
    assert 'id="pending"' not in page(reader, project)


def test_a_cell_that_is_scored_again_keeps_its_value_until_it_settles(reader, project):
    quality = factories.metric(project, "quality")
    ids = sent(project, "a")
    awaits(project, quality, ids)
    settle(project, 1, value=0.9)
    awaits(project, quality, ids, run=2)
    html = page(reader, project)
    assert 'class="again" title="being scored again"' in html and "0.9" in html
    settle(project, 1, run=2, value=0.1)
    assert ask(reader, project, cells(html)).status_code == 286


def test_a_deleted_record_is_waited_for_no_more(reader, project):
    quality = factories.metric(project, "quality")
    assert ask(reader, project, f"{uuid7().hex}.{quality.id}").status_code == 286


def test_cells_of_another_project_say_nothing(reader, project):
    other = factories.project()
    quality = factories.metric(other, "quality")
    ids = sent(other, "a")
    awaits(other, quality, ids)
    settle(other, 1)
    answer = ask(reader, project, f"{ids[0].hex}.{quality.id}")
    assert answer.status_code == 286 and b"0.75" not in answer.content


@pytest.mark.parametrize("cells", ["x", "x.1", f"{'0' * 32}.x", f"{'0' * 32}", f"{'0' * 32}.1.2"])
def test_cells_that_cannot_be_read_are_refused(reader, project, cells):
    assert ask(reader, project, cells).status_code == 400


@pytest.mark.parametrize("n", [1, 50])
def test_all_cells_are_one_question(reader, project, query_budget, n):
    quality, other = factories.metric(project, "quality"), factories.metric(project, "other")
    ids = sent(project, *(f"r{number}" for number in range(n)))
    awaits(project, quality, ids)
    awaits(project, other, ids, run=2)
    with query_budget("records:pending"):
        ask(reader, project, ",".join(f"{id.hex}.{metric.id}" for id in ids for metric in (quality, other)))

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.filterbar import range_words
from records.ingest import ingest
from records.models import Source
from tests import factories

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def sent(project, *drafts: dict) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    ingest(project, [RecordDraft(f"r{n}", Source.API, at, **draft) for n, draft in enumerate(drafts)], "ci")


def menu(client, project, key: str, **query: str) -> list[tuple[str, str, str]]:
    """(label, count, filter once chosen) of each choice."""
    answer = client.get(reverse("records:facet", args=[project.slug, key]), query)
    assert answer.status_code == 200
    return choices(project, answer.content.decode())


def choices(project, page: str) -> list[tuple[str, str, str]]:
    """(label, count, filter once chosen) of each link to the list in the page."""
    found = re.findall(r'<a href="([^"]*)"[^>]*><bdi>(.*?)</bdi><span class="n">([^<]*)', page)
    urls = [urlsplit(unescape(href)) for href, _, _ in found]
    assert {url.path for url in urls} <= {reverse("records:list", args=[project.slug])}
    asked = [parse_qs(url.query, keep_blank_values=True).get("q", [""])[0] for url in urls]
    return [(unescape(label), count, q) for (_, label, count), q in zip(found, asked, strict=True)]


def test_a_menu_of_values_counts_what_the_rest_of_the_filter_finds(reader, project):
    sent(project, {"model": "a b"}, {"model": "a b"}, {"model": "c"}, {}, {"model": "c", "environment": "live"})
    assert menu(reader, project, "model") == [
        ("a b", "2", 'model:"a b"'), ("c", "2", "model:c"), ("None", "1", "model IS NULL"),
    ]  # fmt: skip
    assert menu(reader, project, "model", q="environment:live model:x") == [
        ("c", "1", "environment:live model:c"), ("Clear", "", "environment:live"),
    ]  # fmt: skip
    assert menu(reader, project, "environment", q="model:c")[0][1] == "1"


def test_the_chosen_value_is_marked(reader, project):
    sent(project, {"model": "a b"})
    answer = reader.get(reverse("records:facet", args=[project.slug, "model"]), {"q": 'model:"a b"'})
    assert 'aria-current="true"><bdi>a b</bdi>' in answer.content.decode()


def test_every_other_menu_counts_each_of_its_choices(reader, project):
    factories.metric(project, "quality")
    failing = ScoreDraft("quality", {"numerical_value": 0.1})
    sent(project, {"scores": [failing]}, {"model": "x"})
    assert ("Completed", "1", "status:completed") in menu(reader, project, "status")
    assert ("API", "2", "source:api") in menu(reader, project, "source")
    assert ("Quality fails", "1", "metric.quality.status:fail") in menu(reader, project, "metric")
    assert {count for _, count, _ in menu(reader, project, "time")} == {"0"}


def test_hostile_values_are_escaped(reader, project):
    sent(project, {"model": HOSTILE})
    page = reader.get(reverse("records:facet", args=[project.slug, "model"])).content.decode()
    assert "<script" not in page and "&lt;script" in page


def test_a_list_without_records_says_so(reader, project):
    assert menu(reader, project, "model")[0][0] == "No records"


def test_unreadable_filters_and_unknown_menus_count_nothing(reader, project):
    assert reader.get(reverse("records:facet", args=[project.slug, "model"]), {"q": "modle:x"}).status_code == 422
    assert reader.get(reverse("records:facet", args=[project.slug, "other"])).status_code == 404


def test_the_page_asks_for_counts_only_when_a_menu_opens(reader, project, query_budget):
    sent(project, {"model": "m"})
    page = reader.get(reverse("records:list", args=[project.slug])).content.decode()
    assert page.count('hx-trigger="toggle once"') >= 6
    with query_budget("records:facet, model"):
        menu(reader, project, "model")


@pytest.mark.parametrize(
    ("dates", "filter"),
    [
        ({"from": "2026-01-31", "to": "2026-02-01"}, "model:x created >= 2026-01-31 created <= 2026-02-01"),
        ({"from": "2026-01-31"}, "model:x created >= 2026-01-31"),
        ({"to": "2026-02-01"}, "model:x created <= 2026-02-01"),
        ({}, "model:x"),
        ({"from": 'x" OR a'}, 'model:x created >= "x\\" OR a"'),
    ],
)
def test_two_dates_become_the_filters_time(reader, project, dates, filter):
    kept = {"spans": "all", "view": "7", "sort": "-cost", "columns": "name"}
    query = {"q": "model:x created:>-7d"} | kept | dates
    answer = reader.get(reverse("records:between", args=[project.slug]), query)
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer["Location"]).query) == {
        name: [value] for name, value in {"q": filter, **kept}.items()
    }


@pytest.mark.parametrize(
    ("q", "label"),
    [
        ("", "Any time"),
        ("model:x", "Any time"),
        ("created:>-7d", "Last 7 days"),
        ("created >= '2016-06-01T05:00Z' created < '2016-06-01T07:00Z'", "1 Jun 2016 07:00 – 09:00"),
    ],
)
def test_the_menu_of_times_says_which_range_is_set_on_the_readers_clock(reader, project, q, label):
    project.time_zone = "Europe/Berlin"
    project.save()
    sent(project, {})
    context = reader.get(reverse("records:list", args=[project.slug]), {"q": q}).context
    assert next(facet["label"] for facet in context["facets"] if facet["key"] == "time") == label


@pytest.mark.parametrize(
    ("since", "until", "label"),
    [
        ("2026-06-01T05:00", "2026-06-01T07:00", "1 Jun 07:00 – 09:00"),
        ("2026-06-01T21:00", "2026-06-01T23:00", "1 Jun 23:00 – 2 Jun 01:00"),
        ("2026-05-31T22:00", "2026-06-03T22:00", "1 Jun – 3 Jun"),
        ("2026-05-31T22:00", "2026-06-01T22:00", "1 Jun"),
        ("2026-05-31T22:00", None, "Since 1 Jun"),
        (None, "2026-06-01T05:00", "Up to 1 Jun 07:00"),
        ("2025-12-31T22:30", None, "Since 31 Dec 2025 23:30"),
        ("2025-12-31T23:30", None, "Since 1 Jan 00:30"),
        ("2025-05-31T22:00", "2026-06-01T22:00", "1 Jun 2025 – 1 Jun 2026"),
    ],
)
def test_a_range_is_told_on_the_readers_clock_with_its_year_where_it_is_not_this_one(since, until, label):
    low, high = (at and datetime.fromisoformat(f"{at}+00:00") for at in (since, until))
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert range_words(low, high, ZoneInfo("Europe/Berlin"), now) == label

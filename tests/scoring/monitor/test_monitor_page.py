"""The Monitor page: what its URL asks for, its charts and their links, and dashboards."""

import html
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from records.saved_views import MOST
from scoring.models import Dashboard
from tests import factories

HOSTILE = "<img src=x onerror=alert(1)>\"'"


@pytest.fixture
def filled(project):
    factories.metric(project, "quality")
    now = timezone.now()
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(minutes=30 + n), model=HOSTILE if n % 2 else "plain",
            latency_ms=100 + n, error="boom" if n % 10 == 0 else "", metadata={"channel": "web"},
            scores=[ScoreDraft("quality", {"numerical_value": 0.9 if n % 4 else 0.1})],
        )
        for n in range(40)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    return project


@pytest.fixture
def viewer(client, filled):
    person = factories.member(filled, Role.VIEWER)
    client.force_login(person)
    return person


def page(client, project, **query):
    return client.get(reverse("scoring:monitor", args=[project.slug]), query)


def parts(answer) -> list[str]:
    return [html.unescape(url) for url in re.findall(r'class="part" hx-get="([^"]+)"', answer.content.decode())]


def figures(client, answer) -> list[dict]:
    drawn = "".join(client.get(url).content.decode() for url in parts(answer))
    return [json.loads(html.unescape(text)) for text in re.findall(r"<template>(.*?)</template>", drawn, re.S)]


def test_each_part_is_measured_by_itself_and_shows_its_charts(client, filled, viewer):
    answer = page(client, filled)
    urls = parts(answer)
    assert [urlsplit(url).path.rsplit("/", 1)[1] for url in urls] == ["traffic", "latency", "passes.quality"]
    texts = [client.get(url).content.decode() for url in urls]
    assert "Error rate" in texts[0] and "40" in texts[0]
    assert "median, p95" in texts[1]
    assert "75 %" in texts[2] and "n 40" in texts[2]


def test_a_click_on_a_point_finds_just_the_records_behind_it(client, filled, viewer):
    for figure in figures(client, page(client, filled, charts="records,latency,passes.quality", range="6h")):
        for trace in figure["data"]:
            for value, link in zip(trace["y"], trace["customdata"], strict=True):
                assert value is None or not value or link.startswith(f"/p/{filled.slug}/records/?q=")
    (records, *_) = figures(client, page(client, filled, charts="records", range="6h"))
    trace = records["data"][0]
    for count, link in zip(trace["y"], trace["customdata"], strict=True):
        if count:
            q = parse_qs(urlsplit(link).query)["q"][0]
            counted = client.get(reverse("records:count", args=[filled.slug]), {"q": q}).content.decode()
            assert f"{count:.0f}" in counted


def test_groups_have_lines_of_their_own_and_hostile_names_stay_text(client, filled, viewer):
    answer = page(client, filled, by="model", charts="records", range="6h")
    (url,) = parts(answer)
    text = client.get(url).content.decode()
    assert "<img" not in text and "&lt;img src=x" in text
    (figure,) = figures(client, answer)
    assert sorted(trace["name"] for trace in figure["data"]) == sorted([HOSTILE, "plain"])
    assert all("<img" not in label for trace in figure["data"] for label in trace["hovertext"])
    sums = {trace["name"]: sum(trace["y"]) for trace in figure["data"]}
    assert sums == {HOSTILE: 20, "plain": 20}


def test_a_key_of_the_metadata_is_offered_and_groups(client, filled, viewer):
    offered = client.get(reverse("scoring:monitor-groupings", args=[filled.slug])).content.decode()
    assert "by=metadata.channel" in offered
    (figure,) = figures(client, page(client, filled, by="metadata.channel", charts="records"))
    assert [trace["name"] for trace in figure["data"]] == ["web"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "modle:x"},
        {"by": "customer"},
        {"range": "2y"},
        {"from": "soon"},
        {"from": "2020-01-02T00:00", "to": "2020-01-01"},
    ],
)
def test_what_cannot_be_read_shows_why_and_measures_nothing(client, filled, viewer, query):
    answer = page(client, filled, **query)
    assert answer.status_code == 422 and not parts(answer)
    assert 'role="alert"' in answer.content.decode()
    url = reverse("scoring:monitor-part", args=[filled.slug, "traffic"])
    assert client.get(url, query).status_code == 422


def test_a_measurement_that_takes_too_long_says_so_and_offers_another_try(client, filled, viewer, monkeypatch):
    from records.search import SearchTimeout
    from scoring.monitor import traffic

    def slow(*args):
        raise SearchTimeout

    monkeypatch.setattr(traffic, "traffic", slow)
    (url,) = parts(page(client, filled, charts="records"))
    text = client.get(url).content.decode()
    assert "shorter time range" in text and "Try again" in text


def test_charts_are_chosen_by_a_plain_form(client, filled, viewer):
    url = reverse("scoring:monitor", args=[filled.slug])
    answer = client.get(f"{url}?charts=records&charts=latency")
    assert answer.status_code == 302 and parse_qs(urlsplit(answer.url).query)["charts"] == ["records,latency"]
    assert len(parts(client.get(answer.url))) == 2
    assert client.get(reverse("scoring:monitor-part", args=[filled.slug, "nonsense"])).status_code == 404


def test_a_project_without_records_says_how_they_come(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    text = page(client, project).content.decode()
    assert "No records yet" in text and "hx-get" in text


def test_the_fragment_is_what_the_page_includes(client, filled, viewer):
    fragment = client.get(reverse("scoring:monitor", args=[filled.slug]), headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode() and parts(fragment) == parts(page(client, filled))


@pytest.mark.parametrize("rows", [1, 40])
@pytest.mark.parametrize("part", ["", "traffic", "latency", "passes.quality"])
def test_the_number_of_queries_is_pinned(client, project, query_budget, rows, part):
    factories.metric(project, "quality")
    judged = [ScoreDraft("quality", {"numerical_value": 0.9})]
    drafts = [RecordDraft(f"r{n}", Source.API, timezone.now(), scores=judged, latency_ms=n) for n in range(rows)]
    ingest(project, drafts, "ci")
    client.force_login(factories.member(project, Role.VIEWER))
    name, args = ("scoring:monitor-part", [part]) if part else ("scoring:monitor", [])
    with query_budget(f"{name}, {part}" if part else name):
        assert client.get(reverse(name, args=[project.slug, *args])).status_code == 200


def new(client, project, query: str, **data):
    return client.post(f"{reverse('scoring:dashboard-new', args=[project.slug])}?{query}", data)


def test_a_dashboard_keeps_range_filter_grouping_and_charts(client, filled, viewer):
    answer = new(client, filled, "q=model%3Aplain&range=24h&by=model&charts=records&after=x", name="Mine")
    made = Dashboard.objects.get(project=filled)
    assert (made.query, made.shared, made.owner) == ("q=model%3Aplain&range=24h&by=model&charts=records", False, viewer)
    assert answer.url.endswith(f"?dashboard={made.pk}&{made.query}")
    assert client.get(reverse("scoring:monitor", args=[filled.slug]), {"dashboard": made.pk}).url == answer.url
    text = client.get(answer.url).content.decode()
    assert "<h1>Mine</h1>" in text and 'class="dirty"' not in text
    assert 'class="dirty"' in client.get(answer.url.replace("24h", "7d")).content.decode()


def test_a_private_dashboard_is_its_owners_and_a_shared_one_everybodys(client, filled, viewer):
    new(client, filled, "range=24h", name="Mine")
    mine = Dashboard.objects.get(project=filled)
    client.force_login(factories.member(filled, Role.REVIEWER))
    new(client, filled, "range=6h", name="Ours", shared="on")
    ours = Dashboard.objects.get(project=filled, shared=True)
    assert client.get(reverse("scoring:dashboard", args=[filled.slug, mine.pk])).status_code == 404
    client.force_login(viewer)
    text = page(client, filled).content.decode()
    assert "Mine" in text and "Ours" in text
    assert client.post(reverse("scoring:dashboard", args=[filled.slug, ours.pk]), {"name": "X"}).status_code == 403
    assert new(client, filled, "", name="Y", shared="on").status_code == 403
    client.force_login(factories.member(filled, Role.EDITOR))
    url = reverse("scoring:dashboard", args=[filled.slug, ours.pk])
    assert client.post(url, {"name": "Renamed", "shared": "on"}).status_code == 302
    assert client.post(reverse("scoring:dashboard-delete", args=[filled.slug, ours.pk])).status_code == 302
    assert [one.name for one in Dashboard.objects.all()] == ["Mine"]


def test_a_name_stands_once_and_what_cannot_be_read_is_not_saved(client, filled, viewer):
    new(client, filled, "range=24h", name="Mine")
    assert "named mine already" in new(client, filled, "range=6h", name="mine").content.decode()
    assert new(client, filled, "q=modle%3Ax", name="Wrong").status_code == 422
    assert Dashboard.objects.count() == 1
    kept = Dashboard.objects.get()
    new(client, filled, f"dashboard={kept.pk}&range=1h", replace=kept.pk)
    assert Dashboard.objects.get().query == "range=1h"


@pytest.mark.parametrize("groups", [["a\0b"], [f"g{n}" for n in range(9)], ["g" * 5000], ["plain", "plain"]])
def test_groups_in_the_url_that_the_page_cannot_have_named_break_nothing(client, filled, viewer, groups):
    for part in ("traffic", "latency", "passes.quality"):
        url = reverse("scoring:monitor-part", args=[filled.slug, part])
        answer = client.get(url, {"by": "model", "group": groups})
        assert answer.status_code in (200, 404), part


def test_a_shared_dashboard_that_an_editor_makes_private_is_the_editors(client, filled, viewer):
    made = Dashboard.objects.create(project=filled, owner=viewer, name="Ours", shared=True)
    editor = factories.member(filled, Role.EDITOR)
    client.force_login(editor)
    assert client.post(reverse("scoring:dashboard", args=[filled.slug, made.pk]), {"name": "Mine"}).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.shared, made.owner) == ("Mine", False, editor)
    Dashboard.objects.bulk_create(Dashboard(project=filled, owner=editor, name=f"d{n}") for n in range(MOST))
    assert f"{MOST} dashboards already" in new(client, filled, "range=1h", name="One more").content.decode()

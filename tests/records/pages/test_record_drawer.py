"""One record in the drawer over its list, stepping through that list, and its tabs."""

import json
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source
from tests import factories
from tests.records.pages.test_record_detail import HOSTILE, START


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


@pytest.fixture
def ids(project):
    """Newest first: four records, two of each model."""
    drafts = [
        RecordDraft(f"r{n}", Source.API, START - timedelta(minutes=n), model="ab"[n % 2], inputs=n, name=f"number {n}")
        for n in range(4)
    ]
    return ingest(project, drafts, "ci").ids


def list_url(project) -> str:
    return reverse("records:list", args=[project.slug])


def in_drawer(client, project, id, current: str = "", way: str = "detail", **query: str):
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{list_url(project)}{current}"}
    return client.get(reverse(f"records:{way}", args=[project.slug, id]), query, headers=headers)


def test_the_drawer_is_the_pages_own_fragment_and_writes_itself_into_the_lists_url(reader, project, ids):
    answer = in_drawer(reader, project, ids[0], "?q=model%3Aa", q="model:a")
    assert "<html" not in answer.content.decode() and "number 0" in answer.content.decode()
    assert parse_qs(urlsplit(answer["HX-Push-Url"]).query) == {"q": ["model:a"], "open": [str(ids[0])]}


def test_a_second_record_takes_the_place_of_the_first_in_the_history(reader, project, ids):
    answer = in_drawer(reader, project, ids[1], f"?open={ids[0]}", tab="raw")
    assert "HX-Push-Url" not in answer
    assert parse_qs(urlsplit(answer["HX-Replace-Url"]).query) == {"open": [str(ids[1])], "tab": ["raw"]}


def test_asked_for_from_elsewhere_it_leaves_the_url_alone(reader, project, ids):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/somewhere"}
    answer = reader.get(reverse("records:detail", args=[project.slug, ids[0]]), headers=headers)
    assert "HX-Push-Url" not in answer and "HX-Replace-Url" not in answer


def test_a_list_whose_url_names_a_record_loads_its_drawer(reader, project, ids):
    page = reader.get(list_url(project), {"open": str(ids[0]), "q": "model:a"}).content.decode()
    assert f'hx-get="{reverse("records:detail", args=[project.slug, ids[0]])}?q=model%3Aa" hx-trigger="load"' in page
    assert 'hx-trigger="load"></aside>' not in reader.get(list_url(project), {"open": "x"}).content.decode()


def test_next_and_previous_stay_within_the_filter(reader, project, ids):
    after = in_drawer(reader, project, ids[0], way="next", q="model:a")
    assert "number 2" in after.content.decode() and f"/{ids[2]}/next?q=model%3Aa" in after.content.decode()
    before = in_drawer(reader, project, ids[2], way="previous", q="model:a")
    assert "number 0" in before.content.decode()


def test_next_follows_the_lists_order(reader, project, ids):
    assert "number 0" in in_drawer(reader, project, ids[1], way="next", sort="created").content.decode()


def test_the_end_of_the_list_is_said_and_nothing_moves(reader, project, ids):
    for id, way, word in ((ids[3], "next", "last"), (ids[0], "previous", "first")):
        answer = in_drawer(reader, project, id, way=way)
        assert answer.status_code == 204 and word in json.loads(answer["HX-Trigger"])["toast"]["words"]


def test_without_scripts_stepping_leads_to_the_next_page(reader, project, ids):
    url = reverse("records:next", args=[project.slug, ids[0]])
    assert reader.get(url, {"q": "model:a"}).url == (
        f"{reverse('records:detail', args=[project.slug, ids[2]])}?q=model%3Aa"
    )
    page = reader.get(reverse("records:next", args=[project.slug, ids[3]]), follow=True).content.decode()
    assert "This is the last record of the list." in page


def test_a_filter_that_cannot_be_read_is_said(reader, project, ids):
    answer = in_drawer(reader, project, ids[0], way="next", q="modle:a")
    assert answer.status_code == 204 and "modle" in json.loads(answer["HX-Trigger"])["toast"]["words"]


def test_rows_lead_to_their_record_with_the_list_they_stand_in(reader, project, ids):
    page = reader.get(list_url(project), {"q": "model:a", "sort": "-latency"}).content.decode()
    assert f"/records/{ids[0]}/?q=model%3Aa&sort=-latency" in unescape(page)


def test_raw_is_what_the_api_answers(reader, project, ids):
    raw = reader.get(reverse("records:raw", args=[project.slug, ids[0]]))
    said = json.loads(raw.content)
    assert said["id"] == str(ids[0]) and said["inputs"] == 0 and "attachment" in raw["Content-Disposition"]
    page = unescape(reader.get(reverse("records:detail", args=[project.slug, ids[0]]), {"tab": "raw"}).content.decode())
    assert f'"id": "{ids[0]}"' in page


def test_a_long_raw_record_is_shown_in_part_and_copied_whole(reader, project):
    id = ingest(project, [RecordDraft("big", Source.API, START, inputs=["x" * 100] * 5000)], "ci").ids[0]
    page = reader.get(reverse("records:detail", args=[project.slug, id]), {"tab": "raw"}).content.decode()
    assert len(page) < 400_000 and f'data-copy-from="{reverse("records:raw", args=[project.slug, id])}"' in page


def part(client, project, id, **query: object):
    return client.get(reverse("records:part", args=[project.slug, id]), query)


def test_deep_and_long_values_are_fetched_part_by_part(reader, project):
    value = {"list": list(range(250)), "a": {"b": {"c": {"d": "deep"}}}, "long": "y" * 5000}
    id = ingest(project, [RecordDraft("v", Source.API, START, inputs=value)], "ci").ids[0]
    page = unescape(reader.get(reverse("records:detail", args=[project.slug, id]), {"tab": "values"}).content.decode())
    assert "deep" not in page and "more of 250" in page and "all 5,000 characters" in page
    assert "deep" in part(reader, project, id, of="inputs", path='["a","b","c"]').content.decode()
    rest = part(reader, project, id, of="inputs", path='["list"]', **{"from": 200}).content.decode()
    assert '<span class="n">249</span>' in rest and '<span class="n">199</span>' not in rest
    assert "y" * 5000 in part(reader, project, id, of="inputs", path='["long"]').content.decode()


@pytest.mark.parametrize(
    "query",
    [
        {}, {"of": "search_text", "path": "[]"}, {"of": "inputs", "path": "{}"}, {"of": "inputs", "path": "[1.5]"},
        {"of": "inputs", "path": "nonsense"}, {"of": "inputs", "path": '["not there"]'},
        {"of": "inputs", "path": '["\\u0000"]'}, {"of": "expected", "path": "[]"},
    ],
)  # fmt: skip
def test_a_part_that_is_not_there_is_not_found(reader, project, ids, query):
    assert part(reader, project, ids[0], **query).status_code == 404


def test_keys_and_values_of_a_tree_are_text(reader, project):
    value = {HOSTILE: {HOSTILE: [HOSTILE]}}
    id = ingest(project, [RecordDraft("v", Source.API, START, inputs=value)], "ci").ids[0]
    for tab in ("", "values", "raw"):
        page = reader.get(reverse("records:detail", args=[project.slug, id]), {"tab": tab}).content.decode()
        assert "<img" not in page
    assert "<img" not in part(reader, project, id, of="inputs", path=json.dumps([HOSTILE])).content.decode()


def test_a_value_of_sixty_levels_and_ten_thousand_keys_opens_bounded(reader, project):
    deep: object = "end"
    for _ in range(60):
        deep = {"down": deep}
    wide = {f"key {n}": {"a": n, "b": [n]} for n in range(10_000)}
    id = ingest(project, [RecordDraft("v", Source.API, START, inputs=deep, outputs=wide)], "ci").ids[0]
    page = reader.get(reverse("records:detail", args=[project.slug, id]), {"tab": "values"}).content.decode()
    assert len(page) < 300_000 and "more of 10,000" in page


@pytest.mark.parametrize("tab", ["values", "scores", "raw"])
def test_a_tab_reads_only_what_it_shows(reader, project, ids, query_budget, tab):
    with query_budget(f"records:detail, {tab}"):
        reader.get(reverse("records:detail", args=[project.slug, ids[0]]), {"tab": tab})

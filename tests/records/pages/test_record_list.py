from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source
from tests import factories

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def sent(project, count: int = 3, **fields: object) -> None:
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, START + timedelta(minutes=n), inputs={"question": f"Question {n}?"},
            outputs=f"Answer {n}.",
            **({"model": "gpt-4o"} | fields),
        )
        for n in range(count)
    ]  # fmt: skip
    for start in range(0, count, 1000):
        ingest(project, drafts[start : start + 1000], "ci")


def listed(client, project, fragment: bool = False, **query: str):
    headers = {"HX-Request": "true"} if fragment else {}
    return client.get(reverse("records:list", args=[project.slug]), query, headers=headers)


def test_records_are_listed_newest_first_with_what_went_in_and_out(reader, project):
    sent(project)
    page = listed(reader, project).content.decode()
    assert page.index("Question 2?") < page.index("Question 1?") < page.index("Question 0?")
    assert "Answer 2." in page and "gpt-4o" in page


def test_the_fragment_is_what_the_page_includes(reader, project):
    sent(project)
    page, fragment = listed(reader, project), listed(reader, project, fragment=True)
    assert "<html" in page.content.decode() and "<html" not in fragment.content.decode()
    assert "Question 2?" in fragment.content.decode()
    assert "HX-Request" in page["Vary"] and "HX-Request" in fragment["Vary"]


def test_a_filter_narrows_the_list_and_is_said_in_words(reader, project):
    sent(project)
    page = listed(reader, project, q="inputs.question:'Question 1?'").content.decode()
    assert "Answer 1." in page and "Answer 2." not in page
    assert "where inputs.question is “Question 1?”" in page


def test_a_filter_that_cannot_be_read_shows_its_place_and_no_rows(reader, project):
    sent(project)
    answer = listed(reader, project, q="model:gpt modle:x")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "did you mean &#x27;model&#x27;" in page and "<mark>modle</mark>" in page
    assert "Question" not in page


def test_a_value_its_field_does_not_take_is_an_error_too(reader, project):
    sent(project)
    assert listed(reader, project, q="latency:fast").status_code == 422


def test_an_unknown_sort_fails_closed(reader, project):
    sent(project)
    answer = listed(reader, project, sort="drop table")
    assert answer.status_code == 422 and "Question" not in answer.content.decode()


def test_each_clause_is_a_chip_that_can_be_taken_away(reader, project):
    sent(project)
    page = listed(reader, project, q="model:gpt-4o source:api").content.decode()
    assert 'href="?q=source%3Aapi"' in page and 'href="?q=model%3Agpt-4o"' in page


def test_pages_follow_each_other_without_a_gap_or_a_repeat(reader, project):
    sent(project, 120)
    seen, url = [], reverse("records:list", args=[project.slug])
    while url:
        context = reader.get(url).context
        seen += [row.record.external_id for row in context["table"].data]
        url = f"{reverse('records:list', args=[project.slug])}?after={context['next']}" if context["next"] else ""
    assert seen == [f"r{n}" for n in reversed(range(120))]


def test_a_damaged_page_address_is_said_and_shows_nothing(reader, project):
    sent(project)
    page = listed(reader, project, after="nonsense").content.decode()
    assert "start again from the first page" in page and "Question" not in page


def test_children_are_shown_only_when_asked_for(reader, project):
    root = RecordDraft("t:a", Source.TRACE, START, trace_id="t", span_id="a", name="the root")
    child = RecordDraft("t:b", Source.TRACE, START, trace_id="t", span_id="b", parent_id="a", name="the child")
    ingest(project, [root, child], "ci")
    columns = "name,created"
    assert "the child" not in listed(reader, project, columns=columns).content.decode()
    assert "the child" in listed(reader, project, columns=columns, spans="all").content.decode()


def test_a_link_can_carry_its_own_columns(reader, project):
    sent(project, metadata={"tier": "gold"})
    page = listed(reader, project, columns="metadata.tier,inputs.question,nonsense").content.decode()
    assert "gold" in page and "Answer 1." not in page and ">tier<" in page
    assert listed(reader, project, columns="created,inputs.a\0b,metadata.\0").status_code == 200


def test_metric_columns_show_value_and_verdict(reader, project):
    factories.metric(project, "quality")
    sent(project, 1, scores=[ScoreDraft("quality", {"numerical_value": 0.25}, reasoning="too short")])
    page = listed(reader, project).content.decode()
    assert 'class="score fail"' in page and "0.25" in page and "too short" in page


def test_what_clients_wrote_is_never_html(reader, project):
    factories.metric(project, "note", "comment")
    score = ScoreDraft("note", {"string_value": HOSTILE}, reasoning=HOSTILE)
    everywhere = {
        "model": HOSTILE,
        "tags": [HOSTILE],
        "name": HOSTILE,
        "metadata": {HOSTILE: HOSTILE},
        "scores": [score],
    }
    sent(project, 1, **everywhere)
    columns = f"inputs,outputs,model,tags,name,metric.note,metadata.{HOSTILE}"
    page = listed(reader, project, columns=columns, q=f'model:"{HOSTILE}"').content.decode()
    assert "<script>alert" not in page and escape(HOSTILE, quote=False).split("(")[0] in page


def test_a_project_without_records_says_how_to_send_one(reader, project):
    page = listed(reader, project).content.decode()
    assert "Send the first record" in page and "/api/v1/records" in page


def test_a_filter_that_finds_nothing_offers_to_take_a_clause_away(reader, project):
    sent(project)
    page = listed(reader, project, q="model:claude*").content.decode()
    assert "No records where model starts with claude" in page and "without “model starts with claude”" in page


def test_other_projects_records_are_never_shown(reader, project):
    other = factories.project()
    sent(other)
    assert "Question" not in listed(reader, project).content.decode()


def test_the_count_is_exact_where_the_roll_up_knows(reader, project):
    sent(project, 3)
    url = reverse("records:count", args=[project.slug])
    assert "3 records" in reader.get(url).content.decode()
    assert "1 record" in reader.get(url, {"q": "inputs.question:'Question 1?'"}).content.decode()


def test_the_history_links_each_bar_to_its_records(reader, project):
    sent(project, 3)
    url = reverse("records:history", args=[project.slug])
    page = reader.get(url, {"q": "model:gpt-4o"}).content.decode()
    assert "Records by" in page and page.count("model%3Agpt-4o+created") >= 3


def test_facets_set_a_clause_and_replace_the_one_they_set(reader, project):
    sent(project)
    context = listed(reader, project, q="source:api model:gpt-4o").context
    facet = next(facet for facet in context["facets"] if facet["key"] == "source")
    assert facet["label"] == "API" and facet["on"]
    assert '?q=model%3Agpt-4o+source%3Atrace" hx-target="#results"' in facet["links"]

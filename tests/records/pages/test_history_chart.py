"""The history chart: what it offers to stack by, the figure for plotly, the table that says the same, and its links."""

import json
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source, ValueType
from tests import factories

START = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def sent(project, minutes: range = range(0, 60, 10)) -> None:
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, START + timedelta(minutes=n), model="x",
            scores=[ScoreDraft("quality", {"numerical_value": 0.1 if n % 20 else 0.9})],
        )
        for n in minutes
    ]  # fmt: skip
    ingest(project, drafts, "ci")


def chart(client, project, **query: str):
    answer = client.get(reverse("records:history", args=[project.slug]), query)
    assert answer.status_code == 200
    return answer


def figure(answer) -> dict:
    page = answer.content.decode()
    return json.loads(unescape(page.split("<template>")[1].split("</template>")[0]))


def test_the_bars_are_stacked_by_status_source_or_a_metric_that_can_fail(reader, project):
    factories.metric(project, "quality")
    factories.metric(project, "note", ValueType.COMMENT)
    sent(project)
    offered = chart(reader, project).context["stacks"]
    assert [stack.key for stack, _ in offered] == ["status", "source", "metric.quality"]
    assert [href.partition("?")[2] for _, href in offered] == ["by=status", "by=source", "by=metric.quality"]
    drawn = figure(chart(reader, project, by="metric.quality"))
    assert [(trace["name"], sum(trace["y"])) for trace in drawn["data"] if trace["name"]] == [("fail", 3), ("pass", 3)]


def test_what_cannot_be_stacked_by_is_status(reader, project):
    sent(project)
    assert chart(reader, project, by="metric.gone").context["by"].key == "status"
    assert chart(reader, project, by="1; DROP TABLE record").context["by"].key == "status"


def test_the_list_keeps_what_its_chart_is_stacked_by(reader, project):
    sent(project)
    answer = reader.get(reverse("records:list", args=[project.slug]), {"by": "source", "q": "model:x"})
    page = unescape(answer.content.decode())
    assert "/records/history?q=model%3Ax&by=source" in page
    assert answer.context["chips"][0]["without"] == "?by=source"


def test_a_gap_is_a_bar_without_height_in_the_figure_and_no_row_of_the_table(reader, project):
    sent(project, range(0, 60, 10))
    answer = chart(reader, project)
    trace = figure(answer)["data"][0]
    assert len(trace["y"]) > 50 and trace["y"].count(1) == 6 and trace["y"].count(0) == len(trace["y"]) - 6
    assert [(bar.when, counts) for bar, counts in answer.context["rows"]][:2] == [
        ("Mon 01 Jun 09:50", [1]), ("Mon 01 Jun 09:40", [1]),
    ]  # fmt: skip


def test_a_bar_leads_to_its_time_and_keeps_sort_columns_and_stack(reader, project):
    sent(project)
    answer = chart(reader, project, q="model:x created:>2026-01-01", sort="-cost", columns="name", by="source")
    href = answer.context["rows"][-1][0].href
    query = parse_qs(urlsplit(href).query)
    assert query == {
        "q": ['model:x created >= "2026-06-01T09:00Z" created < "2026-06-01T09:01Z"'],
        "sort": ["-cost"], "columns": ["name"], "by": ["source"],
    }  # fmt: skip
    assert len(reader.get(href).context["table"].data) == 1


def test_a_range_leads_to_its_time(reader, project):
    sent(project)
    url = reverse("records:within", args=[project.slug])
    start = int(START.timestamp())
    asked = {"q": "model:x created:>-7d", "by": "source", "start": start, "end": start + 1800}
    answer = reader.get(url, asked)
    query = parse_qs(urlsplit(answer.url).query)
    assert query["q"] == ['model:x created >= "2026-06-01T09:00Z" created < "2026-06-01T09:30Z"']
    assert query["by"] == ["source"]
    assert len(reader.get(answer.url).context["table"].data) == 3


@pytest.mark.parametrize("start", ["", "x", "9" * 30, "1e3", "1", "2"])
def test_a_range_that_is_none_is_refused(reader, project, start):
    answer = reader.get(reverse("records:within", args=[project.slug]), {"start": start, "end": "1"})
    assert answer.status_code == 400 and "Unix seconds" in answer.content.decode()


def test_nothing_is_drawn_beyond_the_end_that_the_filter_sets(reader, project):
    sent(project)
    bars = (
        chart(reader, project, q='created >= "2026-06-01T09:00Z" created < "2026-06-01T09:30Z"').context["chart"].bars
    )
    assert (bars[0].start, bars[-1].start) == (START, START + timedelta(minutes=29))


def test_a_metric_that_scored_nothing_says_so_and_can_be_left_again(reader, project):
    factories.metric(project, "other")
    factories.metric(project, "quality")
    sent(project)
    page = chart(reader, project, by="metric.other").content.decode()
    assert "None of these records has a score of Other." in page and "by=status" in page


def test_names_are_shown_as_they_are_written(reader, project):
    factories.metric(project, "quality").__class__.objects.filter(project=project).update(name="</template><b>x")
    sent(project)
    assert "</template><b>" not in chart(reader, project, by="metric.quality").content.decode()

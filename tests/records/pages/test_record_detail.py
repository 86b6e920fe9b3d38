from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import ScoreSource, Source
from records.scores import NewScore, add_scores
from records.values import read_value
from tests import factories

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def opened(client, project, id, **query: object) -> str:
    answer = client.get(reverse("records:detail", args=[project.slug, id]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def spans(count: int) -> list[RecordDraft]:
    return [
        RecordDraft(
            f"t:{n}", Source.TRACE, START + timedelta(milliseconds=n), trace_id="t", span_id=str(n),
            parent_id="0" if n else "", name=f"span number {n}", kind="llm", latency_ms=5, model="gpt-4o", tokens_in=10,
            tokens_out=1,
        )
        for n in range(count)
    ]  # fmt: skip


def test_a_test_case_shows_expected_against_output_with_what_differs(reader, project):
    draft = RecordDraft(
        "a", Source.API, START, inputs={"q": "2+2?"}, outputs="It is 5.", expected="It is 4.", case_id="c1"
    )
    page = opened(reader, project, ingest(project, [draft], "ci").ids[0])
    assert "Test case" in page and "case c1" in page
    assert "<del>4</del><ins>5</ins>" in page


def test_a_trace_shows_its_spans_as_a_waterfall_and_its_models(reader, project):
    page = opened(reader, project, ingest(project, spans(3), "ci").ids[0])
    assert page.count("span number") >= 3 and "Model usage" in page and ">30<" in page


def test_a_child_leads_to_its_trace(reader, project):
    ids = ingest(project, spans(2), "ci").ids
    assert reverse("records:detail", args=[project.slug, ids[0]]) in opened(reader, project, ids[1])


def test_scores_show_reasoning_and_every_attempt(reader, project):
    metric = factories.metric(project, "quality")
    draft = RecordDraft(
        "a", Source.API, START, inputs=1, scores=[ScoreDraft("quality", {"numerical_value": 0.9}, "fine")]
    )
    id = ingest(project, [draft], "ci").ids[0]
    value = read_value(metric, {"numerical_value": 0.1})
    add_scores(project.id, [NewScore(id, metric, value, ScoreSource.HUMAN, sender="ina", scorer="ina", reasoning="no")])
    page = opened(reader, project, id)
    assert "0.10, ina" in page and "0.90, ci" in page and "by a person" in page and "0 of 1 pass" in page


def test_a_conversation_reads_as_one(reader, project):
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my parcel?"}]
    page = opened(reader, project, ingest(project, [RecordDraft("a", Source.API, START, inputs=said)], "ci").ids[0])
    assert '<ol class="talk">' in page and "Where is my parcel?" in page


def test_what_a_model_wrote_is_never_html(reader, project):
    draft = RecordDraft(
        "a", Source.API, START, inputs=[{"role": "user", "content": HOSTILE}], outputs={HOSTILE: HOSTILE}, name=HOSTILE,
        error=HOSTILE, tags=[HOSTILE], metadata={HOSTILE: HOSTILE}, thread=f'"{HOSTILE}', expected=HOSTILE,
    )  # fmt: skip
    assert "<img" not in opened(reader, project, ingest(project, [draft], "ci").ids[0])


def test_a_record_of_another_project_is_not_found(reader, project):
    id = ingest(factories.project(), [RecordDraft("a", Source.API, START, inputs=1)], "ci").ids[0]
    assert reader.get(reverse("records:detail", args=[project.slug, id])).status_code == 404


def test_a_huge_value_is_cut_on_the_page(reader, project):
    draft = RecordDraft("a", Source.API, START, inputs="x" * 2_000_000)
    page = opened(reader, project, ingest(project, [draft], "ci").ids[0])
    assert len(page) < 400_000 and "the API has the whole value" in page

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source, ValueType
from tests import factories

LONG = "A long question about refunds. " * 20
COLUMNS = (
    "id,created,created_by,name,kind,source,status,model,provider,tags,latency,ttft,tokens,cost,error,inputs,outputs,"
    "inputs.question,inputs.long,metadata.tier,metadata.n,metadata.ok,metadata.none,metric.quality,metric.tone,metric.safe"
)


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


@pytest.fixture
def filled(project):
    factories.metric(project, "quality")
    factories.metric(project, "safe", ValueType.BOOLEAN, passing_value=True)
    factories.metric(
        project, "tone", ValueType.CATEGORICAL,
        categorical_choices=[{"value": "very kind", "label": "Very kind"}, {"value": "rude", "label": "Rude"}],
        passing_choices=["very kind"],
    )  # fmt: skip
    scores = [
        ScoreDraft("quality", {"numerical_value": 0.3}),
        ScoreDraft("safe", {"boolean_value": True}),
        ScoreDraft("tone", {"categorical_value": ["very kind"]}),
    ]
    draft = RecordDraft(
        "a", Source.API, datetime(2026, 6, 1, 23, tzinfo=UTC), inputs={"question": 'Say "hi"?', "long": LONG},
        outputs="Hello (you).", model="a b", name="<b>", tags=["two words", "ci"], latency_ms=1250,
        cost="0.000012", metadata={"tier": "gold", "n": 3, "ok": True}, scores=scores,
    )  # fmt: skip
    return ingest(project, [draft], "ci").ids[0]


def choices(client, project, id, **query: str):
    answer = client.get(reverse("records:cell-filters", args=[project.slug, id]), {"columns": COLUMNS} | query)
    assert answer.status_code == 200
    return answer.context["choices"]


def test_every_condition_finds_the_record_and_its_opposite_does_not(reader, project, filled):
    found = choices(reader, project, filled)
    assert len(found) >= 25
    list_url = reverse("records:list", args=[project.slug])
    for words, kept, without in found:
        assert f'data-id="{filled}"' in reader.get(list_url + kept).content.decode(), words
        page = reader.get(list_url + without)
        assert page.status_code == 200 and f'data-id="{filled}"' not in page.content.decode(), words


def test_verdicts_and_short_values_come_before_numbers_and_long_texts(reader, project, filled):
    words = [words for words, _, _ in choices(reader, project, filled)]
    assert words[0].startswith("metric ") and words[0].endswith(("fails", "passes"))
    model, tier = words.index("model is “a b”"), next(n for n, said in enumerate(words) if "tier" in said)
    number = next(n for n, said in enumerate(words) if said.startswith("latency"))
    text = next(n for n, said in enumerate(words) if "A long question" in said)
    assert model < tier < number < text


def test_a_cell_offers_its_own_value_alone_and_keeps_the_filter(reader, project, filled):
    cell = COLUMNS.split(",").index("model")
    ((words, kept, without),) = choices(reader, project, filled, cell=str(cell), q="status:completed", spans="all")
    assert words == "model is “a b”"
    assert kept.startswith("?q=status%3Acompleted+model%3A%22a+b%22&spans=all&columns=")
    assert "model+%21%3D+%22a+b%22" in without or "NOT" in without


def test_a_cell_beyond_the_table_and_an_unreadable_filter_offer_nothing(reader, project, filled):
    assert choices(reader, project, filled, cell="99") == []
    answer = reader.get(reverse("records:cell-filters", args=[project.slug, filled]), {"q": "modle:x"})
    assert answer.status_code == 422


def test_another_projects_record_is_not_there(reader, project):
    other = factories.record(factories.project())
    assert reader.get(reverse("records:cell-filters", args=[project.slug, other.id])).status_code == 404

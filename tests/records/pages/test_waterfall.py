"""The spans of a trace on a record's page: drawn whole up to a thousand, branch by branch beyond."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Record, Score, Source
from records.span_tree import FIRST_ROWS, GROUP_ROWS
from tests import factories
from tests.records.pages.test_record_detail import HOSTILE, START, opened, spans

LINE = re.compile(r'class="line ')


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


def span(id: str, parent: str = "", at: float = 0, took: int | None = 100, **fields) -> RecordDraft:
    return RecordDraft(
        f"t:{id}", Source.TRACE, START + timedelta(seconds=at), trace_id="t", span_id=id, parent_id=parent,
        latency_ms=took, **({"name": id, "kind": "tool"} | fields),
    )  # fmt: skip


def sent(project, drafts) -> list:
    ids = []
    for start in range(0, len(drafts), 1000):
        ids += ingest(project, drafts[start : start + 1000], "ci").ids
    return ids


def branch(client, project, id, **query) -> str:
    answer = client.get(reverse("records:spans", args=[project.slug, id]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_bars_lie_on_the_traces_own_scale(reader, project):
    page = opened(reader, project, sent(project, [span("a", took=2000), span("b", "a", 1, 500)])[0])
    assert 'x="0.00%" y="4" width="100.00%"' in page and 'x="50.00%" y="4" width="25.00%"' in page


def test_children_stand_inside_their_parent(reader, project):
    page = opened(reader, project, sent(project, [span("a"), span("b", "a", 1), span("c", "b", 2)])[0])
    assert re.search(r'class="line l0 k-tool".*<details open>.*class="line l1 .*<details open>.*class="line l2 ', page)


def test_a_thousand_spans_are_drawn_at_once(reader, project):
    id = sent(project, spans(1000))[0]
    page = opened(reader, project, id)
    assert len(LINE.findall(page)) == 1000 and "more of" not in page


def test_ten_thousand_open_with_a_bounded_answer_and_the_rest_by_branches(reader, project):
    drafts = [span("root", took=10_000)]
    for g in range(100):
        drafts.append(span(f"g{g}", "root", g / 10))
        drafts += [span(f"g{g}.{n}", f"g{g}", g / 10 + n / 10_000) for n in range(99)]
    ids = sent(project, drafts)
    page = opened(reader, project, ids[0])
    assert 101 <= len(LINE.findall(page)) <= FIRST_ROWS and len(page) < 400_000
    assert ">10,001<" in page and page.count('hx-trigger="toggle once"') > 90
    last_group = Record.objects.get(project=project, external_id="t:g99").id
    assert f"under={last_group}" in page
    lines = branch(reader, project, ids[0], under=str(last_group))
    assert len(LINE.findall(lines)) == 99 and "g99.98" in lines and 'class="line l2 ' in lines


def test_a_branch_of_thousands_comes_in_pieces_without_a_gap(reader, project):
    ids = sent(project, [span("root")] + [span(f"c{n}", "root", n / 1000) for n in range(1500)])
    page = opened(reader, project, ids[0])
    root, seen, start = ids[0], set(), 0
    assert len(LINE.findall(page)) == 1 + GROUP_ROWS and "200 more of 1,300" in page
    while True:
        lines = branch(reader, project, ids[0], under=str(root), **{"from": start})
        seen |= set(re.findall(r"<span>(c\d+)</span>", lines))
        if "more of" not in lines:
            break
        start += GROUP_ROWS
    assert len(seen) == 1500


def test_the_span_that_the_page_is_of_is_marked_and_in_sight(reader, project):
    drafts = [span("root")]
    for g in range(50):
        drafts.append(span(f"g{g}", "root", g))
        drafts += [span(f"g{g}.{n}", f"g{g}", g + n / 1000) for n in range(40)]
    sent(project, drafts)
    id = Record.objects.get(project=project, external_id="t:g49.39").id
    page = opened(reader, project, id)
    assert re.search(rf'aria-current="true"><a class="name" href="[^"]*{id}/"', page)


def test_evaluators_stand_below_the_span_they_judged(reader, project):
    factories.metric(project, "grounded")
    judged = ScoreDraft("grounded", {"numerical_value": 0.2}, "made up")
    ids = sent(project, [span("a"), span("b", "a", 1, scores=[judged]), span("c", "a", 2)])
    Score.objects.filter(project=project).update(evaluator="grounding_judge", duration_ms=50)
    page = opened(reader, project, ids[0])
    assert page.index(">b</span>") < page.index("evaluator.grounding_judge") < page.index(">c</span>")
    assert 'class="line l2 k-eval' in page and f"{ids[1]}/scores/" in page


def test_names_and_errors_in_the_tree_are_text(reader, project):
    page = opened(reader, project, sent(project, [span("a"), span("b", "a", 1, name=HOSTILE, error=HOSTILE)])[0])
    assert "<img" not in page and "&lt;img" in page


@pytest.mark.parametrize("query", [{"under": "x"}, {"under": "01890000-0000-7000-8000-000000000000"}])
def test_a_branch_of_no_span_is_not_found(reader, project, query):
    id = sent(project, [span("a")])[0]
    assert reader.get(reverse("records:spans", args=[project.slug, id]), query).status_code == 404


def test_a_span_is_shown_beside_the_tree_with_what_went_in_and_out(reader, project):
    ids = sent(project, [span("a"), span("b", "a", 1, inputs={"order": 7}, outputs="shipped")])
    url = reverse("records:span", args=[project.slug, ids[1]])
    fragment = reader.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "order" in fragment and "shipped" in fragment and "<html" not in fragment
    assert reader.get(url).url == reverse("records:detail", args=[project.slug, ids[1]])


def test_model_usage_sums_the_trace_and_names_its_judges(reader, project):
    factories.metric(project, "grounded")
    drafts = [
        span(str(n), "0" if n else "", n, model="gpt-4o", tokens_in=1000, tokens_out=10, kind="llm") for n in range(3)
    ]
    drafts[1].scores = [ScoreDraft("grounded", {"numerical_value": 0.2})]
    id = sent(project, drafts)[0]
    Score.objects.filter(project=project).update(source=1, scorer="judge-model", tokens=4321)
    page = opened(reader, project, id)
    assert ">3,000<" in page and "judge judge-model" in page and "4,321 in and out" in page

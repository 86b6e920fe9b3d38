"""The pages that compare: chosen, judged, sliced, and a case side by side; and an experiment's results."""

import csv
import json
import re
from html import unescape

import pytest
from django.urls import reverse

from evalhub.models import AuditEvent, Role
from experiments.gate.judging import judge
from experiments.models import ExperimentRow
from experiments.running.listing import listed
from records.deletion import delete_records
from records.models import Metric, ValueType
from records.retention import forget_payloads
from tests import factories
from tests.experiments import made

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def correct(project) -> Metric:
    return made.boolean(project)


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project, Role.VIEWER))
    return client


@pytest.fixture
def two(project, correct):
    """Forty cases of which ten got worse and one got better; outputs that would like to be markup."""
    cases = made.dataset(project, size=40)
    before, after = made.flipping(correct, 40, lost=10, won=1)
    metadata = {case: {"topic": "refunds" if i < 20 else HOSTILE} for i, case in enumerate(before)}
    base = made.experiment(
        project, "base", before, of=cases, metadata=metadata, outputs=dict.fromkeys(before, "You get it back today.")
    )
    new = made.experiment(
        project, "new", after, of=cases, metadata=metadata, outputs=dict.fromkeys(before, f"You get {HOSTILE} back."),
        baseline=base,
    )  # fmt: skip
    return base, new


def get(client, project, name: str, *args: str, status: int = 200, htmx: bool = False, **query: object) -> str:
    headers = {"HX-Request": "true"} if htmx else {}
    response = client.get(reverse(f"experiments:{name}", args=[project.slug, *args]), query, headers=headers)
    assert response.status_code == status, response.content[:500]
    assert HOSTILE not in response.content.decode()
    return response.content.decode()


def figures(page: str) -> list[dict]:
    return [json.loads(unescape(text)) for text in re.findall(r"<template>(.*?)</template>", page, re.DOTALL)]


def test_without_two_experiments_there_is_a_choice(reader, project, two):
    page = get(reader, project, "compare")
    assert page.index('value="new"') < page.index('value="base"')  # the newest first
    url = reverse("experiments:compare", args=[project.slug])
    assert "new against base" in reader.get(f"{url}?ids=new&ids=base").content.decode()  # as ticked: by who is whose
    assert "base against new" in reader.get(f"{url}?ids=new,base").content.decode()  # as said
    assert "checked" in get(reader, project, "compare", ids="base")
    assert "There is no experiment" in get(reader, project, "compare", ids="base,none", status=400)
    assert "At most 5" in get(reader, project, "compare", ids="a,b,c,d,e,f", status=400)


def test_with_none_at_all_it_says_what_an_experiment_is(reader, project):
    assert "Nothing to compare yet" in get(reader, project, "compare")


def test_the_page_comes_at_once_and_asks_for_the_rest(reader, project, two, query_budget):
    with query_budget("compare two experiments, the page"):
        page = get(reader, project, "compare", ids="base,new")
    assert "new against base" in page and "compare/numbers?ids=base%2Cnew" in page


def test_verdicts_flips_and_regressions_first(reader, project, two, query_budget):
    with query_budget("compare two experiments, their numbers"):
        page = get(reader, project, "compare-numbers", ids="base,new")
    assert 'class="badge fail"' in page and "worse" in page and "-22.5 points" in page
    assert 'Regressions <span class="n">10</span>' in page and 'Improvements <span class="n">1</span>' in page
    cases = page[page.index('id="cases"') :]
    assert cases.index("case-000") < cases.index("case-009") and "case-010" not in cases
    assert "Correctness 1 → 0" in cases
    assert "compare/case?ids=base%2Cnew&amp;case=case-000" in page  # the first regression opens by itself


def test_charts_are_figures_that_say_in_words_what_they_show(reader, project, two):
    differences, scatter = figures(get(reader, project, "compare-numbers", ids="base,new"))
    assert [trace["meta"] for trace in differences["data"]] == ["fail"]
    assert differences["data"][0]["x"] == [pytest.approx(-22.5)]
    assert {trace["name"]: len(trace["x"]) for trace in scatter["data"][1:]} == {"better": 1, "worse": 10, "equal": 29}


def test_the_address_follows_what_is_shown(reader, project, two):
    url = reverse("experiments:compare-numbers", args=[project.slug])
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/x?ids=base%2Cnew"}
    asked = {"ids": "base,new", "show": "improvements", "margin": "5"}
    answer = reader.get(url, asked, headers=headers)
    assert answer["HX-Push-Url"].endswith("/experiments/compare?ids=base%2Cnew&show=improvements&margin=5")
    assert "HX-Push-Url" not in reader.get(url, asked, headers=headers | {"HX-Trigger": "comparison"})


def test_lists_of_cases(reader, project, two):
    assert "case-010" in get(reader, project, "compare-numbers", ids="base,new", show="improvements")
    assert "case-011" in get(reader, project, "compare-numbers", ids="base,new", show="unchanged")
    assert "Every case is in both" in get(reader, project, "compare-numbers", ids="base,new", show="unmatched")


def test_what_was_chosen_stays_when_something_else_is(reader, project, two):
    chosen = {"by": "metadata.topic", "together": "split", "show": "unchanged", "metric": "correctness", "margin": "5"}
    page = get(reader, project, "compare-numbers", ids="base,new", **chosen, start="1", case="case-012")
    forms = [
        dict(re.findall(r'<input type="hidden" name="(\w+)" value="(.*?)">', part)) for part in page.split("<form")
    ]
    everything = chosen | {"ids": "base,new"}
    assert forms[1] == {name: everything[name] for name in ("ids", "metric", "by", "show")}
    assert forms[2] == {name: everything[name] for name in ("ids", "metric", "together", "show", "margin")}


def test_slices_and_groups(reader, project, two):
    page = get(reader, project, "compare-numbers", ids="base,new", by="metadata.topic")
    assert "refunds" in page and "&lt;script&gt;" in page
    grouped = get(reader, project, "compare-numbers", ids="base,new", together="metadata.topic")
    assert "in 2 groups" in grouped
    none = get(reader, project, "compare-numbers", ids="base,new", together="metadata.customer")
    assert "No case has what they belong together by" in none and "groups</span>" not in none


@pytest.mark.parametrize("query", [{}, {"ids": "base"}, {"ids": "base,new", "margin": "many"},
                                   {"ids": "base,new", "by": "topic"}, {"ids": "base,new", "show": "all"},
                                   {"ids": "base,new", "versus": "4"}, {"ids": "base,new", "start": "-1"},
                                   {"ids": "base\0,new"}, {"ids": "base,new", "case": "\0"},
                                   {"ids": "base,new", "by": "metadata.\0"},
                                   {"ids": "base,new", "together": "metadata.\0"},
                                   {"ids": "base,new", "together": "tags"}])  # fmt: skip
def test_what_cannot_be_asked_is_refused(reader, project, two, query):
    get(reader, project, "compare-numbers", status=400, **query)


def test_a_margin_too_small_for_a_number_is_none(reader, project, two):
    assert get(reader, project, "compare-numbers", ids="base,new", margin="1e-323").count('value="0"') == 2


def exported(reader, project, kind: str, **query: str) -> str:
    url = reverse("experiments:compare-export", args=[project.slug], query=query)
    answer = reader.post(url, {"format": kind})
    assert answer.status_code == 200 and answer["Content-Disposition"].endswith(f'"base-compared.{kind}"')
    return answer.getvalue().decode()


def test_every_case_is_exported_with_outputs_scores_and_changes(reader, project, correct, two, monkeypatch):
    monkeypatch.setattr("experiments.comparison.exporting.BATCH", 7)
    tone = factories.metric(project, "tone", "numerical")
    third = {f"case-{i:03}": {correct: [True, False], tone: 0.45} for i in range(39)} | {"=1+1": {correct: True}}
    made.experiment(project, "third", third, outputs={"case-000": "=HYPERLINK(1)"})
    rows = [json.loads(line) for line in exported(reader, project, "jsonl", ids="base,new,third").splitlines()]
    assert len(rows) == 41 and [row["case_id"] for row in rows[-2:]] == ["case-039", "=1+1"]
    base, new, last = rows[0]["experiments"]
    assert (base["scores"], new["scores"]) == ({"correctness": 1.0}, {"correctness": 0.0})
    assert base["changes"] == {} and new["changes"] == {"correctness": -1.0}
    assert last["changes"] == {"correctness": -0.5} and (last["scores"]["tone"], last["values"]) == (0, {"tone": 0.45})
    assert [run["output"] for run in last["runs"]] == ["=HYPERLINK(1)"] * 2 and new["took"]["latency"] > 0.9
    assert rows[0]["inputs"] == {"question": "case-000"} and HOSTILE in new["runs"][0]["output"]
    assert rows[-2]["experiments"][2]["runs"] == [] and rows[-1]["experiments"][0]["case_id"] is None

    head, *lines = csv.reader(exported(reader, project, "csv", ids="base,new,third").splitlines())
    first, alone = dict(zip(head, lines[0], strict=True)), dict(zip(head, lines[-1], strict=True))
    assert first["new.correctness"] == "0" and first["new.correctness.change"] == "-1"
    assert first["third.correctness.change"] == "-0.5" and (first["third.tone"], first["third.tone.value"]) == (
        "0",
        "0.45",
    )
    assert "base.correctness.change" not in head and first["third.tone.change"] == ""
    assert alone["case_id"] == "'=1+1" and alone["base.output"] == "" and len(json.loads(alone["third.output"])) == 2


def test_an_export_holds_no_formula_is_noted_and_refuses_what_cannot_be_asked(reader, project, correct):
    values = {f"c{i}": {correct: True} for i in range(2)}
    for slug in ("base", "new"):
        made.experiment(project, slug, values, outputs={"c0": "=cmd()"})
    _, line, _ = csv.reader(exported(reader, project, "csv", ids="base,new").splitlines())
    assert line.count("'=cmd()") == 2 and "=cmd()" not in line
    assert AuditEvent.objects.get(action="comparison.export").detail == {"format": "csv", "ids": "base,new"}
    for query, kind in (({"ids": "base"}, "csv"), ({"ids": "base,none"}, "csv"), ({"ids": "base,new"}, "xls")):
        url = reverse("experiments:compare-export", args=[project.slug], query=query)
        assert reader.post(url, {"format": kind}).status_code == 400


def test_a_case_side_by_side(reader, project, two, query_budget):
    with query_budget("compare one case"):
        page = get(reader, project, "compare-case", ids="base,new", case="case-000")
    assert "You get it back today." in page and "<del>it</del>" in page and "&lt;" in page
    assert "It is True." in page and "It is False." in page
    get(reader, project, "compare-case", ids="base,new", case="case-999", status=400)


def test_what_is_no_longer_kept_of_a_case_is_said(reader, project, two):
    rows = list(ExperimentRow.objects.filter(experiment__in=two, case_id="case-000").order_by("experiment_id"))
    base, new = (row.record_id for row in rows)
    rows[0].begins = None
    assert not listed(two[0], [rows[0]])[0].expired
    forget_payloads(project.id, [base])
    assert listed(two[0], [rows[0]])[0].expired
    delete_records(project.id, [new])
    page = get(reader, project, "compare-case", ids="base,new", case="case-000")
    assert "Its inputs and outputs are no longer kept." in page and "The record is no longer kept." in page


def test_a_case_of_another_id_is_found_by_its_inputs(reader, project, correct):
    made.experiment(project, "base", {"a": {correct: True}}, inputs={"a": 1}, outputs={"a": "first"})
    made.experiment(project, "new", {"b": {correct: True}}, inputs={"b": 1}, outputs={"b": "second"})
    page = get(reader, project, "compare-case", ids="base,new", case="a")
    assert "first" in page and "second" in page and "no such case" not in page


def test_a_case_in_three_epochs_shows_the_one_asked_for(reader, project, correct):
    made.experiment(project, "base", {"a": {correct: [True, False]}})
    made.experiment(project, "new", {"a": {correct: [False, False]}})
    page = get(reader, project, "compare-case", ids="base,new", case="a", epoch="2")
    assert "epoch 2" in page and "It is True." not in page


def test_five_experiments_against_the_first(reader, project, correct):
    before, after = made.flipping(correct, 20, lost=2)
    for slug in ("a", "b", "c", "d", "e"):
        made.experiment(project, slug, before if slug < "d" else after)
    page = get(reader, project, "compare-numbers", ids="a,b,c,d,e", versus="3")
    assert page.count("pass rate</span>") == 4 and '<span class="n">2</span>' in page
    assert get(reader, project, "compare-case", ids="a,b,c,d,e", case="case-000").count("<h3>") == 5


def test_results_of_one_experiment(reader, project, two, correct, query_budget):
    base, new = two
    judge(new, base, ["correctness:margin=0.02"], "ina")
    with query_budget("an experiment's results"):
        page = get(reader, project, "results", "new")
    assert "75 % (60 % to 86 %), 30 of 40" in page and "correctness-judge v1" in page
    assert 'aria-label="no: 10; yes: 30"' in page
    assert "Gates" in page and "correctness:margin=0.02" in page and "fails" in page
    sliced = get(reader, project, "results", "new", by="metadata.topic")
    assert "10 of 20" in sliced and "20 of 20" in sliced and "&lt;script&gt;" in sliced
    for by in ("topic", "metadata.\0"):
        get(reader, project, "results", "new", by=by, status=400)
    get(reader, project, "results", "new", set="7", status=400)
    get(reader, project, "results", "none", status=404)


def test_a_second_set_is_shown_beside_the_first(reader, project, correct):
    before, _ = made.flipping(correct, 20)
    one = made.experiment(project, "a", before)
    made.add_set(one, [made.version(correct, 2)], number=2)
    made.score(one, {case: {correct: False} for case in before}, set_number=2)
    assert "20 of 20" in get(reader, project, "results", "a")
    second = get(reader, project, "results", "a", set="2")
    assert "0 of 20" in second and "correctness-judge v2" in second


def test_what_is_chosen_of_the_results_stands_in_the_pages_address(reader, project, two):
    url = reverse("experiments:results", args=[project.slug, "new"])
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/x?state=scored&by=tags"}
    answer = reader.get(url, {"by": "metadata.topic", "set": "1"}, headers=headers)
    assert answer["HX-Push-Url"].endswith("/experiments/new/?state=scored&by=metadata.topic")
    by_itself = reader.get(url, {"by": "tags"}, headers=headers | {"HX-Trigger": "results-of-experiment"})
    assert "HX-Push-Url" not in by_itself


def test_an_experiment_without_scores_or_rows_says_so(reader, project, correct):
    made.experiment(project, "a", {})
    assert "no evaluators" in get(reader, project, "results", "a")
    made.experiment(project, "b", {"x": {correct: None}})
    assert "no values yet" in get(reader, project, "results", "b")


def test_over_the_experiments_of_a_dataset(reader, project, two, query_budget):
    with query_budget("a dataset's trend and planner"):
        page = get(reader, project, "dataset-trend", "cases")
    (figure,) = figures(page)
    assert figure["data"][0]["y"] == [pytest.approx(39 / 40), pytest.approx(30 / 40)]
    assert figure["data"][1]["x"] == [0] and "baseline base" in page  # the one that the newer names
    assert "40 cases this set can see" in page and "about" in page and "points" in page
    assert "4.5 points" in get(reader, project, "dataset-trend", "cases", see="4.5")
    for see in ("-1", "1e-300", "nan", "101"):
        get(reader, project, "dataset-trend", "cases", see=see, status=400)
    get(reader, project, "dataset-trend", "cases", metric="none", status=400)


def test_epochs_tell_what_repeating_saves(reader, project, correct):
    cases = made.dataset(project, size=60)
    values = {f"c{i:02}": {correct: [(i + e) % 3 > 0 for e in range(3)]} for i in range(60)}
    made.experiment(project, "one", values, of=cases)
    assert "epochs of" in get(reader, project, "dataset-trend", "cases")


def test_a_boolean_without_a_pass_condition_is_a_share_in_the_trend_and_the_plan(reader, project):
    known = factories.metric(project, "answerable", ValueType.BOOLEAN, passing_value=None)
    cases = made.dataset(project, size=10)
    made.experiment(project, "one", {f"c{i:02}": {known: i % 2 == 0} for i in range(40)}, of=cases)
    page = get(reader, project, "dataset-trend", "cases", see="3")
    assert "3 points" in page and "50 % (35 % to 65 %), 20 of 40" in page
    assert "It has 10 cases now, too few for a difference." in page and "this set can see" not in page


def test_a_dataset_that_nothing_ran_on_says_so(reader, project):
    made.dataset(project)
    assert "is over yet" in get(reader, project, "dataset-trend", "cases")

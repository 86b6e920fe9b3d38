"""A count is what reading everything counts, or says that it is less."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from evalhub.models import Project
from records.drafts import RecordDraft, ScoreDraft
from records.filterlang import MetricInfo, Vocabulary
from records.ingest import ingest
from records.models import RecordSample, Source
from records.search import Count, count
from records.search.count import rollup_of
from records.vocabulary import vocabulary_of
from tests import factories
from tests.records.filterlang.rows import NOW
from tests.records.searching import FILTERS, outcome_of, search_for, stocked

counting = import_module("records.search.count")  # the package names its function alike
ROLLED = [
    ("status:(completed OR errored) source:api", lambda r: r["status"] in (2, 3) and r["source"] == 1),
    ("created:-24h status:completed", lambda r: r["created_at"] >= NOW - timedelta(hours=24) and r["status"] == 2),
    ("created:>-85h created:<-1h", lambda r: NOW - timedelta(hours=85) < r["created_at"] < NOW - timedelta(hours=1)),
    ("created <= -5h", lambda r: r["created_at"] <= NOW - timedelta(hours=5)),
    (
        "created:-700h metric.accuracy.status:pass",
        lambda r: r["created_at"] >= NOW - timedelta(hours=700) and outcome_of(r, "accuracy") == "pass",
    ),
    ("metric.tone.status:(pass OR errored)", lambda r: outcome_of(r, "tone") in ("pass", "errored")),
    ("created BETWEEN -30m AND -29m", lambda r: False),
    ("created BETWEEN -61m AND -59m", lambda r: r["created_at"] == NOW - timedelta(hours=1)),
    ("created:<-9999h", lambda r: False),
]  # fmt: skip
ALL = [*FILTERS, *ROLLED]
VOCABULARY = Vocabulary(
    {slug: MetricInfo(n, slug, slug, "numerical") for n, slug in enumerate(["accuracy", "safe", "tone"], 1)}
)


@pytest.fixture
def stock(project: Project) -> tuple[Project, list[dict[str, Any]], Any]:
    stocked(factories.project(), 30, seed=2)
    return project, *stocked(project)


@pytest.mark.parametrize("roots", [True, False])
def test_a_count_is_what_reading_everything_counts(stock: Any, roots: bool) -> None:
    project, rows, vocabulary = stock
    for text, true in ALL:
        wanted = sum(1 for r in rows if true(r) and (r["is_root"] or not roots))
        assert count(search_for(project, vocabulary, text, roots=roots), budget=60) == Count(wanted, "exact"), text


@pytest.mark.parametrize("text", [text for text, _ in ROLLED] + ["", "status:completed", "metric.accuracy.status:fail"])
def test_the_roll_ups_answer_for_time_status_source_and_one_metrics_status(text: str) -> None:
    assert rollup_of(search_for(Project(id=1), VOCABULARY, text)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "model:x", "status:completed model:x", "NOT status:completed", "status:completed OR source:api", "refund",
        "metric.accuracy.status:pass status:completed", "metric.accuracy.status:pass metric.safe.status:pass",
        "metric.accuracy.status:pending", "metric.accuracy.latest:pass", "metric.status:fail", "metric.accuracy:>0",
    ],
)  # fmt: skip
def test_the_roll_ups_do_not_answer_for_anything_else(text: str) -> None:
    assert rollup_of(search_for(Project(id=1), VOCABULARY, text)) is None


def test_a_count_stops_at_its_cap(stock: Any) -> None:
    project, rows, vocabulary = stock
    matching = sum(1 for row in rows if row["customer"])
    search = search_for(project, vocabulary, "customer:*", roots=False)
    assert count(search, cap=10, budget=60) == Count(10, "capped")
    assert count(search, cap=matching, budget=60) == Count(matching, "exact")
    assert count(search, cap=matching - 1, budget=60) == Count(matching - 1, "capped")
    assert count(search, cap=None, budget=60) == Count(matching, "exact")


def test_a_count_says_how_sure_it_is() -> None:
    said = [str(Count(12_345, kind)) for kind in ("exact", "about", "capped", "at_least")]
    assert said == ["12,345", "about 12,345", "12,345+", "at least 12,345"]


def test_a_count_that_ran_out_of_time_is_a_lower_bound(stock: Any) -> None:
    project, rows, vocabulary = stock
    found = count(search_for(project, vocabulary, "customer:*", roots=False), budget=0)
    assert found.kind == "at_least"
    assert found.n <= sum(1 for row in rows if row["customer"])


@pytest.mark.parametrize("text", ["customer:acme", "metric.quality:<0.5", "customer:acme metric.quality.status:fail"])
def test_what_is_surely_beyond_the_cap_is_told_by_the_sample(project: Project, monkeypatch: Any, text: str) -> None:
    factories.metric(project, "quality")
    scores = [ScoreDraft("quality", {"numerical_value": 0.1})]
    drafts = [RecordDraft(f"r{n}", Source.API, NOW, customer="acme", scores=scores) for n in range(1000)]
    ingest(project, drafts, "ci")
    sampled = RecordSample.objects.filter(project=project).count()
    search = search_for(project, vocabulary_of(project), text)
    assert sampled and count(search, budget=60, sample=True) == Count(1000, "exact")
    monkeypatch.setattr(counting, "MANY_SAMPLED", 1)
    about = count(search, budget=60, sample=True)
    assert about.kind == "about" and about.n == pytest.approx(sampled * 100, rel=0.05)
    monkeypatch.setattr(counting, "MANY_SAMPLED", 10**6)
    assert count(search, cap=sampled, budget=60, sample=True) == Count(sampled, "capped")
    assert count(search, cap=None, budget=60, sample=True) == Count(1000, "exact")


def test_texts_are_not_looked_for_in_the_sample_first(project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(counting, "MANY_SAMPLED", 0)
    ingest(project, [RecordDraft("r", Source.API, NOW, inputs="a refund")], "ci")
    assert count(search_for(project, vocabulary_of(project), "refund"), budget=60, sample=True) == Count(1)

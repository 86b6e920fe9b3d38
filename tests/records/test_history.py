from datetime import UTC, datetime, timedelta

import pytest

from records import history as subject
from records.drafts import RecordDraft, ScoreDraft
from records.filterlang import parse
from records.history import DAY, HOUR, floor, history, width_of
from records.ingest import ingest
from records.models import RecordSample, ScoreSample, Source
from records.search import Search, page
from records.stacks import SOURCE, STATUS, by_metric
from records.vocabulary import vocabulary_of
from tests import factories

START = datetime(2026, 6, 1, tzinfo=UTC)


def sent(project, hours: int = 48, every: int = 1) -> None:
    drafts = [
        RecordDraft(
            f"r{n}", Source.API if n % 3 else Source.KICKOFF, START + timedelta(hours=n, minutes=n % 60),
            inputs="a refund" if n % 2 else "nothing", model="a" if n % 2 else "b",
        )
        for n in range(0, hours, every)
    ]  # fmt: skip
    ingest(project, drafts, "ci")


def searched(project, q: str = "") -> Search:
    vocabulary = vocabulary_of(project)
    return Search(project.id, parse(q, vocabulary), vocabulary, START + timedelta(days=90), UTC)


def counted(found) -> dict:
    return {bucket.start: bucket.counts for bucket in found.buckets if bucket.counts}


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        (timedelta(minutes=30), 60),
        (timedelta(hours=20), 900),
        (timedelta(days=2), HOUR),
        (timedelta(days=30), 12 * HOUR),
    ],
)
def test_the_width_of_a_bucket_follows_the_range(span, seconds):
    assert width_of(span) == seconds


def test_weeks_begin_on_monday():
    assert floor(datetime(2026, 6, 4, 15, tzinfo=UTC), 7 * DAY) == datetime(2026, 6, 1, tzinfo=UTC)


def test_every_record_is_in_one_bar_and_gaps_are_bars_without_height(project):
    sent(project, every=5)
    found = history(searched(project), SOURCE)
    assert found.total == 10 and not found.about
    assert len(found.buckets) > 10 and any(not bucket.counts for bucket in found.buckets)
    assert found.totals() == {"api": 6, "kickoff": 4}


def test_a_project_without_records_has_no_bars(project):
    assert history(searched(project), STATUS).buckets == []


@pytest.mark.parametrize(
    "q",
    [
        "",
        "source:api",
        "model:a",
        "refund",
        "created:>2026-06-01",
        "created:<=2026-06-01 source:api",
        "created:>='2026-06-01T05:30' created:<'2026-06-02T07:10'",
        "model:a refund",
    ],
)
def test_all_ways_of_counting_agree(project, monkeypatch, q):
    sent(project)
    search = searched(project, q)
    plain = history(search, SOURCE)
    monkeypatch.setattr(subject, "rollup_of", lambda search: None)
    exact = history(search, SOURCE)
    assert exact.totals() == plain.totals() and exact.total == len(page(search, limit=100).rows)
    monkeypatch.setattr(subject, "EXACT_ROWS", 0)
    monkeypatch.setattr(subject, "EXACT_TEXTS", 0)
    assert counted(history(search, SOURCE)) == counted(exact)


def test_out_of_time_the_newest_bars_are_exact_and_the_rest_is_said_to_be_missing(project, monkeypatch):
    sent(project)
    search = searched(project, "refund")
    whole = counted(history(search, SOURCE))
    monkeypatch.setattr(subject, "EXACT_TEXTS", 0)
    monkeypatch.setattr(subject, "BUDGET_SECONDS", 0.000001)
    found = history(search, SOURCE)
    assert found.counted_from is not None
    assert counted(found) == {start: counts for start, counts in whole.items() if start >= found.counted_from}


def test_bars_from_the_sample_are_said_to_be_about(project, monkeypatch):
    sent(project)
    monkeypatch.setattr(subject, "EXACT_ROWS", 0)
    monkeypatch.setattr(subject, "SAMPLED_A_BAR", 0)
    found = history(searched(project, "model:a"), SOURCE)
    assert found.about and found.total % 100 == 0


def scored(project, hours: int = 48):
    """Every third record fails, every fourth has no score at all."""
    metric = factories.metric(project, "quality")
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, START + timedelta(hours=n, minutes=n % 60), model="a" if n % 2 else "b",
            scores=[ScoreDraft("quality", {"numerical_value": 0.9 if n % 3 else 0.1})] if n % 4 else [],
        )
        for n in range(hours)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    return metric


@pytest.mark.parametrize(
    ("q", "source"),
    [
        ("", "rollup"),
        ("created:>='2026-06-01T05:30' created:<'2026-06-02T07:10'", "rollup"),
        ("model:a", "rows"),
        ("source:api", "rows"),
        ("metric.quality.status:fail", "rows"),
        ("metric.quality:<0.5", "rows"),
    ],
)
def test_a_metrics_bars_count_its_scores_whichever_way_they_are_counted(project, monkeypatch, q, source):
    by = by_metric(scored(project))
    search = searched(project, q)
    assert (subject.rollup_for(search, by) is not None) == (source == "rollup")
    found = history(search, by)
    expected = {"pass": 0, "fail": 0}
    for row in page(search, limit=100).rows:
        n = int(row.external_id[1:])
        if n % 4:
            expected["pass" if n % 3 else "fail"] += 1
    assert found.totals() == {word: n for word, n in expected.items() if n} and found.total
    monkeypatch.setattr(subject, "rollup_for", lambda search, by: None)
    assert counted(history(search, by)) == counted(found)
    monkeypatch.setattr(subject, "EXACT_ROWS", 0)
    assert counted(history(search, by)) == counted(found)


def test_a_metrics_bars_from_the_sample_count_the_sampled_scores(project, monkeypatch):
    by = by_metric(scored(project, hours=1000))
    monkeypatch.setattr(subject, "EXACT_ROWS", 0)
    monkeypatch.setattr(subject, "SAMPLED_A_BAR", 0)
    found = history(searched(project, "model:a"), by)
    sampled = RecordSample.objects.filter(project=project, model="a").values_list("id", flat=True)
    scores = ScoreSample.objects.filter(project=project, metric=by.metric, record_id__in=list(sampled))
    assert found.about and found.total == 100 * scores.count()


def test_the_records_of_few_scores_are_counted_one_by_one_however_many_records_there_are(project, monkeypatch):
    scored(project)
    search = searched(project, "metric.quality.status:fail source:api")
    plain = counted(history(search, SOURCE))
    monkeypatch.setattr(subject, "EXACT_ROWS", 0)
    monkeypatch.setattr(subject, "SAMPLED_A_BAR", 0)
    few = history(search, SOURCE)
    assert counted(few) == plain and not few.about
    monkeypatch.setattr(subject, "EXACT_SCORES", 0)
    assert history(search, SOURCE).about

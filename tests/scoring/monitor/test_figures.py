"""What the monitor measures, against the same worked out record by record in Python."""

import random
import statistics
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from records.drafts import RecordDraft, ScoreDraft
from records.filterlang import parse
from records.ingest import ingest
from records.models import Metric, Record, Score, ScoreSource, Source
from records.scores import NewScore, add_scores
from records.search import Search
from records.values import read_value
from records.vocabulary import vocabulary_of
from scoring.monitor import latency, size, traffic, values
from scoring.monitor.grouping import UnknownGrouping, grouping_of, top_groups
from scoring.monitor.scope import BadRange, Scope, range_of, scope_of, window_of
from scoring.stats.means import mean, rate_of
from scoring.stats.weighted import Sums, weighted_mean, weighted_rate
from tests import factories

START, HOURS = datetime(2026, 6, 1, tzinfo=UTC), 30
NOW = START + timedelta(hours=HOURS)
MODELS = ("a", "b", "c", "d", "e", "f", "")


def scope(project, q: str = "", roots: bool = True, since: datetime = START, until: datetime = NOW) -> Scope:
    vocabulary = vocabulary_of(project)
    return scope_of(Search(project.id, parse(q, vocabulary), vocabulary, NOW, UTC, roots=roots), since, until)


@pytest.fixture
def sent(project):
    """400 records over thirty hours, half of them traces of two spans, with a score that online scoring drew."""
    rng = random.Random(5)
    factories.metric(project, "quality")
    drafts = []
    for n in range(400):
        at = START + timedelta(minutes=rng.uniform(0, HOURS * 60 - 1))
        scores = [ScoreDraft("quality", {"numerical_value": round(rng.random(), 3)})] if rng.random() < 0.8 else []
        common = {
            "created_at": at, "model": rng.choice(MODELS), "environment": rng.choice(["live", "test"]),
            "error": "boom" if rng.random() < 0.1 else "", "latency_ms": rng.randint(50, 9000),
            "metadata": {"channel": {"name": rng.choice(["web", "app"])}}, "scores": scores,
        }  # fmt: skip
        if n % 2:
            drafts.append(RecordDraft(f"r{n}", Source.API, tokens=10, cost=Decimal("0.01"), **common))
        else:
            trace = {"trace_id": f"t{n}", "source": Source.TRACE}
            drafts.append(RecordDraft(f"r{n}", span_id="root", **trace, **common))
            common |= {"scores": [], "error": "", "latency_ms": 7}
            drafts.append(
                RecordDraft(f"s{n}", span_id="s", parent_id="root", tokens=5, cost=Decimal("0.02"), **trace, **common)
            )
    ingest(project, drafts, "ci")
    scores = list(Score.objects.filter(project=project).order_by("record_created_at"))
    for chance in (0.1, 0.5, 1.0):
        some = [score.id for score in scores if rng.random() < 0.25]
        Score.objects.filter(project=project, id__in=some).update(probability=chance)
    return project


def by_bucket(records, measured: Scope):
    found = defaultdict(list)
    for record in records:
        found[max(start for start in measured.starts if start <= record.created_at)].append(record)
    return found


def test_volume_errors_tokens_and_cost_are_those_of_the_records(sent):
    measured = scope(sent)
    found = traffic.traffic(measured)
    roots = Record.objects.filter(project=sent, is_root=True)
    for start, records in by_bucket(roots, measured).items():
        counts = found.cells[start, 0]
        assert (counts.records, counts.errors) == (len(records), sum(bool(r.error) for r in records))
    total = found.total()
    assert (total.records, total.tokens, total.cost) == (
        400,
        200 * 10 + 200 * 5,
        200 * Decimal("0.01") + 200 * Decimal("0.02"),
    )
    assert not found.about


@pytest.mark.parametrize("roots", [True, False])
def test_the_roll_up_says_what_the_rows_say(sent, roots, monkeypatch):
    rolled = traffic.traffic(scope(sent, roots=roots))
    monkeypatch.setattr(traffic, "_rolled", lambda scope: None)
    assert rolled.cells == traffic.traffic(scope(sent, roots=roots)).cells


def test_a_filter_and_groups_share_out_the_records(sent):
    measured = scope(sent, "environment:live")
    grouping = grouping_of("model", measured.search.vocabulary)
    groups = top_groups(measured, grouping)
    assert len(groups) == 4  # of seven: the others are the rest
    found = traffic.traffic(measured, grouping, groups)
    live = Record.objects.filter(project=sent, is_root=True, environment="live")
    named = {n: live.filter(model=value).count() for n, value in enumerate(groups, 1)}
    assert {n: found.total(n).records for n in named} == named
    assert found.total(0).records == live.exclude(model__in=groups).count() > 0


@pytest.mark.parametrize("key", ["metadata.channel.name", "environment", "model"])
def test_the_filter_of_a_group_finds_its_records(sent, key):
    measured = scope(sent)
    grouping = grouping_of(key, measured.search.vocabulary)
    groups = top_groups(measured, grouping)
    found = traffic.traffic(measured, grouping, groups)
    for n, value in enumerate(groups, 1):
        narrowed = scope(sent, measured.narrowed(grouping.clause(value)))
        assert traffic.traffic(narrowed).total().records == found.total(n).records
    rest = scope(sent, measured.narrowed(grouping.rest(groups)))
    assert traffic.traffic(rest).total().records == found.total(0).records


def test_prompt_versions_are_groups_of_their_own(project):
    drafts = [
        RecordDraft(f"r{n}", Source.API, START, prompt="answer v2" if n == 3 else "answer", prompt_version=n or None)
        for n in range(4)
    ]
    ingest(project, drafts, "ci")
    measured = scope(project)
    grouping = grouping_of("prompt", measured.search.vocabulary)
    groups = top_groups(measured, grouping)
    assert sorted(groups) == ["answer", "answer v1", "answer v2", "answer v2 v3"]
    for value in groups:
        assert traffic.traffic(scope(project, grouping.clause(value))).total().records == 1


@pytest.mark.parametrize("key", ["customer", "metadata.", "metadata.a b", "metric.x", "model) OR (1=1"])
def test_what_cannot_be_grouped_by_is_refused(project, key):
    with pytest.raises(UnknownGrouping):
        grouping_of(key, vocabulary_of(project))


def test_median_and_95th_percentile_are_those_of_the_records(sent):
    measured = scope(sent)
    found = latency.latency(measured)
    times = [r.latency_ms / 1000 for r in Record.objects.filter(project=sent, is_root=True)]
    total = found.cells[None, None]
    assert total.n == 400 and total.p50 == pytest.approx(statistics.median(times))
    assert total.p95 == pytest.approx(statistics.quantiles(times, n=20, method="inclusive")[-1])
    few = [cell for (start, _), cell in found.cells.items() if start and cell.n < 15]
    assert few and all(cell.p50 is None for cell in few)
    whole = latency.quantile(window_of(measured.search, HOURS * 3600), 0.5)
    assert whole.n == 400 and whole.low < whole.value < whole.high


def test_a_metric_is_weighted_by_the_probability_it_was_drawn_with(sent):
    measured = scope(sent)
    metric = Metric.objects.get(project=sent, slug="quality")
    found = values.values(measured, metric.pk)
    scores = list(Score.objects.filter(project=sent, is_current=True))
    weights = [1 / (score.probability or 1) for score in scores]
    rate, plain = (
        weighted_rate(sum(found.verdicts.values(), Sums())),
        rate_of([s.passed for s in scores], weights=weights),
    )
    assert (rate.value, rate.n) == pytest.approx((plain.value, len(scores)))
    middle, other = weighted_mean(sum(found.numbers.values(), Sums())), mean([s.value for s in scores], weights=weights)
    assert middle.value == pytest.approx(other.value)
    for start in measured.starts:
        inside = [s for s in scores if start <= s.record_created_at < measured.end_of(start)]
        assert found.numbers.get((start, 0), Sums()).n == len(inside)


def test_groups_of_a_metric_add_up_to_the_whole(sent):
    measured = scope(sent, roots=False)
    metric = Metric.objects.get(project=sent, slug="quality")
    grouping = grouping_of("environment", measured.search.vocabulary)
    split = values.values(measured, metric.pk, grouping, ("live", "test"))
    whole = values.values(measured, metric.pk)
    assert sum(split.numbers.values(), Sums()).w == pytest.approx(sum(whole.numbers.values(), Sums()).w)
    assert {place for _, place in split.numbers} == {1, 2}


def test_what_a_machine_said_counts_where_a_person_has_corrected_it(sent):
    metric = Metric.objects.get(project=sent, slug="quality")
    before = values.values(scope(sent), metric.pk)
    some = Score.objects.filter(project=sent, is_current=True)[:40]
    add_scores(
        sent.id,
        [NewScore(s.record_id, metric, read_value(metric, {"numerical_value": 0.0}), ScoreSource.HUMAN) for s in some],
    )
    after = values.values(scope(sent), metric.pk)
    assert sum(after.numbers.values(), Sums()).wx == pytest.approx(sum(before.numbers.values(), Sums()).wx)
    assert not after.by_people


def test_a_metric_that_only_people_score_shows_theirs(sent):
    metric = factories.metric(sent, "taste")
    ids = Record.objects.filter(project=sent, is_root=True).values_list("id", flat=True)[:20]
    value = read_value(metric, {"numerical_value": 0.75})
    add_scores(sent.id, [NewScore(id, metric, value, ScoreSource.HUMAN) for id in ids])
    found = values.values(scope(sent), metric.pk)
    assert found.by_people and found.n == 20


def test_many_records_are_measured_by_the_sample_and_say_so(sent, monkeypatch):
    """With the sample as large as the records, the sums are a hundred times theirs."""
    from django.db import connection

    monkeypatch.setattr(size, "EXACT_RECORDS", 0)
    for module in (traffic, latency, values):
        monkeypatch.setattr(module, "LEAST_SAMPLED", 1)
    monkeypatch.setattr(traffic, "record_table", lambda cursor, scope: "record_sample")
    monkeypatch.setattr(latency, "record_table", lambda cursor, scope: "record_sample")
    monkeypatch.setattr(values, "EXACT_ALONE", 0)
    monkeypatch.setattr(values, "EXACT_JOINED", 0)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM record_sample; DELETE FROM score_sample")
        columns = "project_id, record_id, metric_id, record_created_at, outcome, value"
        cursor.execute(f"INSERT INTO score_sample ({columns}) SELECT {columns} FROM score WHERE is_current")
        from records.models import RecordSample

        names = ", ".join(field.column for field in RecordSample._meta.concrete_fields)
        cursor.execute(f"INSERT INTO record_sample ({names}) SELECT {names} FROM record")
    metric = Metric.objects.get(project=sent, slug="quality")
    measured = scope(sent, "environment:live")
    exact = Record.objects.filter(project=sent, is_root=True, environment="live")
    found = traffic.traffic(measured)
    assert found.about and found.total().records == 100 * exact.count() and found.total().seen == exact.count()
    assert latency.latency(measured).about
    for q in ("environment:live", ""):
        sampled = values.values(scope(sent, q), metric.pk)
        assert (
            sampled.about
            and sampled.n
            == Score.objects.filter(
                project=sent, is_current=True, record__environment__in=["live"] if q else ["live", "test"]
            ).count()
        )


@pytest.mark.parametrize(
    ("preset", "since", "until"),
    [("2y", "", ""), ("7d", "tomorrow", ""), ("7d", "2026-06-02T00:00", "2026-06-01T00:00"), ("7d", "1850-01-01", "")],
)
def test_a_range_that_is_none_is_refused(preset, since, until):
    with pytest.raises(BadRange):
        range_of(preset, since, until, NOW, UTC)


def test_a_range_is_widened_to_whole_buckets(project):
    measured = scope(project, since=START + timedelta(minutes=61), until=START + timedelta(hours=25, minutes=1))
    assert measured.seconds == 3600 and measured.starts[0] == START + timedelta(hours=1)
    assert measured.until == START + timedelta(hours=26) and len(measured.starts) == 25
    assert len(scope(project, since=NOW - timedelta(days=90)).starts) <= 61


@pytest.mark.parametrize(
    "q", ["environment:live", "metric.quality.status:fail", "metric.other.status:pass error IS NULL"]
)
@pytest.mark.parametrize("roots", [True, False])
def test_what_is_too_rare_for_the_sample_is_read_from_the_records(sent, monkeypatch, q, roots):
    """The same sums, whichever way round they are read; the sample of a few hundred records has next to nothing."""
    other = factories.metric(sent, "other")
    ids = Record.objects.filter(project=sent, is_root=True).order_by("id").values_list("id", flat=True)[:200]
    value = read_value(other, {"numerical_value": 0.9})
    add_scores(sent.id, [NewScore(id, other, value) for id in ids])
    metric = Metric.objects.get(project=sent, slug="quality")
    measured = scope(sent, q, roots=roots)
    grouping = grouping_of("environment", measured.search.vocabulary)
    exact = values.values(measured, metric.pk, grouping, ("live", "test"))
    monkeypatch.setattr(values, "EXACT_JOINED", 0)
    rare = values.values(measured, metric.pk, grouping, ("live", "test"))
    assert not rare.about and rare.n == exact.n > 0
    for name in ("verdicts", "numbers"):
        ours, theirs = (sum(getattr(found, name).values(), Sums()) for found in (rare, exact))
        assert (ours.n, ours.w, ours.wx, ours.wwxx) == pytest.approx((theirs.n, theirs.w, theirs.wx, theirs.wwxx))
    assert rare.verdicts.keys() == exact.verdicts.keys()

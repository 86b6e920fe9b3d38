"""One evaluator's page: what its newest scores add up to, its versions, and how it stands to people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source, ValueType
from scoring.evaluators import create_evaluator, save_version
from scoring.measured import sample as sampling
from scoring.measured.sample import sample_of
from scoring.measured.summary import by_version, distribution, totals, trend
from tests import factories
from tests.scoring.judging import by_people, judged
from tests.scoring.running import exact, sent

PARTS = ("scoring:evaluator", "scoring:evaluator-numbers", "scoring:evaluator-people", "scoring:evaluator-flips")


@pytest.fixture
def metric(project):
    return factories.metric(project, "fine", ValueType.BOOLEAN)


@pytest.fixture
def judge(project, metric):
    return exact(project, "judge", metric)


@pytest.fixture
def reader(client, project):
    client.force_login(factories.member(project))
    return client


def part(client, evaluator, name: str, **query) -> str:
    response = client.get(reverse(f"scoring:{name}", args=[evaluator.project.slug, evaluator.slug]), query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_says_what_the_evaluator_is(reader, judge):
    page = part(reader, judge, "evaluator")
    assert judge.name in page and "measures Fine, primary" in page and "contains" in page


def test_without_scores_it_says_how_to_get_some(reader, judge):
    assert "has scored nothing yet" in part(reader, judge, "evaluator-numbers")
    assert "No record has both" in part(reader, judge, "evaluator-people")
    assert "one version only" in part(reader, judge, "evaluator-flips")


def test_the_rate_counts_each_record_once_with_its_newest_value(project, metric, judge):
    ids = sent(project, 20)
    judged(metric, dict.fromkeys(ids, False), version=1)
    judged(metric, dict.fromkeys(ids[:15], True), version=2)
    found = totals(sample_of(judge))
    assert (found.attempts, found.records, found.passes.value) == (35, 20, 0.75)
    assert found.cost_each == Decimal("0.01")


def test_a_correction_by_people_does_not_change_the_evaluators_rate(project, metric, judge):
    ids = sent(project, 20)
    judged(metric, dict.fromkeys(ids, True))
    by_people(metric, dict.fromkeys(ids[:10], False))
    assert totals(sample_of(judge)).passes.value == 1.0


def test_numbers_are_counted_in_ranges_and_choices_in_their_order(project):
    number = factories.metric(project, "quality")
    ids = sent(project, 42)
    judged(number, {id: n / 41 for n, id in enumerate(ids)}, "scale")
    bins = distribution(number, list(sample_of(exact_like(project, number, "scale")).completed()))
    assert len(bins) == 20 and sum(bin.n for bin in bins) == 42
    assert all(bin.passed == 0 for bin in bins[:10]) and all(bin.failed == 0 for bin in bins[10:])

    choices = [{"value": "good", "number": 1}, {"value": "bad", "number": 0}]
    tone = factories.metric(
        project, "tone", ValueType.CATEGORICAL, categorical_choices=choices, passing_choices=["good"]
    )
    judged(tone, dict(zip(ids, [["bad"], ["good"], ["bad"]], strict=False)), "tones")
    bins = distribution(tone, list(sample_of(exact_like(project, tone, "tones")).completed()))
    assert [(bin.label, bin.passed, bin.failed) for bin in bins] == [("good", 1, 0), ("bad", 0, 2)]


def exact_like(project, metric, slug):
    """An evaluator of a metric of any type: a person's, whose scores here bear its name."""
    return create_evaluator(project, "ina", slug=slug, type="human", metric=metric, definition={"guidelines": "Look."})


def test_the_trend_is_by_day_with_gaps_where_cases_are_few(project, metric, judge):
    noon = timezone.now().astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    drafts = [
        RecordDraft(f"{day}:{n}", Source.API, noon - timedelta(days=day), inputs=n)
        for day, count in ((3, 20), (2, 4), (1, 16))
        for n in range(count)
    ]
    ids = ingest(project, drafts, "ci").ids
    judged(metric, {id: n % 2 == 0 for n, id in enumerate(ids)})
    found = trend(sample_of(judge), UTC)
    assert (found.days, [point.estimate.n for point in found.points]) == (1, [20, 4, 16])
    assert [point.estimate.value for point in found.points] == [0.5, None, 0.5]
    assert found.points[0].start == datetime(*(noon - timedelta(days=3)).timetuple()[:3], tzinfo=UTC)


def test_each_version_has_its_rate_and_one_without_scores_is_listed_too(project, metric, judge):
    save_version(judge, "ina", {"builtin": "contains", "settings": {"texts": ["2"]}}, note="Look for 2")
    save_version(judge, "ina", {"builtin": "contains", "settings": {"texts": ["3"]}})
    ids = sent(project, 20)
    judged(metric, dict.fromkeys(ids, False), version=1)
    judged(metric, dict.fromkeys(ids, True), version=2)
    rows = by_version(sample_of(judge), list(judge.versions.all()))
    assert [(row.number, row.before, row.attempts, row.passes.value) for row in rows] == [
        (3, 2, 0, None),
        (2, 1, 20, 1.0),
        (1, None, 20, 0.0),
    ]


def test_an_evaluator_with_many_scores_is_read_by_its_newest(project, metric, judge, monkeypatch):
    ids = sent(project, 9)
    judged(metric, dict.fromkeys(ids[:5], False))
    judged(metric, dict.fromkeys(ids[5:], True))
    assert sample_of(judge).complete
    monkeypatch.setattr(sampling, "MOST", 4)
    few = sample_of(judge)
    assert {attempt.record_id for attempt in few.attempts} == set(ids[5:])
    assert not few.complete and few.words == "the newest 4 scores"


def test_it_agrees_with_people_by_kappa_and_a_table_of_both(reader, project, metric, judge):
    ids = sent(project, 60)
    judged(metric, {id: n < 35 for n, id in enumerate(ids)})
    by_people(metric, {id: n < 30 for n, id in enumerate(ids[:40])})
    page = part(reader, judge, "evaluator-people")
    assert "40 records that both have scored" in page
    assert "they agree on 35 of 40" in page and "kappa 0.60" in page
    assert "It passes 5 of the 10 that people fail." in page
    assert "Pass rate, corrected by people" in page and "drawn at random" in page


def test_too_few_scores_by_people_are_said_in_words(reader, project, metric, judge):
    ids = sent(project, 20)
    judged(metric, dict.fromkeys(ids, True))
    by_people(metric, dict.fromkeys(ids[:3], True))
    page = part(reader, judge, "evaluator-people")
    assert "they agree on 3 of 3, too few for kappa" in page
    assert "3 records scored by people, too few to correct the judge by" in page


def test_numbers_have_a_mean_absolute_error(reader, project):
    quality = factories.metric(project, "quality")
    scale = create_evaluator(
        project, "ina", slug="scale", type="code", metric=quality,
        definition={"builtin": "levenshtein", "settings": {}},
    )  # fmt: skip
    ids = sent(project, 20)
    judged(quality, {id: n / 20 for n, id in enumerate(ids)}, "scale")
    by_people(quality, {id: n / 20 + 0.05 * (n % 2) for n, id in enumerate(ids)})
    page = part(reader, scale, "evaluator-people")
    assert "Mean absolute error" in page and "0.025" in page


def test_agreement_is_of_one_version_which_may_be_chosen(reader, project, metric, judge):
    ids = sent(project, 20)
    judged(metric, dict.fromkeys(ids, True), version=1)
    judged(metric, dict.fromkeys(ids, False), version=2)
    by_people(metric, dict.fromkeys(ids, False))
    assert "20 of 20" in part(reader, judge, "evaluator-people")
    assert "It passes 20 of the 20" in part(reader, judge, "evaluator-people", version=1)


def test_two_versions_are_compared_on_the_records_that_both_have_scored(reader, project, metric, judge):
    ids = sent(project, 40)
    judged(metric, {id: n < 30 for n, id in enumerate(ids)}, version=1)
    judged(metric, {id: 10 <= n < 34 for n, id in enumerate(ids[:36])}, version=2)
    by_people(metric, {id: n >= 10 for n, id in enumerate(ids[:20])})
    page = part(reader, judge, "evaluator-flips")
    assert "v1 → v2" in page and "36 records that both have scored" in page
    assert "<strong>10</strong> that passed fail with v2, <strong>4</strong> the other way" in page
    assert "83 % (68 % to 92 %), 30 of 36" in page and "67 % (50 % to 80 %), 24 of 36" in page
    assert "50 % (30 % to 70 %), 10 of 20" in page  # of v1 with people
    assert reverse("records:detail", args=[project.slug, ids[0]]) in page


def test_a_version_that_is_no_number_is_refused(reader, judge):
    address = reverse("scoring:evaluator-flips", args=[judge.project.slug, judge.slug])
    assert reader.get(address, {"old": "1 OR 1", "new": "2"}).status_code == 400


def test_an_evaluator_of_another_project_is_not_found(reader, project):
    other = factories.project()
    theirs = exact(other, "theirs")
    for name in PARTS:
        assert reader.get(reverse(name, args=[project.slug, theirs.slug])).status_code == 404


def test_what_a_model_named_itself_is_shown_as_text(reader, project):
    name = "<img src=x onerror=alert(1)>"
    tone = factories.metric(
        project, "tone", ValueType.CATEGORICAL, categorical_choices=[{"value": name}], passing_choices=[name]
    )
    judge = create_evaluator(
        project, "ina", slug="tones", type="code", metric=tone, name=name,
        definition={"eval_code_snippet": "def evaluate(output):\n    return []"},
    )  # fmt: skip
    ids = sent(project, 20)
    judged(tone, dict.fromkeys(ids, [name]), "tones", version=1)
    judged(tone, dict.fromkeys(ids, [name]), "tones", version=2)
    by_people(tone, dict.fromkeys(ids, [name]))
    for part_ in PARTS:
        assert "<img" not in part(reader, judge, part_.removeprefix("scoring:"))


@pytest.mark.parametrize("count", [2, 30])
@pytest.mark.parametrize("name", PARTS)
def test_the_number_of_queries_is_pinned(reader, project, metric, judge, query_budget, name, count):
    ids = sent(project, count)
    judged(metric, dict.fromkeys(ids, True), version=1)
    judged(metric, dict.fromkeys(ids, False), version=2)
    by_people(metric, dict.fromkeys(ids, False))
    with query_budget(name):
        part(reader, judge, name.removeprefix("scoring:"))

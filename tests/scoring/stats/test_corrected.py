import numpy as np
import pytest

from scoring.stats.corrected import corrected_mean
from scoring.stats.means import mean, rate_of
from scoring.stats.rates import wilson


def test_it_is_the_formula_of_ppi_plus_plus_by_hand():
    """Angelopoulos, Duchi and Zrnic, PPI++, arXiv 2311.01453, for a mean: the value is people's mean plus lambda times
    (judge's mean on the unlabelled - on the labelled), lambda = Cov(Y, f) / ((1 + n/N) Var(f))."""
    random = np.random.default_rng(1)
    truth = random.normal(size=40)
    judge, rest = truth + random.normal(0.5, 0.4, size=40), random.normal(0.5, 1.1, size=500)
    found = corrected_mean(rest.tolist(), list(zip(judge, truth, strict=True)))
    f = np.concatenate([judge, rest])
    power = np.cov(judge, truth)[0][1] / ((1 + 40 / 500) * f.var(ddof=1))
    assert 0 < power < 1
    assert found.value == pytest.approx(truth.mean() + power * (rest.mean() - judge.mean()))
    error = np.sqrt((truth - power * judge).var(ddof=1) / 40 + power**2 * rest.var() / 500)
    assert (found.high - found.low) / 2 == pytest.approx(2.022691 * error, rel=1e-5)  # t at 39


def test_a_good_judge_makes_the_interval_narrower_and_a_biased_one_does_not_move_the_value():
    random = np.random.default_rng(2)
    truth = random.normal(size=60)
    judge, rest = truth + 3.0 + random.normal(0, 0.2, size=60), random.normal(3.0, 1.02, size=5000)
    found, people = corrected_mean(rest.tolist(), list(zip(judge, truth, strict=True))), mean(truth)
    assert found.high - found.low < 0.4 * (people.high - people.low)
    assert found.low < 0 < found.high and rest.mean() > 2.9


def test_a_useless_judge_leaves_peoples_mean():
    random = np.random.default_rng(3)
    people = random.normal(size=50)
    for judge in (random.normal(size=50) * 1e-3, -people):
        found = corrected_mean(random.normal(size=900).tolist(), list(zip(judge, people, strict=True)))
        assert found.value == pytest.approx(people.mean(), abs=0.15)
    always = corrected_mean([1.0] * 900, [(1.0, float(value)) for value in people])
    assert (always.low, always.high) == (mean(people).low, mean(people).high)


def test_with_no_records_beyond_peoples_it_is_peoples_mean():
    pairs = [(1.0, 1.0)] * 20 + [(0.0, 1.0)] * 5 + [(0.0, 0.0)] * 15
    assert corrected_mean([], pairs) == rate_of([True] * 25 + [False] * 15)


def test_a_judge_that_never_differed_may_still_differ():
    """Twenty labels without a difference do not show that there is none: the interval keeps that room."""
    found = corrected_mean([1.0] * 800 + [0.0] * 200, [(1.0, 1.0)] * 16 + [(0.0, 0.0)] * 4)
    people = rate_of([True] * 16 + [False] * 4)
    assert found.value == pytest.approx(0.8, abs=0.01)
    assert 0.15 < found.high - found.low < people.high - people.low


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_all_passed_or_all_failed_has_a_width(outcome):
    found = corrected_mean([outcome] * 500, [(outcome, outcome)] * 30)
    assert found.low < found.high and found.high - found.low > 0.05


def test_pass_and_fail_stay_within_none_and_all():
    found = corrected_mean([1.0] * 990 + [0.0] * 10, [(1.0, 1.0)] * 19 + [(0.0, 1.0), (1.0, 0.0)])
    assert 0 <= found.low < found.value <= found.high <= 1
    assert found.text.endswith("21 records scored by people and 1,000 by the judge alone") and "%" in found.text


def test_few_labels_are_too_few():
    found = corrected_mean([1.0] * 500, [(1.0, 1.0)] * 14)
    assert found.value is None and found.text == "14 records scored by people, too few to correct the judge by"


def test_a_constant_distance_has_no_interval():
    found = corrected_mean([float(i % 7) for i in range(300)], [(float(i % 5), float(i % 5) + 2) for i in range(30)])
    assert not found.has_interval and "the same on all 30 records" in found.text


def test_data_that_are_none_are_refused():
    with pytest.raises(ValueError):
        corrected_mean([float("nan")], [(1.0, 1.0)] * 20)


@pytest.mark.parametrize(
    ("people", "rest", "wrong", "share"),
    [(40, 1000, 0.2, 0.7), (100, 300, 0.05, 0.7), (60, 5000, 0.35, 0.7), (30, 1000, 0.1, 0.9), (15, 1000, 0.2, 0.7)],
)
def test_it_covers_the_truth_where_the_raw_judge_does_not(people, rest, wrong, share):
    """The judge lets failures pass more often than it fails passes."""
    random = np.random.default_rng(8)
    covered = raw = 0
    for _ in range(400):
        truth = random.random(people + rest) < share
        judge = np.where(truth, random.random(people + rest) > wrong / 4, random.random(people + rest) < wrong)
        labelled = list(zip(judge[:people].astype(float), truth[:people].astype(float), strict=True))
        found = corrected_mean(judge[people:].astype(float), labelled)
        covered += found.low <= share <= found.high
        low, high = wilson(judge[people:].mean(), rest)
        raw += low <= share <= high
    assert covered / 400 > 0.93
    assert wrong < 0.2 or raw / 400 < 0.75


def test_it_covers_the_truth_of_grades():
    random = np.random.default_rng(9)
    covered = 0
    for _ in range(500):
        truth = np.clip(np.round(random.normal(3.2, 1.0, size=1030)), 1, 5)
        judge = np.clip(truth + np.round(random.normal(0.4, 0.6, size=1030)), 1, 5)
        found = corrected_mean(judge[30:], list(zip(judge[:30], truth[:30], strict=True)))
        covered += found.low <= 3.192 <= found.high
    assert 0.915 < covered / 500 < 0.98


def test_one_record_beyond_peoples_is_enough():
    found = corrected_mean([1.0], [(1.0, 1.0)] * 20 + [(0.0, 0.0)] * 20)
    assert found.low < found.value < found.high

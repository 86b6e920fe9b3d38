import math

import numpy as np
import pytest

from scoring.stats.means import mean, mean_error, rate_of
from scoring.stats.rates import rate


def test_students_interval_is_that_of_a_textbook():
    """NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2, confidence limits of the mean (ZARR13.DAT): 195 cases,
    mean 9.261460, standard deviation 0.022789, limits 9.258242 and 9.264679. Any data with these moments will do."""
    pairs = np.tile([-1.0, 1.0], 97)
    shape = np.append(pairs, 0.0)
    values = 9.261460 + 0.022789 * shape / shape.std(ddof=1)
    found = mean(values)
    assert (found.low, found.high) == pytest.approx((9.258242, 9.264679), abs=2e-6)
    assert found.text == "9.26 (9.26 to 9.26), 195 cases"


def test_students_sleep_data():
    """Student, The probable error of a mean, Biometrika 6 (1908), additional sleep: mean 1.58, 95 % 0.70 to 2.46 by t
    (R's t.test(sleep[1:10 differences]): 0.7001142 to 2.4598858)."""
    found = mean([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert (found.value, found.low, found.high) == pytest.approx((1.58, 0.7001142, 2.4598858), abs=1e-6)


def test_clusters_of_one_change_nothing():
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    assert mean(values, clusters="abcdef").high == pytest.approx(mean(values).high, abs=1e-12)


def test_a_case_counted_ten_times_is_still_one_case():
    """The clustered error of a sample copied ten times within its clusters is the error of the sample itself; without
    clusters the interval would shrink by a third and more."""
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    copied = mean(np.repeat(values, 10), clusters=np.repeat(list("abcdef"), 10).tolist())
    once = mean(values)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert copied.text.endswith("60 cases in 6 groups")
    assert mean(np.repeat(values, 10)).high < copied.high


def test_the_clustered_error_is_that_of_the_formula_by_hand():
    """Liang and Zeger's sum over all pairs within a cluster, written out, with G/(G-1)."""
    values, clusters = [0.2, 0.9, 0.4, 0.7, 0.1, 0.6, 0.8], ["a", "a", "b", "b", "b", "c", "d"]
    middle = sum(values) / 7
    pairs = sum(
        (values[i] - middle) * (values[j] - middle) for i in range(7) for j in range(7) if clusters[i] == clusters[j]
    )
    # t at 2.27 degrees of freedom: clusters of 2, 3, 1 and 1 are worth 49/15, less one; four equal ones would have 3.
    half = 3.852185 * math.sqrt(4 / 3 * pairs) / 7
    found = mean(values, clusters=clusters)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_weights_undo_the_sampling():
    """A tenth of the good and all of the bad were drawn: the plain mean is far off, Hajek's is not."""
    values = [1.0] * 10 + [0.0] * 20
    weights = [10.0] * 10 + [1.0] * 20
    found = mean(values, weights=weights)
    assert found.value == pytest.approx(100 / 120)
    assert found.effective == pytest.approx(120**2 / (10 * 100 + 20))
    assert "30 cases, worth 14" in found.text


def test_equal_weights_change_nothing():
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    plain, weighted = mean(values), mean(values, weights=[4.0] * 6)
    assert (weighted.low, weighted.high, weighted.effective) == pytest.approx((plain.low, plain.high, 6))


@pytest.mark.parametrize(
    ("values", "more", "text"),
    [
        ([], {}, "no cases yet"),
        ([3.0], {}, "3, without interval: only one case"),
        ([3.0] * 20, {}, "3, without interval: all 20 values are equal"),
        ([1.0, 2.0], {"clusters": ["a", "a"]}, "1.5, without interval: all cases belong to one group"),
        ([1.0, 2.0] * 3, {"clusters": [1, 1, 2, 2, 3, 3]}, "1.5, without interval: all 3 groups have the same mean"),
        ([0.1 + 0.2, 0.3] * 3, {}, "0.3, without interval"),
    ],
)
def test_what_carries_no_interval_says_why(values, more, text):
    found = mean(values, **more)
    assert not found.has_interval and found.text.startswith(text)


@pytest.mark.parametrize(
    ("values", "more"),
    [
        ([1.0, math.nan], {}),
        ([1.0, math.inf], {}),
        ([1.0, 2.0], {"weights": [1.0]}),
        ([1.0, 2.0], {"weights": [1.0, 0.0]}),
        ([1.0, 2.0], {"clusters": ["a"]}),
    ],
)
def test_data_that_are_none_are_refused(values, more):
    with pytest.raises(ValueError):
        mean(values, **more)


def test_a_rate_of_independent_cases_is_wilsons():
    passed = [True] * 70 + [False] * 30
    found, plain = rate_of(passed, weights=[3.0] * 100), rate(70, 100)
    assert rate_of(passed) == plain
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-3)


def test_a_rate_of_clustered_cases_is_wider():
    passed = [True] * 70 + [False] * 30
    grouped = rate_of(passed, clusters=[i // 2 for i in range(100)])
    assert grouped.high - grouped.low > 1.3 * (rate(70, 100).high - rate(70, 100).low)
    assert grouped.effective == pytest.approx(50, rel=0.03)


@pytest.mark.parametrize("outcome", [True, False])
def test_a_rate_of_all_or_none_has_a_width_that_knows_the_clusters(outcome):
    found = rate_of([outcome] * 100, clusters=[i // 5 for i in range(100)])
    assert found.high - found.low == pytest.approx(rate(20, 20).high - rate(20, 20).low)


def test_few_effective_cases_show_counts_only():
    found = rate_of([True] * 30 + [False] * 10, clusters=[i // 10 for i in range(40)])
    assert found.value is None and found.text == "30 of 40, worth 3, too few for a rate"
    assert rate_of([]).text == "no cases yet"


def test_the_mean_absolute_error_never_goes_below_zero():
    found = mean_error([3.0, 4.0, 5.0, 1.0], [3.0, 4.0, 5.0, 4.0])
    assert found.value == 0.75 and found.low == 0.0 and found.high > 2
    assert found.text == "0.75 (0 to 3.14), 4 cases"
    assert mean_error([1.0] * 20, [1.0] * 20).text == "0, without interval: all 20 values are equal"
    with pytest.raises(ValueError):
        mean_error([1.0], [1.0, 2.0])


def coverage(draw, truth: float, rounds: int = 1000) -> float:
    random = np.random.default_rng(11)
    found = [draw(random) for _ in range(rounds)]
    return sum(f.low <= truth <= f.high for f in found) / rounds


def test_the_mean_of_few_cases_covers_the_truth():
    assert 0.93 < coverage(lambda random: mean(random.normal(5, 2, size=8)), 5) < 0.97


def test_the_clustered_mean_covers_the_truth_where_the_plain_one_does_not():
    def values(random):
        return np.repeat(random.normal(0, 1, size=30), 6) + random.normal(0, 0.5, size=180)

    clusters = np.repeat(np.arange(30), 6).tolist()
    assert 0.92 < coverage(lambda random: mean(values(random), clusters=clusters), 0) < 0.97
    assert coverage(lambda random: mean(values(random)), 0) < 0.75


def test_the_weighted_rate_covers_the_truth_of_all_that_were_drawn_from():
    """Failures are sampled ten times as often as passes, and carry a tenth of the weight."""

    def draw(random):
        passed = random.random(3000) < 0.9
        p = np.where(passed, 0.05, 0.5)
        kept = random.random(3000) < p
        return rate_of(passed[kept].tolist(), weights=(1 / p[kept]).tolist())

    assert 0.92 < coverage(draw, 0.9, 300) < 0.98


def test_the_clustered_rate_covers_the_truth():
    def draw(random):
        shares = random.beta(4, 1, size=60)
        return rate_of((random.random((60, 5)) < shares[:, None]).ravel().tolist(), clusters=clusters)

    clusters = np.repeat(np.arange(60), 5).tolist()
    assert 0.92 < coverage(draw, 0.8, 600) < 0.98

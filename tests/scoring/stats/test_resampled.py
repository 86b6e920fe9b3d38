import numpy as np
import pytest

from scoring.stats.resampled import median, ratio


def test_the_median_of_the_mouse_data():
    """B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), tables 2.1 and 2.2: nine untreated mice's
    median survival is 46 days, its bootstrap standard error about 12; the seven treated ones are too few here."""
    control = median([52, 104, 146, 10, 51, 30, 40, 27, 46])
    assert control.value == 46
    assert 46 - 3 * 12 < control.low < 40 and 51 < control.high < 46 + 5 * 12
    treated = median([94, 197, 16, 38, 99, 141, 23])
    assert treated.text == "94, without interval: only 7 cases" and not treated.has_interval


def test_the_interval_of_a_median_is_near_the_exact_one_of_order_statistics():
    """By brute force: of 101 cases the 41st and the 61st in order, which the binomial leaves at 95 %."""
    values = sorted(np.random.default_rng(9).normal(size=101))
    found = median(values)
    assert found.low in values[37:45] and found.high in values[57:65]


def test_the_same_seed_gives_the_same_interval_and_another_a_near_one():
    values = np.random.default_rng(1).lognormal(size=200).tolist()
    one, again, other = median(values), median(values), median(values, seed=5)
    assert one == again and (one.low, one.high) != (other.low, other.high)
    assert one.low == pytest.approx(other.low, rel=0.1)


def test_a_ratio_is_of_the_sums():
    found = ratio([1.0, 2.0, 3.0] * 5, [10.0, 20.0, 60.0] * 5)
    assert found.value == pytest.approx(6 / 90) and found.low < found.value < found.high


def test_the_interval_of_a_ratio_is_near_that_of_the_delta_method():
    random = np.random.default_rng(3)
    below = random.gamma(9, 1, size=400)
    above = 2 * below + random.normal(0, 3, size=400)
    found = ratio(above.tolist(), below.tolist())
    error = np.std(above - found.value * below, ddof=1) / (below.mean() * 20)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_clusters_are_drawn_whole():
    values = np.repeat(np.random.default_rng(2).normal(size=12), 10)
    clusters = np.repeat(np.arange(12), 10).tolist()
    whole, single = median(values.tolist(), clusters=clusters), median(values.tolist())
    assert whole.high - whole.low > 1.5 * (single.high - single.low)
    assert median(values.tolist(), clusters=[i // 40 for i in range(120)]).text.endswith("only 3 groups")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (lambda: median([]), "no cases yet"),
        (lambda: median([4.0] * 50), "4, without interval: nearly all cases share this value"),
        (lambda: ratio([1.0] * 10, [0.0] * 10), "no ratio: what to divide by adds up to zero"),
        (
            lambda: ratio([1.0] * 10, [0.0] * 9 + [5.0]),
            "2, without interval: what to divide by is zero in too many cases",
        ),
    ],
)
def test_what_carries_no_interval_says_why(found, text):
    assert found().text == text and not found().has_interval


def test_data_that_are_none_are_refused():
    for call in (lambda: median([float("nan")]), lambda: ratio([1.0], [1.0, 2.0]), lambda: median([1.0], clusters=[])):
        with pytest.raises(ValueError):
            call()


def test_the_median_covers_the_truth(monkeypatch):
    monkeypatch.setattr("scoring.stats.resampled.DRAWS", 200)
    random = np.random.default_rng(4)
    found = [median(random.exponential(size=60).tolist()) for _ in range(200)]
    assert 0.90 < sum(f.low <= np.log(2) <= f.high for f in found) / 200 < 0.99


def test_many_cases_take_fewer_draws():
    values = np.random.default_rng(5).normal(size=30_000).tolist()
    found = median(values)
    assert found.low < found.value < found.high

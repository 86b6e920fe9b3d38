import random

import pytest

from scoring.stats.estimates import percent
from scoring.stats.rates import rate, wilson


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombes_table(passed, total, low, high):
    """R. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I,
    method 3."""
    found = rate(passed, total)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_below_fifteen_cases_there_are_counts_and_no_rate():
    found = rate(9, 14)
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 14)
    assert found.text == "9 of 14, too few for a rate"
    assert rate(0, 0).text == "no cases yet"
    assert rate(9, 15).value == 0.6


@pytest.mark.parametrize("total", [15, 100, 10_000_000])
def test_none_and_all_have_an_interval_with_a_width(total):
    none, all_ = rate(0, total), rate(total, total)
    assert none.low == 0 < none.high < 0.3 and 0.7 < all_.low < all_.high == 1
    assert none.value < none.high and all_.low < all_.value


def test_words_say_rate_interval_and_counts():
    assert rate(92, 110).text == "84 % (76 % to 89 %), 92 of 110"
    assert rate(1, 1000).text == "<1 % (<1 % to 1 %), 1 of 1,000"
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]


@pytest.mark.parametrize(("passed", "total"), [(-1, 20), (21, 20)])
def test_impossible_counts_are_refused(passed, total):
    with pytest.raises(ValueError, match="of 20"):
        rate(passed, total)


@pytest.mark.parametrize(("share", "n"), [(0.5, 20), (0.9, 50), (0.97, 200), (0.02, 100)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(share, n):
    chance = random.Random(7)
    rounds = 2000
    covered = 0
    for _ in range(rounds):
        low, high = wilson(sum(chance.random() < share for _ in range(n)) / n, n)
        covered += low <= share <= high
    assert 0.92 < covered / rounds < 0.985


def test_it_is_what_solving_the_score_test_gives():
    """By brute force: the shares that a two-sided score test at 5 % does not refuse."""
    passed, n = 7, 30
    kept = [
        truth / 10_000
        for truth in range(1, 10_000)
        if abs(passed / n - truth / 10_000) <= 1.959964 * (truth / 10_000 * (1 - truth / 10_000) / n) ** 0.5
    ]
    low, high = wilson(passed / n, n)
    assert kept[0] == pytest.approx(low, abs=2e-4) and kept[-1] == pytest.approx(high, abs=2e-4)

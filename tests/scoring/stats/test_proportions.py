import numpy as np
import pytest

from scoring.stats.proportions import mcnemar, paired_interval

# (lost, won, cases, low, high, exact p): M. Fagerland, S. Lydersen and P. Laake, Statistical Analysis of Contingency
# Tables (2017), chapter 8, as their R package contingencytables prints them.
BENTUR = (7, 1, 21, -0.517, -0.026, 0.070)
CAVO = (16, 6, 161, -0.1240, -0.0054, 0.052479)


@pytest.mark.parametrize(("lost", "won", "n", "low", "high", "p"), [BENTUR, CAVO])
def test_interval_and_test_are_those_of_the_textbook(lost, won, n, low, high, p):
    assert paired_interval(lost, won, n) == pytest.approx((low, high), abs=6e-4)
    assert mcnemar(lost, won) == pytest.approx(p, abs=5e-4)


def test_tangos_own_example():
    """T. Tango, Statistics in Medicine 17 (1998): two disinfections of lenses, effective on 44 and on 43 of 44."""
    low, high = paired_interval(1, 0, 44)
    assert low == pytest.approx(-0.1181, abs=1e-4) and high == pytest.approx(0.0594, abs=1e-4)


def test_fays_example_of_the_exact_test():
    """M. Fay, Exact McNemar's test and matching confidence intervals (R package exact2x2): 2 and 9, p 0.06543."""
    assert mcnemar(2, 9) == mcnemar(9, 2) == pytest.approx(0.06543, abs=1e-5)


@pytest.mark.parametrize(("lost", "won", "n"), [(0, 0, 20), (0, 0, 5000), (20, 0, 20), (3, 9, 240), (700, 640, 5000)])
def test_the_interval_mirrors_when_sides_are_swapped_and_never_has_no_width(lost, won, n):
    low, high = paired_interval(lost, won, n)
    assert paired_interval(won, lost, n) == pytest.approx((-high, -low), abs=1e-9)
    assert -1 <= low <= (won - lost) / n <= high <= 1 and high - low > 0.0005


def test_where_nothing_changed_the_interval_is_the_closed_one():
    """Tango's statistic is then -sqrt(n d / (1 - d)), so d = z^2 / (n + z^2)."""
    reach = 1.959964**2 / (50 + 1.959964**2)
    assert paired_interval(0, 0, 50) == pytest.approx((-reach, reach), abs=1e-6)


def test_large_counts_do_not_overflow():
    assert mcnemar(0, 0) == 1 and mcnemar(50_000, 50_000) == 1
    assert mcnemar(40_000, 41_000) == pytest.approx(0.00045, abs=5e-5)  # the normal approximation: z 3.51


@pytest.mark.parametrize(("n", "lost", "won"), [(20, 0.1, 0.1), (60, 0.02, 0.05), (240, 0.05, 0.02), (40, 0.3, 0.1)])
def test_the_interval_covers_the_truth_nineteen_times_in_twenty(n, lost, won):
    random = np.random.default_rng(20)
    draws = random.multinomial(n, [lost, won, 1 - lost - won], size=1500)
    ends = {tuple(draw): paired_interval(draw[0], draw[1], n) for draw in np.unique(draws, axis=0)}
    covered = np.mean([ends[tuple(draw)][0] <= won - lost <= ends[tuple(draw)][1] for draw in draws])
    assert 0.935 <= covered <= 0.99


def test_the_exact_test_is_wrong_at_most_once_in_twenty():
    random = np.random.default_rng(21)
    draws = random.multinomial(100, [0.08, 0.08, 0.84], size=3000)
    assert np.mean([mcnemar(lost, won) < 0.05 for lost, won, _ in draws]) <= 0.05


@pytest.mark.parametrize("counts", [(-1, 0, 5), (3, 3, 5), (0, 0, 0)])
def test_what_cannot_be_is_refused(counts):
    with pytest.raises(ValueError):
        paired_interval(*counts)

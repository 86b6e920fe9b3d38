import itertools
import math

import numpy as np
import pytest

from scoring.stats.sizes import Spread, cases_for_interval, cases_to_tell, detectable, plans, spread, unpaired_spread


def test_a_poll_within_three_points_needs_the_thousand_everybody_knows():
    assert cases_for_interval(0.5, 0.03) == 1068


def test_a_medium_effect_between_two_groups_takes_63_of_each():
    """J. Cohen, A power primer, Psychological Bulletin 112 (1992), table 2: d = 0.5, power 0.8, 64 by t, which is one
    more than the normal approximation gives."""
    assert cases_to_tell(math.sqrt(2), 0.5) == 63


def test_more_power_and_smaller_differences_take_more():
    assert cases_to_tell(1, 0.5) == 32 and cases_to_tell(1, 0.5, 0.9) == 43 and cases_to_tell(1, 0.25) == 126


@pytest.mark.parametrize("call", [lambda: cases_for_interval(1, 0), lambda: cases_to_tell(1, 0.1, 1.0),
                                  lambda: cases_to_tell(-1, 0.1), lambda: cases_to_tell(math.nan, 0.1)])  # fmt: skip
def test_what_cannot_be_answered_is_refused(call):
    with pytest.raises(ValueError):
        call()


def test_what_can_be_seen_is_the_converse_of_what_it_takes():
    assert cases_to_tell(0.4, detectable(0.4, 240)) in (240, 241)
    assert detectable(0.4, 240) == pytest.approx(0.0723, abs=1e-4)


def test_a_benchmark_needs_a_thousand_questions_for_three_points():
    """E. Miller, Adding error bars to evals (arXiv 2411.00640), 5: a variance of the questions' differences of 1/9 and
    answers without noise take 969 questions to see 3 points."""
    assert cases_to_tell(1 / 3, 0.03) == pytest.approx(969, abs=1)


def test_epochs_take_the_noise_and_leave_the_cases():
    """Three epochs of 180 in place of 420: noise makes up most of the differences here."""
    made = Spread(between=0.08, within=0.20, cases=100)
    assert [made.deviation(n) for n in (1, 4)] == pytest.approx([0.2154, 0.1281], abs=1e-4)
    options = plans(made, 0.03)
    assert options[0] == (1, cases_to_tell(0.2154066, 0.03)) and options[1][0] == 2
    assert all(after < 0.91 * before for (_, before), (_, after) in itertools.pairwise(options))
    assert len(plans(Spread(0.2, None, 100), 0.03)) == 1  # no repeats: nothing is known of what epochs would take away


def test_no_plan_is_below_the_cases_that_a_comparison_needs_at_all():
    assert plans(Spread(0.1, None, 100), 0.2) == [(1, 15)]
    assert plans(Spread(0.1, 0.9, 100), 0.3) == [(1, 72), (2, 37), (3, 25), (4, 19), (5, 16)]


def test_the_spread_parts_what_is_the_cases_from_what_is_chance():
    random = np.random.default_rng(60)
    effect, cases = random.normal(0, 0.3, size=1500), []
    for own in effect:
        cases.append((list(random.normal(0, 0.5, size=3)), list(random.normal(own, 0.4, size=2))))
    found = spread(cases)
    assert found.between == pytest.approx(0.3, abs=0.04) and found.within == pytest.approx(0.64, abs=0.02)
    assert spread([([1.0], [0.0]), ([0.0], [0.0])]).within is None
    assert spread([([1.0], [0.0])]) is None and spread([([], [1.0])] * 5) is None


def test_one_side_alone_counts_twice():
    random = np.random.default_rng(61)
    cases = [list(random.normal(middle, 0.5, size=4)) for middle in random.normal(0, 0.3, size=1500)]
    found = unpaired_spread(cases)
    assert found.between == pytest.approx(0.3 * 2**0.5, abs=0.04)
    assert found.within == pytest.approx(0.5 * 2**0.5, abs=0.02)
    assert unpaired_spread([[1.0]]) is None

import math

import pytest

from scoring.stats.sizes import cases_for_interval, cases_to_tell


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

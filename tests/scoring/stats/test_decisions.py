import re
from functools import cache

import numpy as np
import pytest

from scoring.stats.decisions import Kept, Verdict, decide, kept, not_worse
from scoring.stats.paired import paired


@cache
def flips(lost: int, won: int, n: int):
    """`n` cases of which so many passed and now fail, or the other way; the rest pass in both."""
    same = n - lost - won
    return paired([1] * lost + [0] * won + [1] * same, [0] * lost + [1] * won + [1] * same, shares=True)


@pytest.mark.parametrize(
    ("found", "how", "verdict", "says"),
    [
        (flips(5, 30, 240), {}, Verdict.BETTER, r"\+10.4 points"),
        (flips(30, 5, 240), {}, Verdict.WORSE, "-10.4 points"),
        (flips(30, 5, 240), {"lower": True}, Verdict.BETTER, "-10.4 points"),
        (flips(9, 11, 2000), {"margin": 0.02}, Verdict.SAME, "within 2 points"),
        (flips(0, 0, 400), {"margin": 0.02}, Verdict.SAME, "within 2 points"),
        (flips(0, 0, 50), {"margin": 0.02}, Verdict.UNSURE, "hardly tell|-7.1"),
        (flips(14, 22, 240), {}, Verdict.UNSURE, "about .* more cases would tell"),
        (flips(16, 6, 161), {}, Verdict.UNSURE, "exact test is not as sure"),
        (flips(5, 16, 240), {"adjusted": 0.07}, Verdict.UNSURE, "one of so many metrics"),
        (flips(1, 3, 8), {}, Verdict.UNSURE, "1 lost and 3 won of 8 cases, too few"),
        (paired([], []), {}, Verdict.UNSURE, "no case is in both"),
        (paired([2.0] * 30, [2.0] * 30), {}, Verdict.SAME, "no case differs"),
        (paired([2.0] * 30, [3.0] * 30), {}, Verdict.BETTER, "without interval"),
    ],
)
def test_the_verdict_is_what_interval_and_test_say_together(found, how, verdict, says):
    decision = decide(found, **how)
    assert decision.verdict == verdict
    assert re.search(says, decision.words), decision.words


def test_more_cases_as_many_as_the_plan_for_what_was_seen():
    """22 won and 14 lost of 240: 3.3 points at a deviation of 0.386 take about 1,053 cases, so 820 more."""
    assert decide(flips(14, 22, 240)).more == 820


def test_a_margin_may_need_fewer_cases_than_zero_does():
    """Next to no difference: to see it would take for ever, to see that it is within 3 points does not."""
    found = flips(12, 13, 300)
    assert decide(found).more > 10_000 > decide(found, margin=0.03).more > 0


@pytest.mark.parametrize(
    ("low", "high", "bound", "answer"),
    [(-0.01, 0.05, -0.02, Kept.YES), (-0.09, -0.03, -0.02, Kept.NO), (-0.05, 0.01, -0.02, Kept.UNSURE),
     (None, None, -0.02, Kept.UNSURE)],
)  # fmt: skip
def test_a_bound_is_kept_broken_or_neither(low, high, bound, answer):
    assert kept(low, high, bound) == answer


@pytest.mark.parametrize(
    ("found", "margin", "lower", "answer"),
    [
        (flips(10, 12, 1000), 0.02, False, Kept.YES),
        (flips(30, 5, 240), 0.02, False, Kept.NO),
        (flips(12, 6, 240), 0.02, False, Kept.UNSURE),
        (flips(12, 6, 240), None, False, Kept.YES),  # without a margin only what is seen to be worse fails
        (flips(30, 5, 240), None, False, Kept.NO),
        (flips(30, 5, 240), None, True, Kept.YES),
        (flips(2, 1, 10), 0.02, False, Kept.UNSURE),
        (paired([2.0] * 30, [2.0] * 30), 0.1, False, Kept.YES),
    ],
)
def test_not_worse_by_a_margin(found, margin, lower, answer):
    assert not_worse(found, margin, lower=lower) == answer


def test_a_margin_must_be_a_width():
    with pytest.raises(ValueError):
        decide(flips(1, 2, 50), margin=0)


def test_non_inferiority_passes_what_is_worse_by_the_margin_once_in_forty():
    """At a true loss of exactly the margin a pass is wrong; also with epochs averaged, where t takes the place of z."""
    random = np.random.default_rng(50)
    wrong, n = 0, 1000
    for _ in range(n):
        lost, won, _ = random.multinomial(300, [0.10, 0.05, 0.85])
        wrong += not_worse(flips(lost, won, 300), 0.05) == Kept.YES
    assert wrong / n <= 0.035


def test_equal_systems_get_better_or_worse_at_most_once_in_twenty():
    random = np.random.default_rng(51)
    verdicts = []
    for _ in range(1000):
        lost, won, _ = random.multinomial(120, [0.08, 0.08, 0.84])
        verdicts.append(decide(flips(lost, won, 120)).verdict)
    assert np.mean([verdict in (Verdict.BETTER, Verdict.WORSE) for verdict in verdicts]) <= 0.05


def test_the_plan_delivers_the_power_it_promises():
    """With as many cases as `cases_to_tell` says, four of five true differences are seen."""
    from scoring.stats.sizes import cases_to_tell

    n = cases_to_tell((0.15 - 0.05**2) ** 0.5, 0.05)  # 10 % won, 5 % lost
    random = np.random.default_rng(52)
    seen = 0
    for _ in range(400):
        lost, won, _ = random.multinomial(n, [0.05, 0.10, 0.85])
        seen += decide(flips(lost, won, n)).verdict == Verdict.BETTER
    assert 0.74 <= seen / 400 <= 0.86

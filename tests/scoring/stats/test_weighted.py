"""Sums give what the cases themselves give, and the interval holds what it promises, by simulation with fixed seeds."""

import numpy as np
import pytest

from scoring.stats.estimates import Z
from scoring.stats.means import mean, rate_of
from scoring.stats.quantiles import bounds
from scoring.stats.rates import rate
from scoring.stats.weighted import Sums, weighted_mean, weighted_rate


def sums_of(x, p, draws=None):
    """As the database adds up: by draw, then over draws."""
    draws = range(len(x)) if draws is None else draws
    by_draw: dict[object, list[float]] = {}
    for value, chance, draw in zip(x, p, draws, strict=True):
        found = by_draw.setdefault(draw, [0.0, 0.0])
        found[0] += 1 / chance
        found[1] += value / chance
    w, a = np.array(list(by_draw.values())).T
    return Sums(len(x), len(w), w.sum(), a.sum(), (w * w).sum(), (w * a).sum(), (a * a).sum())


def drawn(seed, n=400):
    rng = np.random.default_rng(seed)
    p = rng.choice([0.05, 0.3, 1.0], n)
    return rng, p, rng.normal(3, 1, n) + p


def test_a_mean_is_the_one_of_the_cases():
    _, p, x = drawn(1)
    ours, theirs = weighted_mean(sums_of(x, p)), mean(x, weights=1 / p)
    assert (ours.value, ours.effective) == pytest.approx((theirs.value, theirs.effective))
    assert ours.high - ours.low >= theirs.high - theirs.low  # fewer degrees of freedom, by what the draws are worth


def test_a_rate_is_the_one_of_the_cases():
    rng, p, _ = drawn(2)
    x = rng.random(len(p)) < 0.7
    ours, theirs = weighted_rate(sums_of(x.astype(float), p)), rate_of(x, weights=1 / p)
    assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high))


def test_a_rate_of_cases_all_alike_is_the_plain_one():
    x = [1.0] * 37 + [0.0] * 13
    ours, plain = weighted_rate(sums_of(x, [1.0] * 50)), rate(37, 50)
    assert (ours.value, ours.low, ours.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_spans_of_a_trace_are_one_draw():
    rng, p, x = drawn(3)
    traces = rng.integers(0, 80, len(x))
    p = np.full(len(x), 0.2)
    ours, theirs = weighted_mean(sums_of(x, p, traces)), mean(x, weights=1 / p, clusters=list(traces))
    assert ours.value == pytest.approx(theirs.value)
    half = (theirs.high - theirs.low) / 2
    assert (ours.high - ours.low) / 2 == pytest.approx(half, rel=0.02)


def test_sums_of_parts_are_the_sums_of_the_whole():
    _, p, x = drawn(4)
    parts = sums_of(x[:100], p[:100]) + sums_of(x[100:], p[100:])
    whole = sums_of(x, p)
    assert all(getattr(parts, name) == pytest.approx(getattr(whole, name)) for name in Sums.__slots__)


@pytest.mark.parametrize(
    ("x", "p", "says"),
    [
        ([], [], "no cases"),
        ([1.0] * 14, [1.0] * 14, "14 cases: too few"),
        ([1.0, 0.0] * 10, [1.0] * 19 + [0.001], "20 cases, worth 1: too few"),
    ],
)
def test_too_few_cases_show_their_number_alone(x, p, says):
    found = weighted_rate(sums_of(x, p) if x else Sums())
    assert found.value is None and says in found.text


def test_equal_values_have_no_interval_and_say_so():
    found = weighted_mean(sums_of([2.5] * 30, [0.5] * 30))
    assert (found.value, found.low) == (2.5, None) and "all 30 values are equal" in found.text


def test_all_passing_still_has_an_interval_of_some_width():
    found = weighted_rate(sums_of([1.0] * 40, [0.1] * 40))
    assert found.value == 1.0 and 0.85 < found.low < 0.95 and found.high == 1.0


def test_the_interval_holds_the_truth_where_two_rules_draw_unevenly():
    """20,000 records, of which those that one rule draws rarely pass more often: the plain rate is far off, the
    weighted one is not, and 95 % of the intervals hold the truth."""
    rng = np.random.default_rng(7)
    rare = rng.random(20_000) < 0.5
    p = np.where(rare, 0.01, 0.1)
    x = (rng.random(20_000) < np.where(rare, 0.9, 0.5)).astype(float)
    truth, held, estimates, plain = x.mean(), 0, [], []
    for _ in range(400):
        taken = rng.random(20_000) < p
        found = weighted_rate(_vector_sums(x[taken], p[taken]))
        held += found.low <= truth <= found.high
        estimates.append(found.value)
        plain.append(x[taken].mean())
    assert 0.93 <= held / 400 <= 0.98
    assert abs(np.mean(estimates) - truth) < 0.01 < 0.1 < abs(np.mean(plain) - truth)


def test_the_interval_holds_the_truth_where_whole_traces_are_drawn():
    rng = np.random.default_rng(8)
    traces = np.repeat(np.arange(4_000), 5)
    x = rng.normal(0, 1, 4_000)[traces] + rng.normal(0, 0.5, 20_000)
    held = naive = 0
    for _ in range(300):
        taken = (rng.random(4_000) < 0.05)[traces]
        w, a = 5 / 0.05, x[taken].reshape(-1, 5).sum(axis=1) / 0.05
        g = len(a)
        found = weighted_mean(Sums(5 * g, g, g * w, a.sum(), g * w * w, w * a.sum(), (a * a).sum()))
        alone = weighted_mean(_vector_sums(x[taken], np.full(5 * g, 0.05)))
        held += found.low <= x.mean() <= found.high
        naive += alone.low <= x.mean() <= alone.high
    assert 0.92 <= held / 300 <= 0.985 and naive / 300 < 0.85


def test_the_ranks_around_a_quantile_hold_it():
    rng = np.random.default_rng(9)
    truth = float(np.quantile(rng.exponential(2, 1_000_000), 0.95))
    low, high = bounds(300, 0.95)
    held = 0
    for _ in range(500):
        values = np.sort(rng.exponential(2, 300))
        held += values[int(np.ceil(low * 300)) - 1] <= truth <= values[min(299, int(np.ceil(high * 300)) - 1)]
    assert 0.92 <= held / 500 <= 0.99
    assert bounds(30, 0.95) is None  # the largest of thirty does not bound it


def _vector_sums(x, p):
    w = 1 / p
    a = w * x
    return Sums(len(x), len(x), w.sum(), a.sum(), (w * w).sum(), (w * a).sum(), (a * a).sum())


def test_the_level_is_the_one_of_every_other_interval():
    assert pytest.approx(1.96, abs=0.001) == Z

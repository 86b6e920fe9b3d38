"""Means and rates from sums alone, so that a database can add up what nobody could read one by one.

Cases were drawn with unequal probabilities, several at a time (the spans of one trace): those are one *draw*. With
w = 1/p the weight and x the value of a case, a draw counts as W = sum of w and A = sum of wx over its cases.

    mean = sum A / sum W        var = G/(G-1) * sum (A - mean W)^2 / (sum W)^2        over G draws

The mean is Hajek's, the ratio of two Horvitz-Thompson totals (D. Horvitz and D. Thompson, JASA 47, 1952; J. Hajek, in:
Foundations of Statistical Inference, 1971); the variance its linearization, with draws taken as if they were put back
(C.-E. Sarndal, B. Swensson and J. Wretman, Model Assisted Survey Sampling, 1992, sections 2.9 and 5.7). That is never
narrower than without, and with every case drawn it is the interval of what the application does, not of what it did.
"""

import math
from dataclasses import dataclass, fields

from scoring.stats.estimates import FEW, LEVEL, Estimate, counted, number, percent, unknown
from scoring.stats.rates import wilson

SAME = 1e-12  # of the squares that are left of a difference: below it is rounding


@dataclass(frozen=True, slots=True)
class Sums:
    """Of `n` cases in `draws`; the sums are over draws. They add up."""

    n: int = 0
    draws: int = 0
    w: float = 0.0
    wx: float = 0.0
    ww: float = 0.0  # W^2
    wwx: float = 0.0  # W A
    wwxx: float = 0.0  # A^2

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Sums)))

    @property
    def effective(self) -> float:
        """Kish's effective number of draws."""
        return self.w**2 / self.ww if self.ww else 0.0

    @property
    def variance(self) -> float:
        """Of the mean; 0 where the residuals cancel out. Needs two draws."""
        middle = self.wx / self.w
        squares = self.wwxx - 2 * middle * self.wwx + middle * middle * self.ww
        if squares <= SAME * (self.wwxx + middle * middle * self.ww):
            return 0.0
        return self.draws / (self.draws - 1) * squares / self.w**2


def weighted_mean(sums: Sums) -> Estimate:
    """The mean with a t interval; below 15 cases the count alone."""
    from scipy.special import stdtrit  # a quarter of a second that rates do not need

    if sums.n < FEW or sums.draws < 2:
        return _too_few(sums, "mean")
    middle, variance = sums.wx / sums.w, sums.variance
    if variance == 0:
        same = f"{number(middle)}, without interval: all {sums.n:,} values are equal"
        return Estimate(middle, None, None, sums.n, same, sums.effective)
    half = float(stdtrit(max(1.0, sums.effective - 1), 0.5 + LEVEL / 2)) * math.sqrt(variance)
    said = f"{number(middle)} ({number(middle - half)} to {number(middle + half)}), {_of(sums)}"
    return Estimate(middle, middle - half, middle + half, sums.n, said, sums.effective)


def weighted_rate(sums: Sums) -> Estimate:
    """The share of ones among zeros and ones, with Wilson's interval at the n that would give the same variance
    (E. Korn and B. Graubard, Survey Methodology 24, 1998); below 15 cases, or cases worth 15, the counts alone."""
    if sums.n < FEW or sums.draws < 2:
        return _too_few(sums, "rate")
    share, variance = sums.wx / sums.w, sums.variance
    share = min(1.0, max(0.0, share))
    if sums.draws == sums.n and sums.effective > sums.n - 0.5:
        worth = float(sums.n)  # all alike: as stats.rates.rate
    else:
        worth = min(share * (1 - share) / variance, sums.n) if variance and 0 < share < 1 else sums.effective
    if (least := min(worth, sums.effective)) < FEW:  # a few draws that outweigh all others have no variance to see
        return _too_few(sums, "rate", least)
    low, high = wilson(share, worth)
    said = f"{percent(share)} ({percent(low)} to {percent(high)}), {_of(sums)}"
    return Estimate(share, low, high, sums.n, said, worth)


def _too_few(sums: Sums, noun: str, worth: float | None = None) -> Estimate:
    if not sums.n:
        return unknown(0, "no cases")
    said = f", worth {worth:.0f}" if worth is not None and round(worth) < sums.n else ""
    return Estimate(None, None, None, sums.n, f"{counted(sums.n, 'case')}{said}: too few for a {noun}", worth)


def _of(sums: Sums) -> str:
    said = counted(sums.n, "case")
    return said if round(sums.effective) >= sums.n else f"{said}, worth {sums.effective:,.0f}"

"""Means and rates of cases that need not be independent (they share a session) nor equally likely to be drawn."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from scoring.stats.estimates import FEW, LEVEL, Estimate, counted, number, percent, unknown
from scoring.stats.rates import rate, wilson


def mean(
    values: Sequence[float], *, weights: Sequence[float] | None = None, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """The mean with a t interval.

    `weights` are 1/p with p the probability with which the case was drawn: Hajek's estimator, the weighted sum over
    the sum of weights (J. Hajek, in: Foundations of Statistical Inference, 1971), its variance by linearization; the
    effective n is Kish's (sum w)^2 / sum w^2. `clusters` say which cases belong together: their residuals are added up
    before they are squared, with G/(G-1) for G clusters (K.-Y. Liang and S. Zeger, Biometrika 73, 1986; for
    evaluations, E. Miller, Adding error bars to evals, arXiv 2411.00640) and t at the `freedom` of their sizes. Without
    either it is Student's interval. Raises ValueError where lengths differ or a value is not finite, or a weight not
    positive.
    """
    x, w = _arrays(values, weights)
    groups = _groups(clusters, len(x))
    if not len(x):
        return unknown(0, "no cases yet")
    middle = float(np.average(x, weights=w))
    effective = _kish(w)
    if groups < 2:
        one = "only one case" if len(x) == 1 else "all cases belong to one group"
        return Estimate(middle, None, None, len(x), f"{number(middle)}, without interval: {one}", effective)
    if np.ptp(x) == 0:
        same = f"{number(middle)}, without interval: all {len(x):,} values are equal"
        return Estimate(middle, None, None, len(x), same, effective)
    error = math.sqrt(_variance(x, w, middle, clusters))
    if error == 0:  # within each cluster the residuals cancel out
        same = f"{number(middle)}, without interval: all {groups:,} groups have the same mean"
        return Estimate(middle, None, None, len(x), same, effective)
    half = float(stdtrit(freedom(clusters, groups), 0.5 + LEVEL / 2)) * error
    said = f"{number(middle)} ({number(middle - half)} to {number(middle + half)}), {_of(len(x), groups, effective)}"
    return Estimate(middle, middle - half, middle + half, len(x), said, effective)


def rate_of(
    passed: Sequence[bool], *, weights: Sequence[float] | None = None, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """As `mean`, of cases that passed or not: Wilson's interval at the n that would give the same variance.

    That n is p(1-p) over the variance; where all or none passed it is the smaller of Kish's and the number of clusters.
    (E. Korn and B. Graubard, Survey Methodology 24, 1998, do the same with Clopper and Pearson's interval.)
    """
    if weights is None and clusters is None:
        return rate(int(np.count_nonzero(passed)), len(passed))
    x, w = _arrays([float(value) for value in passed], weights)
    groups = _groups(clusters, len(x))
    if not len(x):
        return unknown(0, "no cases yet")
    count = int(x.sum())
    share = float(np.average(x, weights=w))
    variance = _variance(x, w, share, clusters) if groups > 1 else 0.0
    effective = share * (1 - share) / variance if variance else min(_kish(w), groups)
    if effective < FEW:
        worth = f", worth {effective:.0f}" if round(effective) < len(x) else ""
        return Estimate(None, None, None, len(x), f"{count:,} of {len(x):,}{worth}, too few for a rate", effective)
    low, high = wilson(share, effective)
    said = f"{percent(share)} ({percent(low)} to {percent(high)}), {_of(len(x), groups, effective)}"
    return Estimate(share, low, high, len(x), said, effective)


def mean_error(
    said: Sequence[float], truth: Sequence[float], *, clusters: Sequence[Hashable] | None = None
) -> Estimate:
    """The mean absolute difference of two series, such as a judge's values and people's."""
    if len(said) != len(truth):
        raise ValueError(f"{len(said)} values against {len(truth)}")
    found = mean([abs(a - b) for a, b in zip(said, truth, strict=True)], clusters=clusters)
    if found.low is not None and found.low < 0:  # a distance has no negative side
        return replace(found, low=0.0, text=found.text.replace(f"({number(found.low)} to", "(0 to"))
    return found


def freedom(clusters: Sequence[Hashable] | None, groups: int) -> float:
    """Degrees of freedom: one less than the number of equal clusters that clusters of such sizes are worth.

    G clusters of one size have G - 1. One that holds most of the cases leaves few, whatever G is: with G - 1 the
    interval would be far too narrow (A. Carter, K. Schnepel and D. Steigerwald, Review of Economics and Statistics 99,
    2017, 698: the effective number of clusters, here with Kish's formula, as if a cluster's cases moved as one).
    """
    if clusters is None:
        return groups - 1
    sizes = np.array(list(Counter(clusters).values()), dtype=float)
    return max(1.0, _kish(sizes) - 1)


def _arrays(values: Sequence[float], weights: Sequence[float] | None) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(values, dtype=float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    if len(w) != len(x):
        raise ValueError(f"{len(w)} weights for {len(x)} values")
    if not (np.isfinite(x).all() and np.isfinite(w).all() and (w > 0).all()):
        raise ValueError("values must be finite, weights finite and positive")
    return x, w


def _groups(clusters: Sequence[Hashable] | None, n: int) -> int:
    if clusters is None:
        return n
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} values")
    return len(set(clusters))


def _variance(x: np.ndarray, w: np.ndarray, middle: float, clusters: Sequence[Hashable] | None) -> float:
    """Of the weighted mean: the clusters' summed residuals, squared and added up, over the squared sum of weights."""
    residuals = w * (x - middle)
    if clusters is not None:
        index: dict[Hashable, int] = {}
        residuals = np.bincount([index.setdefault(name, len(index)) for name in clusters], weights=residuals)
    groups = len(residuals)
    found = groups / (groups - 1) * float(np.square(residuals).sum()) / float(w.sum()) ** 2
    # What is left of a sum of residuals that cancel out is rounding.
    return found if found > 1e-24 * max(1.0, middle * middle) else 0.0


def _kish(w: np.ndarray) -> float:
    return float(w.sum() ** 2 / np.square(w).sum())


def _of(n: int, groups: int, effective: float) -> str:
    said = counted(n, "case")
    if groups < n:
        said += f" in {counted(groups, 'group')}"
    return said if round(effective) >= n or groups < n else f"{said}, worth {effective:,.0f}"

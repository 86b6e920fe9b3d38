"""Two series on the same cases: what changed from the first to the second, and whether chance alone would do that."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from scoring.stats.estimates import FEW, LEVEL, Estimate, Z, counted, number, unknown
from scoring.stats.means import freedom, mean
from scoring.stats.proportions import mcnemar, paired_interval

EXACT, CLUSTERED, STUDENT = "exact McNemar test, Tango's interval", "t interval, clustered", "t interval"
SAME = "no case differs"


@dataclass(frozen=True, slots=True)
class Paired:
    """`change` is the second less the first over `n` pairs, with its interval; `first` and `second` are their means.

    `deviation` is of one pair's difference (of a cluster's, scaled to one pair, where pairs belong together), which is
    what a larger sample divides by the square root of n; `p` is two-sided; both None where the pairs carry none.
    `lost` passed in the first and fail in the second, `won` the other way: only where all values are 0 or 1.
    """

    n: int
    first: float | None
    second: float | None
    change: Estimate
    p: float | None
    deviation: float | None
    lost: int
    won: int
    method: str
    shares: bool


def paired(
    first: Sequence[float],
    second: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    shares: bool = False,
    width: float | None = None,
) -> Paired:
    """`second[i]` against `first[i]`, case by case; a case's epochs are to be averaged before.

    `shares` are pass rates of the cases, 0 to 1. Where each case simply passes or fails and stands by itself, p is of
    McNemar's exact test and the interval Tango's. Else they are of Student's t on the differences, whose residuals are
    added up within `clusters` (see `mean`; E. Miller, Adding error bars to evals, arXiv 2411.00640, 4.2). `width` is
    how far apart two values can be at all (shares: 1). Below 15 pairs there is no interval, only what was seen. Where
    no pair differs the interval is what a share of differing cases could still be, times `width`. Raises ValueError
    where lengths differ or a value is not finite.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values against {len(second)}")
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("values must be finite")
    n, groups = len(a), len(a) if clusters is None else len(set(clusters))
    if clusters is not None and len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} values")
    if not n:
        return Paired(0, None, None, unknown(0, "no case is in both"), None, None, 0, 0, "", shares)
    binary = shares and bool(np.isin(a, (0.0, 1.0)).all() and np.isin(b, (0.0, 1.0)).all())
    lost, won = (int(((a == x) & (b == 1 - x)).sum()) if binary else 0 for x in (1, 0))
    found = Paired(
        n, float(a.mean()), float(b.mean()), unknown(n, ""), None, None, lost, won, EXACT if binary else STUDENT, shares
    )
    if n < FEW:
        return replace(found, change=unknown(n, _few(found, binary)), method="")
    if groups < 2:
        return replace(found, change=unknown(n, f"{_cases(n)} of one group: nothing to compare it with"), method="")
    if binary and groups == n:
        return _of_counts(found)
    return _of_differences(found, b - a, clusters, groups, 1.0 if shares else width)


def _of_counts(found: Paired) -> Paired:
    n, lost, won = found.n, found.lost, found.won
    low, high = paired_interval(lost, won, n)
    value = (won - lost) / n
    deviation = math.sqrt(max(0.0, (won + lost) / n - value * value)) or None
    return replace(found, change=_said(value, low, high, n, True), p=mcnemar(lost, won), deviation=deviation)


def _of_differences(
    found: Paired, differences: np.ndarray, clusters: Sequence[Hashable] | None, groups: int, width: float | None
) -> Paired:
    n, value = found.n, float(differences.mean())
    found = replace(found, method=STUDENT if groups == n else CLUSTERED)
    estimate = mean(differences, clusters=clusters)
    if estimate.has_interval:
        half = (estimate.high - estimate.low) / 2
        df = freedom(clusters, groups)
        error = half / float(stdtrit(df, 0.5 + LEVEL / 2))
        p = 2 * float(stdtr(df, -abs(value) / error))
        low, high = (estimate.low, estimate.high) if width is None else _inside(estimate, width)
        return replace(
            found, change=_said(value, low, high, n, found.shares, groups), p=p, deviation=error * math.sqrt(n)
        )
    if np.ptp(differences) == 0 and value == 0:
        if width is None or groups < FEW:
            return replace(found, change=Estimate(0.0, None, None, n, f"{SAME}, {_cases(n)}"), p=1.0)
        reach = width * Z * Z / (groups + Z * Z)  # Wilson's highest share of cases that differ, none having done so
        return replace(found, change=_said(0.0, -reach, reach, n, found.shares, groups), p=1.0)
    same = f"{signed(value, found.shares)}, without interval: the same in {'all' if groups == n else 'each of the'} "
    same += _cases(n) if groups == n else counted(groups, "group")
    # As many cases that all move the same way: the sign test's p.
    return replace(found, change=Estimate(value, None, None, n, same), p=min(1.0, 2.0 ** (1 - groups)))


def _inside(estimate: Estimate, width: float) -> tuple[float, float]:
    return max(-width, estimate.low), min(width, estimate.high)


def _said(value: float, low: float, high: float, n: int, shares: bool, groups: int | None = None) -> Estimate:
    ends = f"{signed(low, shares, bare=True)} to {signed(high, shares, bare=True)}"
    of = _cases(n) if groups in (None, n) else f"{_cases(n)} in {counted(groups, 'group')}"
    return Estimate(value, low, high, n, f"{signed(value, shares)} ({ends}), {of}", float(groups or n))


def _few(found: Paired, binary: bool) -> str:
    if binary:
        return f"{found.lost} lost and {found.won} won of {_cases(found.n)}, too few for a difference"
    return f"only {_cases(found.n)} in both, too few for a difference"


def signed(change: float, shares: bool, bare: bool = False) -> str:
    """A difference with its sign: shares in points (hundredths), other numbers in three digits."""
    if not shares:
        text = number(change)
        return text if change <= 0 or text == "0" else f"+{text}"
    text = f"{100 * change:+.1f}"
    text = "0.0" if text in ("+0.0", "-0.0") else text
    return text if bare else f"{text} points"


def _cases(n: int) -> str:
    return counted(n, "case")

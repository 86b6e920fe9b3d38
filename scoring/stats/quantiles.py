"""Quantiles of what is only sorted, not read: which ranks bound one. Standard library only."""

import math

from scoring.stats.estimates import Z


def bounds(n: int, share: float) -> tuple[float, float] | None:
    """Between which shares of `n` sorted values the `share` quantile lies in 95 of 100 samples; None where so few
    cannot bound it.

    Distribution-free, by the ranks n q -+ z sqrt(n q (1 - q)) (W. J. Conover, Practical Nonparametric Statistics,
    section 3.2).
    """
    half = Z * math.sqrt(n * share * (1 - share))
    low, high = math.floor(n * share - half), math.ceil(n * share + half) + 1
    return (low / n, high / n) if low >= 1 and high <= n else None

"""Shares of cases, such as a pass rate. Standard library only."""

import math

from scoring.stats.estimates import FEW, Estimate, Z, percent, unknown


def rate(passed: int, total: int) -> Estimate:
    """The share of independent cases that passed, with Wilson's score interval.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). Below 15 cases
    there is no rate, only the counts, in `text`. Raises ValueError unless 0 <= passed <= total.
    """
    if not 0 <= passed <= total:
        raise ValueError(f"{passed} of {total}")
    if total == 0:
        return unknown(0, "no cases yet")
    if total < FEW:
        return unknown(total, f"{passed} of {total}, too few for a rate")
    low, high = wilson(passed / total, total)
    said = f"{percent(passed / total)} ({percent(low)} to {percent(high)}), {passed:,} of {total:,}"
    return Estimate(passed / total, low, high, total, said, float(total))


def wilson(share: float, n: float) -> tuple[float, float]:
    """The interval of a share in n > 0 independent cases, or as many effective ones. Never of no width."""
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return (0.0 if share <= 0 else max(0.0, middle - half)), (1.0 if share >= 1 else min(1.0, middle + half))

"""How many cases it would take. Normal approximation; standard library only."""

import math
from statistics import NormalDist

from scoring.stats.estimates import Z


def cases_for_interval(deviation: float, half: float) -> int:
    """For a mean within +- `half`. `deviation` is the standard deviation of the cases; of a rate p, sqrt(p(1-p))."""
    _positive(deviation, half)
    return math.ceil((Z * deviation / half) ** 2)


def cases_to_tell(deviation: float, difference: float, power: float = 0.8) -> int:
    """For a true difference to be seen with the given chance, two-sided at 5 %.

    `deviation` is that of the paired differences, case by case. For two unpaired groups of equal size it is the
    standard deviation times sqrt(2), and the answer is the size of each group.
    """
    _positive(deviation, difference)
    if not 0.5 <= power < 1:
        raise ValueError(f"a power of {power}")
    return math.ceil(((Z + NormalDist().inv_cdf(power)) * deviation / difference) ** 2)


def _positive(deviation: float, width: float) -> None:
    if not (deviation >= 0 and width > 0 and math.isfinite(deviation)):
        raise ValueError(f"a deviation of {deviation} and a width of {width}")

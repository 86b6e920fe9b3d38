"""Pass or fail of the same cases twice: exact test and interval of what changed. Standard library only."""

import math

from scoring.stats.estimates import Z

STEPS = 40  # halvings of the range: 1e-12


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p that as many cases are lost (passed, now fail) as won, from those that changed alone.

    Q. McNemar, Psychometrika 12 (1947), with the binomial distribution in place of its approximation. 1 where none
    changed. Raises ValueError for negative counts.
    """
    if min(lost, won) < 0:
        raise ValueError(f"{lost} lost, {won} won")
    changed, fewer = lost + won, min(lost, won)
    tail = sum(math.exp(_log_choose(changed, k) - changed * math.log(2)) for k in range(fewer + 1))
    return min(1.0, 2 * tail)


def paired_interval(lost: int, won: int, n: int) -> tuple[float, float]:
    """The ends of the 95 % score interval of the share that passes now less the share that passed before, in -1 to 1.

    T. Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample design,
    Statistics in Medicine 17 (1998), 891: all differences that his score test does not reject; found by halving. Never
    of no width, also where no case changed. Raises ValueError unless 0 <= lost + won <= n and n > 0.
    """
    if min(lost, won) < 0 or not 0 < n >= lost + won:
        raise ValueError(f"{lost} lost and {won} won of {n}")
    value = (won - lost) / n
    return _end(lost, won, n, -1.0, value), _end(lost, won, n, 1.0, value)


def _end(lost: int, won: int, n: int, outer: float, inner: float) -> float:
    """Where between `outer`, rejected, and `inner`, what was seen, the test begins to reject."""
    for _ in range(STEPS):
        middle = (outer + inner) / 2
        if abs(_score(lost, won, n, middle)) > Z:
            outer = middle
        else:
            inner = middle
    return outer


def _score(lost: int, won: int, n: int, difference: float) -> float:
    """Tango's statistic: how far what was seen is from `difference`, in standard errors under it."""
    off = won - lost - n * difference
    b = -won - lost + (2 * n - won + lost) * difference
    c = -lost * difference * (1 - difference)
    likeliest = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)  # share of the lost, if that difference is true
    variance = n * (2 * likeliest + difference * (1 - difference))
    if variance <= 0:
        return math.copysign(math.inf, off) if off else 0.0
    return off / math.sqrt(variance)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

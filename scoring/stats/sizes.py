"""How many cases it would take, and what those there are can see. Normal approximation; standard library only."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

from scoring.stats.estimates import FEW, Z

POWER = 0.8
MOST_EPOCHS = 10


def cases_for_interval(deviation: float, half: float) -> int:
    """For a mean within +- `half`. `deviation` is the standard deviation of the cases; of a rate p, sqrt(p(1-p))."""
    _positive(deviation, half)
    return math.ceil((Z * deviation / half) ** 2)


def cases_to_tell(deviation: float, difference: float, power: float = POWER) -> int:
    """For a true difference to be seen with the given chance, two-sided at 5 %.

    `deviation` is that of the paired differences, case by case. For two unpaired groups of equal size it is the
    standard deviation times sqrt(2), and the answer is the size of each group.
    """
    _positive(deviation, difference)
    return math.ceil((_factor(power) * deviation / difference) ** 2)


def detectable(deviation: float, cases: int, power: float = POWER) -> float:
    """The smallest true difference that so many cases show with the given chance; the converse of `cases_to_tell`."""
    _positive(deviation, cases)
    return _factor(power) * deviation / math.sqrt(cases)


@dataclass(frozen=True, slots=True)
class Spread:
    """How differently cases come out. `between` is the standard deviation of the cases' true differences, `within` of
    what chance adds in one epoch of both sides; None where no case was repeated, then `between` holds both.

    More epochs make only `within` smaller: E. Miller, Adding error bars to evals, arXiv 2411.00640, 5.
    """

    between: float
    within: float | None
    cases: int

    def deviation(self, epochs: int = 1) -> float:
        """Of one case's difference, its epochs averaged."""
        return math.sqrt(self.between**2 + (self.within or 0.0) ** 2 / epochs)


def spread(cases: Iterable[tuple[Sequence[float], Sequence[float]]]) -> Spread | None:
    """From the epochs of each case on the one side and on the other; None below two cases."""
    found = [(first, second) for first, second in cases if first and second]
    if len(found) < 2:
        return None
    whole = variance([fmean(second) - fmean(first) for first, second in found])
    noises = [_pooled([pair[side] for pair in found]) for side in (0, 1)]
    if None in noises:
        return Spread(math.sqrt(whole), None, len(found))
    noise = fmean(noises[0] / len(first) + noises[1] / len(second) for first, second in found)
    return Spread(math.sqrt(max(0.0, whole - noise)), math.sqrt(sum(noises)), len(found))


def unpaired_spread(cases: Iterable[Sequence[float]]) -> Spread | None:
    """Of one side alone, as if a second were as varied and not related to it: the most that may be needed."""
    found = [values for values in cases if values]
    if len(found) < 2:
        return None
    whole, noise = variance([fmean(values) for values in found]), _pooled(found)
    if noise is None:
        return Spread(math.sqrt(2 * whole), None, len(found))
    between = whole - fmean(noise / len(values) for values in found)
    return Spread(math.sqrt(2 * max(0.0, between)), math.sqrt(2 * noise), len(found))


def plans(found: Spread, difference: float, power: float = POWER) -> list[tuple[int, int]]:
    """(epochs, cases) that would each show the difference; more epochs only while they save a tenth of the cases.
    Never below the 15 cases without which `paired` shows no difference at all."""
    options = [(1, max(FEW, cases_to_tell(found.deviation(1), difference, power)))]
    if found.within:
        for epochs in range(2, MOST_EPOCHS + 1):
            cases = max(FEW, cases_to_tell(found.deviation(epochs), difference, power))
            if cases > 0.9 * options[-1][1]:
                break
            options.append((epochs, cases))
    return options


def rounded(n: int) -> int:
    """Up to two digits: more would look exact."""
    step = 10 ** max(0, len(str(n)) - 2)
    return math.ceil(n / step) * step


def _pooled(sides: list[Sequence[float]]) -> float | None:
    """The variance within cases, over those that were repeated."""
    repeated = [values for values in sides if len(values) > 1]
    if not repeated:
        return None
    freedom = sum(len(values) - 1 for values in repeated)
    return sum(variance(values) * (len(values) - 1) for values in repeated) / freedom


def _factor(power: float) -> float:
    if not 0.5 <= power < 1:
        raise ValueError(f"a power of {power}")
    return Z + NormalDist().inv_cdf(power)


def _positive(deviation: float, width: float) -> None:
    if not (deviation >= 0 and width > 0 and math.isfinite(deviation)):
        raise ValueError(f"a deviation of {deviation} and a width of {width}")

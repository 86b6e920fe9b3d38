"""From a difference with its interval to a word: better, worse, no difference, cannot tell. Pure."""

import math
from dataclasses import dataclass
from enum import StrEnum

from scoring.stats.estimates import number
from scoring.stats.paired import SAME, Paired
from scoring.stats.sizes import cases_to_tell, rounded

ALPHA = 0.05
MOST_CASES = 1_000_000  # beyond it, how many more would be needed is no advice


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "no difference"
    UNSURE = "cannot tell yet"


class Kept(StrEnum):
    """Whether a bound is kept."""

    YES = "pass"
    NO = "fail"
    UNSURE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Decision:
    """`more`: about so many cases beyond those there are would tell; None where it tells already, or none would."""

    verdict: Verdict
    words: str
    more: int | None = None


def decide(
    found: Paired, *, margin: float | None = None, adjusted: float | None = None, lower: bool = False
) -> Decision:
    """What the second is against the first.

    No difference: the whole interval lies within +- `margin`, in the units of the values (shares: 0.02 is 2 points).
    Better or worse: the whole interval lies on one side of zero, and so says the test, with its p `adjusted` for the
    other metrics of the panel (`holm`). Else it cannot be told. With `lower`, less is better.
    """
    if margin is not None and not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"a margin of {margin}")
    change, p = found.change, found.p if adjusted is None else adjusted
    if change.value is None or p is None:
        return Decision(Verdict.UNSURE, change.text)
    low, high = (change.low, change.high) if change.has_interval else (change.value, change.value)
    if margin is not None and -margin < low and high < margin:
        return Decision(Verdict.SAME, f"within {within(margin, found.shares)}")
    if not change.has_interval and change.value == 0:
        return Decision(Verdict.SAME, SAME)
    if (low > 0 or high < 0) and p < ALPHA:
        return Decision(Verdict.BETTER if (change.value > 0) != lower else Verdict.WORSE, change.text)
    if low > 0 or high < 0:
        why = "one of so many metrics may differ by chance"
        if found.p >= ALPHA:
            why, p = "the exact test is not as sure as the interval", found.p
        return Decision(Verdict.UNSURE, f"{why} (p {p:.2g})", _more(found, margin))
    more = _more(found, margin)
    return Decision(Verdict.UNSURE, f"about {more:,} more cases would tell" if more else _no_number(found), more)


def kept(low: float | None, high: float | None, bound: float) -> Kept:
    """Whether something is above `bound`, from its 95 % interval: all of it above, all of it below, or neither.

    With a bound of minus the margin on a difference this is the test of non-inferiority, at 2.5 % one-sided (G. Piaggio
    and others, CONSORT, JAMA 308, 2012, 2594).
    """
    if low is None or high is None:
        return Kept.UNSURE
    if low > bound:
        return Kept.YES
    return Kept.NO if high < bound else Kept.UNSURE


def not_worse(found: Paired, margin: float | None, *, lower: bool = False) -> Kept:
    """Whether the second is no worse than the first by `margin` or more; without one, no worse as far as can be seen:
    then only an interval that lies wholly on the worse side, with a test that says so too, breaks it."""
    change = found.change
    if change.value is None:
        return Kept.UNSURE
    sign = -1 if lower else 1
    ends = sorted(sign * end for end in (change.low, change.high)) if change.has_interval else [sign * change.value] * 2
    if margin is None:
        worse = decide(found, lower=lower).verdict == Verdict.WORSE
        return Kept.NO if worse else Kept.YES
    return kept(*ends, -margin)


def within(margin: float, shares: bool) -> str:
    if not shares:
        return number(margin)
    points = f"{100 * margin:.3g}"
    return f"{points} point" if points == "1" else f"{points} points"


def _more(found: Paired, margin: float | None) -> int | None:
    """Cases beyond those there are, for this difference to be seen, or seen to be within the margin."""
    if not found.deviation or found.change.value is None:
        return None
    size = abs(found.change.value)
    aims = [size] if margin is None else [size, margin - size]
    needed = [cases_to_tell(found.deviation, aim) for aim in aims if aim > found.deviation * 1e-4]
    more = min(needed, default=0) - found.n
    # The interval does not tell yet, whatever the plan says: a few more at least.
    return None if not needed or more > MOST_CASES else rounded(max(more, found.n // 10, 1))


def _no_number(found: Paired) -> str:
    return "more cases would hardly tell: what was seen is next to nothing" if found.deviation else found.change.text

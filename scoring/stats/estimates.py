"""What every statistic answers: a value, its interval, and both in words."""

from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)  # 1.96
FEW = 15  # cases below which a rate would say more than they do: counts are shown


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` with the ends of its 95 % interval, from `n` cases that are worth `effective` independent ones.

    Where the cases do not carry an interval, `low` and `high` are None; where they do not carry a value, `value` is
    too. `text` says in words what there is, and why not more.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    text: str
    effective: float | None = None

    @property
    def has_interval(self) -> bool:
        return self.low is not None


def unknown(n: int, why: str) -> Estimate:
    return Estimate(None, None, None, n, why)


def percent(share: float) -> str:
    """Whole per cent, but 0 and 100 only for none and all."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def number(value: float) -> str:
    """Three significant digits, thousands written out."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"

"""How far two of them agree on the same records: a judge and people, or two people."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scoring.stats.estimates import FEW, Estimate, Z, unknown
from scoring.stats.rates import rate, wilson

Weighting = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]` records got labels[i] from the first (people, by custom) and labels[j] from the second."""

    labels: list[str]
    counts: list[list[int]]

    @property
    def total(self) -> int:
        return sum(map(sum, self.counts))

    @property
    def agreeing(self) -> int:
        return sum(self.counts[i][i] for i in range(len(self.labels)))

    @property
    def agreement(self) -> Estimate:
        """The share of records on which both say the same. Chance alone gives some of it: see `kappa`."""
        return rate(self.agreeing, self.total)


def confusion(pairs: Sequence[tuple[str, str]], labels: Sequence[str] = ()) -> Confusion:
    """`labels` give the order (of choices that have one); labels met beyond them follow, sorted."""
    met = {label for pair in pairs for label in pair}
    order = [*labels, *sorted(met - set(labels))]
    place = {label: index for index, label in enumerate(order)}
    counts = [[0] * len(order) for _ in order]
    for first, second in pairs:
        counts[place[first]][place[second]] += 1
    return Confusion(order, counts)


def kappa(table: Confusion, weighting: Weighting = "none") -> Estimate:
    """Cohen's kappa: agreement beyond what chance would give, 1 for full, 0 for none of it.

    J. Cohen, Educational and Psychological Measurement 20 (1960), and for ordered labels with weights, Psychological
    Bulletin 70 (1968): near misses count in part, by their distance (linear) or its square. The standard error is that
    of J. Fleiss, J. Cohen and B. Everitt, Psychological Bulletin 72 (1969), for kappa not zero. It is zero where both
    agree on everything: then the interval is that of Wilson's for the agreement, put on kappa's scale.
    """
    n = table.total
    if not n:
        return unknown(0, "no record has both yet")
    if n < FEW:
        return unknown(n, f"they agree on {table.agreeing} of {n}, too few for kappa")
    shares = np.asarray(table.counts, dtype=float) / n
    weights = _weights(len(table.labels), weighting)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed = float((weights * shares).sum())
    by_chance = float(rows @ weights @ columns)
    if by_chance >= 1 - 1e-12:
        return unknown(n, f"both always say the same one thing ({n:,} records): kappa needs two labels that occur")
    value = (observed - by_chance) / (1 - by_chance)
    mean_row, mean_column = weights @ columns, weights.T @ rows  # of row i over the columns, and the other way
    inner = weights - (mean_row[:, None] + mean_column[None, :]) * (1 - value)
    variance = (float((shares * inner**2).sum()) - (value - by_chance * (1 - value)) ** 2) / (n * (1 - by_chance) ** 2)
    half = Z * math.sqrt(max(0.0, variance))
    low, high = max(-1.0, value - half), min(1.0, value + half)
    if half < 1e-9:
        low, high = ((end - by_chance) / (1 - by_chance) for end in wilson(observed, n))
    said = f"kappa {value:.2f} ({low:.2f} to {high:.2f}), they agree on {table.agreeing:,} of {n:,}"
    return Estimate(value, low, high, n, said, float(n))


def _weights(k: int, weighting: Weighting) -> np.ndarray:
    """1 on the diagonal; off it 0, or less than 1 by the distance of the labels in their order."""
    if weighting == "none" or k < 2:
        return np.eye(k)
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    return 1 - (distance if weighting == "linear" else distance**2)

"""Medians and ratios, whose intervals come from resampling (B. Efron, Annals of Statistics 7, 1979; percentiles)."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from scoring.stats.estimates import LEVEL, Estimate, counted, number, unknown

FEWEST = 8  # cases or groups: below, resampling finds intervals that are far too narrow
DRAWS, DRAWS_OF_MANY, MANY = 2000, 400, 20_000


def median(values: Sequence[float], *, clusters: Sequence[Hashable] | None = None, seed: int = 0) -> Estimate:
    x = _finite(values)
    return _resampled(len(x), lambda chosen: float(np.median(x[chosen])), clusters, seed)


def ratio(
    above: Sequence[float], below: Sequence[float], *, clusters: Sequence[Hashable] | None = None, seed: int = 0
) -> Estimate:
    """The sum of the one over the sum of the other, as cost over tokens; not the mean of the cases' ratios."""
    a, b = _finite(above), _finite(below)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values over {len(b)}")
    if len(b) and b.sum() == 0:
        return unknown(len(b), "no ratio: what to divide by adds up to zero")

    def of(chosen: np.ndarray) -> float:
        total = b[chosen].sum()
        return float(a[chosen].sum() / total) if total else float("nan")

    return _resampled(len(a), of, clusters, seed)


def _finite(values: Sequence[float]) -> np.ndarray:
    x = np.asarray(values, dtype=float)
    if not np.isfinite(x).all():
        raise ValueError("values must be finite")
    return x


def _resampled(
    n: int, statistic: Callable[[np.ndarray], float], clusters: Sequence[Hashable] | None, seed: int
) -> Estimate:
    """Draws cases, or whole clusters, with replacement; the statistic is of an index array."""
    if not n:
        return unknown(0, "no cases yet")
    members = _members(clusters, n)
    groups = n if members is None else len(members)
    value = statistic(np.arange(n))
    if groups < FEWEST:
        few = counted(groups, "case" if members is None else "group")
        return Estimate(value, None, None, n, f"{number(value)}, without interval: only {few}", float(groups))
    random = np.random.default_rng(seed)
    found = []
    for _ in range(DRAWS if n <= MANY else DRAWS_OF_MANY):
        drawn = random.integers(groups, size=groups)
        found.append(statistic(drawn if members is None else np.concatenate([members[i] for i in drawn])))
    if np.isnan(found).any():
        unsteady = f"{number(value)}, without interval: what to divide by is zero in too many cases"
        return Estimate(value, None, None, n, unsteady, float(groups))
    low, high = (float(end) for end in np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    if low == high:
        same = f"{number(value)}, without interval: nearly all cases share this value"
        return Estimate(value, None, None, n, same, float(groups))
    said = f"{number(value)} ({number(low)} to {number(high)}), {counted(n, 'case')}"
    return Estimate(value, low, high, n, said, float(groups))


def _members(clusters: Sequence[Hashable] | None, n: int) -> list[np.ndarray] | None:
    if clusters is None:
        return None
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} values")
    found: dict[Hashable, list[int]] = {}
    for index, name in enumerate(clusters):
        found.setdefault(name, []).append(index)
    return [np.array(indices) for indices in found.values()]

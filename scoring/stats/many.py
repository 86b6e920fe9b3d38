"""Several tests at once. Standard library only."""

from collections.abc import Sequence


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Each p adjusted for there being several: below 0.05, at most 5 % of panels have a false one among them.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979), 65.
    None (nothing was tested) stays None and is not counted. Raises ValueError for what is no probability.
    """
    known = sorted((value, index) for index, value in enumerate(p) if value is not None)
    if any(not 0 <= value <= 1 for value, _ in known):
        raise ValueError(f"not all of them are probabilities: {p}")
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        adjusted[index] = highest
    return adjusted

"""How slices of time grow: one hour, then four times as long on each miss, as far as the time left allows."""

import time
from datetime import timedelta

from records.search.plan import STATEMENT_SECONDS

FIRST_SLICE = timedelta(hours=1)
GROWTH = 4.0
SHRINK = 0.25  # the least that a slice becomes of the one before


class Pace:
    """Keeps a walk within `budget` seconds: what the last slice took says what the next may be."""

    def __init__(self, budget: float, width: timedelta = FIRST_SLICE) -> None:
        self.budget, self.width = budget, width
        self.started = self.slice_started = time.monotonic()

    @property
    def left(self) -> float:
        return self.budget - (time.monotonic() - self.started)

    def next(self) -> bool:
        """Sets `width` for the next slice; False when there is no time for one."""
        now = time.monotonic()
        took, left = max(now - self.slice_started, 1e-6), self.left
        if left <= 0:
            return False
        self.width *= max(SHRINK, min(GROWTH, left / took))
        self.slice_started = now
        return True

    def statement_seconds(self) -> float:
        """What one statement may take before the walk gives up on it."""
        return max(self.left, self.budget / 4) if self.budget < STATEMENT_SECONDS else self.budget

"""How far a scoring run is, in words and numbers for its page."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from scoring.models import RunStatus, ScoringRun
from scoring.runs.wording import TITLES, duration

STATES = {RunStatus.FINISHED: "pass", RunStatus.CANCELLED: "skipped", RunStatus.PAUSED: "errored"}
ENOUGH_SECONDS = 2  # before a rate means something


@dataclass(frozen=True, slots=True)
class Progress:
    """`waits`: nobody has been seen at it for a moment; `workers`: how many there are, None where nobody knows."""

    run: ScoringRun
    now: datetime
    waits: bool
    workers: int | None
    may_act: bool

    @property
    def state(self) -> str:
        """The shape that says it."""
        run = self.run
        return "errored" if run.errored and run.status == RunStatus.FINISHED else STATES.get(run.status, "pending")

    @property
    def title(self) -> str:
        return TITLES[self.run.status]

    @property
    def polls(self) -> bool:
        return not self.run.is_over and self.run.status != RunStatus.PAUSED

    @property
    def bars(self) -> list[tuple[str, float, float]]:
        """(kind, start, width) of the bar, in percent of what is planned."""
        at, found = 0.0, []
        for kind, n in (("done", self.run.completed), ("errored", self.run.errored), ("skipped", self.run.skipped)):
            width = round(100 * n / self.run.planned, 2) if self.run.planned else 0.0
            if width:
                found.append((kind, round(at, 2), width))
            at += width
        return found

    @property
    def percent(self) -> int:
        return round(100 * self.run.done / self.run.planned) if self.run.planned else 0

    @property
    def of(self) -> str:
        run = self.run
        return f"{run.planned:,}" + (" so far" if run.planned_at is None and not run.is_over else "")

    @property
    def seconds(self) -> float:
        run = self.run
        return ((run.ended_at or self.now) - (run.started_at or run.created_at)).total_seconds()

    @property
    def rate(self) -> float | None:
        """Scores a second since the beginning."""
        return self.run.done / self.seconds if self.run.done and self.seconds >= ENOUGH_SECONDS else None

    @property
    def pace(self) -> str:
        """Such as "42/s, about 4 min left"; of a run that is over, how long it took."""
        if self.run.is_over:
            return f"took {duration(self.seconds)}"
        if self.rate is None or self.waits or self.run.status == RunStatus.PAUSED:
            return ""
        said = f"{self.rate:,.0f}/s" if self.rate >= 1 else f"{self.rate * 60:,.0f}/min"
        return said if self.run.planned_at is None else f"{said}, about {duration(self.run.left / self.rate)} left"

    @property
    def waiting(self) -> str:
        if not self.waits:
            return ""
        if self.workers is None:
            return "Waiting: the queue (Redis) does not answer. The work goes on when it does."
        if not self.workers:
            return "Waiting: no worker is running. The work goes on when one does."
        return "Waiting for a worker."

    @property
    def gone(self) -> int:
        """Scores that went with their records."""
        return self.run.left if self.run.is_over else 0

    @property
    def expected_cost(self) -> Decimal | None:
        cost = self.run.estimate.get("cost")
        return None if cost is None else Decimal(str(cost))

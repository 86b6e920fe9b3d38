"""How far an experiment is, in words and numbers for its page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from experiments.models import Experiment, ExperimentState, RowState, Workflow
from experiments.running.counting import Totals
from scoring.models import RunStatus, ScoringRun
from scoring.runs.wording import duration

SHAPES = {
    ExperimentState.COMPLETED: "pass", ExperimentState.COMPLETED_WITH_ERRORS: "errored",
    ExperimentState.CANCELLED: "skipped",
}  # fmt: skip
SILENT = timedelta(seconds=30)
PARTS = (
    ("done", (RowState.SCORED,)),
    ("generated", (RowState.GENERATED,)),
    ("errored", (RowState.ERRORED, RowState.EXPIRED)),
    ("skipped", (RowState.CANCELLED,)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """`runs` make the scores it is judged by; `judged`: it has evaluators; `workers` None where nobody knows; `due`: in
    how many seconds a row may be claimed, None where none waits; `since`: records that came with an uploaded one's name
    and are not in it."""

    experiment: Experiment
    totals: Totals
    runs: list[ScoringRun]
    judged: bool
    now: datetime
    workers: int | None
    may_act: bool
    due: float | None = None
    since: int = 0

    @property
    def shape(self) -> str:
        return "errored" if self.experiment.reason else SHAPES.get(self.experiment.state, "pending")

    @property
    def title(self) -> str:
        if self.experiment.reason:
            return "Stopped"
        if self.looks_at_cases:
            return "Looking at the cases"
        return self.experiment.get_state_display()

    @property
    def looks_at_cases(self) -> bool:
        """There were too many for the request; nothing is asked of the model meanwhile."""
        return not self.experiment.is_over and not self.experiment.planned_at and self.experiment.dataset_id is not None

    @property
    def polls(self) -> bool:
        """Cancelled it goes on changing until the last worker has let go."""
        if self.experiment.state == ExperimentState.CANCELLED:
            return not self.experiment.totals
        return not self.experiment.is_over and not self.experiment.reason

    @property
    def ended(self) -> int:
        last = (RowState.SCORED, RowState.ERRORED, RowState.EXPIRED, RowState.CANCELLED)
        return self.totals.n(*last, *(() if self.judged else (RowState.GENERATED,)))

    @property
    def percent(self) -> int:
        return round(100 * self.ended / self.totals.rows) if self.totals.rows else 0

    @property
    def bars(self) -> list[tuple[str, float, float]]:
        """(kind, start, width) of the bar, in percent of the rows."""
        at, found = 0.0, []
        for kind, states in PARTS:
            kind = "done" if kind == "generated" and not self.judged else kind
            width = 100 * self.totals.n(*states) / self.totals.rows if self.totals.rows else 0.0
            if width:
                found.append((kind, round(at, 2), round(width, 2)))
            at += width
        return found

    @property
    def legend(self) -> list[tuple[str, str, int]]:
        """(shape, word, rows) of each state that there is."""
        shapes = {
            RowState.SCORED: "pass", RowState.GENERATED: "pending" if self.judged else "pass",
            RowState.ERRORED: "errored", RowState.EXPIRED: "errored", RowState.CANCELLED: "skipped",
        }  # fmt: skip
        order = ("scored", "generated", "running", "pending", "errored", "expired", "cancelled")
        return [(shapes.get(state, "pending"), state, n) for state in order if (n := self.totals.n(state))]

    @property
    def seconds(self) -> float:
        one = self.experiment
        return ((one.finished_at or self.now) - (one.started_at or one.created_at)).total_seconds()

    @property
    def pace(self) -> str:
        """Such as "about 4 min left"; of one that is over, how long it took."""
        if self.experiment.is_over:
            return f"took {duration(self.seconds)}"
        done = self.ended + (self.totals.n(RowState.GENERATED) / 2 if self.judged else 0)
        if self.experiment.reason or self.experiment.workflow == Workflow.CUSTOM or not done or self.seconds < 2:
            return ""
        return f"about {duration((self.totals.rows - done) * self.seconds / done)} left"

    @property
    def waiting(self) -> str:
        """Why it stands still, where somebody could wonder."""
        one = self.experiment
        if not self.polls or one.is_over:
            return ""
        if one.workflow == Workflow.CUSTOM and self.totals.n(RowState.PENDING, RowState.RUNNING):
            return "Waiting for clients: they claim rows and submit what came of them by the API."
        if self.due and not self.totals.n(RowState.RUNNING):
            return f"Waiting for the provider, as the rows say. The next call is in about {duration(self.due)}."
        seen = one.beat_at or one.created_at
        if self.now - seen < SILENT:
            return ""
        if self.workers is None:
            return "Waiting: the queue (Redis) does not answer. The work goes on when it does."
        return "Waiting for a worker." if self.workers else "Waiting: no worker is running. It goes on when one does."

    @property
    def paused_runs(self) -> list[ScoringRun]:
        return [run for run in self.runs if run.status == RunStatus.PAUSED]

    @property
    def again(self) -> int:
        """Rows that a retry would take up."""
        return self.totals.n(RowState.ERRORED, RowState.EXPIRED, RowState.CANCELLED)

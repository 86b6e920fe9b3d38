"""Scoring runs in words: for the page, the command and the API."""

from decimal import Decimal

from records.cells import money
from scoring.models import RunStatus, ScoringRun

TITLES = {
    RunStatus.PLANNING: "Planning and scoring",
    RunStatus.RUNNING: "Scoring",
    RunStatus.PAUSED: "Paused",
    RunStatus.CANCELLING: "Cancelling",
    RunStatus.CANCELLED: "Cancelled",
    RunStatus.FINISHED: "Finished",
}


def progress(run: ScoringRun) -> str:
    """Such as "Scoring: 1,200 of 5,000 (3 errored, 10 skipped), $0.42"."""
    of = f"{run.planned:,}" + (" so far" if run.planned_at is None and not run.is_over else "")
    odd = [f"{n:,} {name}" for name in ("errored", "skipped", "cancelled") if (n := getattr(run, name))]
    said = f"{TITLES[run.status]}: {run.done:,} of {of}" + (f" ({', '.join(odd)})" if odd else "")
    if run.cost or run.unpriced:
        said += f", {money(run.cost)}" + (f" and {run.unpriced:,} calls without a price" if run.unpriced else "")
    return said


def money_or_unknown(amount: Decimal | None, rough: bool = False) -> str:
    if amount is None:
        return "cost not known"
    return f"roughly {money(amount)}" if rough else money(amount)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""How far a bulk job is, and what it did, in words and numbers for a row of the page."""

from dataclasses import dataclass
from datetime import datetime

from records.models import BulkJob, BulkKind, BulkStatus

DOES = {BulkKind.TAG: "Tagging", BulkKind.UNTAG: "Untagging", BulkKind.DELETE: "Deleting"}
DID = {BulkKind.TAG: "Tagged", BulkKind.UNTAG: "Untagged", BulkKind.DELETE: "Deleted"}
STATES = {BulkStatus.COMPLETED: "pass", BulkStatus.CANCELLED: "skipped", BulkStatus.ERRORED: "errored"}
ENOUGH_SECONDS = 2  # before a rate means something


@dataclass(frozen=True, slots=True)
class Progress:
    """`waits`: no worker is at it now; `workers`: how many there are that could be, None where nobody knows."""

    job: BulkJob
    now: datetime
    waits: bool
    workers: int | None
    may_end: bool

    @property
    def state(self) -> str:
        """The shape that says it."""
        return "errored" if self.job.failed and self.job.is_finished else STATES.get(self.job.status, "pending")

    @property
    def title(self) -> str:
        return title(self.job)

    @property
    def report(self) -> str:
        return report(self.job)

    @property
    def percent(self) -> float | None:
        """0 to 100; None where the total is not known."""
        return min(100.0, round(100 * self.job.done / self.job.total, 1)) if self.job.total else None

    @property
    def counted(self) -> str:
        return f"{self.job.done:,} of {self.job.total:,}" if self.job.total else f"{self.job.done:,} so far"

    @property
    def pace(self) -> str:
        """Such as "1,200/s, about 4 min left"; empty while nobody can tell."""
        job = self.job
        if job.is_finished or self.waits or not job.started_at or not job.done:
            return ""
        seconds = (self.now - job.started_at).total_seconds()
        if seconds < ENOUGH_SECONDS:
            return ""
        rate = job.done / seconds
        said = f"{rate:,.0f}/s" if rate >= 1 else f"{rate * 60:,.0f}/min"
        left = (job.total - job.done) / rate if job.total else None
        return said if left is None or left < 1 else f"{said}, about {_duration(left)} left"

    @property
    def waiting(self) -> str:
        if not self.waits:
            return ""
        if self.workers is None:
            return "Waiting: the queue (Redis) does not answer. The work begins when it does."
        if not self.workers:
            return "Waiting: no worker is running. The work begins when one does."
        return "Waiting for a worker."


def title(job: BulkJob) -> str:
    """What is being done, such as "Tagging all records where ... with urgent"."""
    tags = f" {'with' if job.kind == BulkKind.TAG else 'of'} {', '.join(job.tags)}" if job.tags else ""
    return f"{DOES[job.kind]} {job.words}{tags}"


def report(job: BulkJob) -> str:
    """What was done, in a sentence."""
    noun = "span" if job.all_spans or job.spans_below and job.changed > job.done else "record"
    changed = f"{job.changed:,} {noun}{'' if job.changed == 1 else 's'}"
    said = f"{DID[job.kind]} {changed}"
    if job.kind == BulkKind.DELETE:
        if job.spans_below and job.changed > job.done:
            said += f": {job.done:,} record{'' if job.done == 1 else 's'} with all below"
    else:
        said += f" {'with' if job.kind == BulkKind.TAG else 'of'} {', '.join(job.tags)}"
        same = job.done - job.changed - job.failed
        if same > 0:
            said += f"; {same:,} {'had that already' if job.kind == BulkKind.TAG else 'did not have that'}"
    if job.failed:
        said += f"; {job.failed:,} could not be: {job.error.rstrip('.')}"
    if job.status == BulkStatus.CANCELLED:
        return f"Cancelled. {said}."
    if job.status == BulkStatus.ERRORED:
        return f"Stopped: {job.error.rstrip('.')}. {said}."
    return f"{said}."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

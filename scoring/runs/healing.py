"""For the sweeper: leases of dead workers taken back, runs that nobody is at rung for again."""

from datetime import timedelta

from django.utils import timezone

from records.scores import release_expired
from scoring.models import UNFINISHED, RunStatus, ScoringRun
from scoring.runs import steering, working

MOST_SLICES = 100  # of one project's expired leases in one sweep
SILENT_AFTER = timedelta(seconds=45)  # a worker flushes every second; a planner's slice takes less


def release_leases(project_id: int) -> None:
    """Scores whose worker died become claimable again; the runs that they are of are rung for."""
    runs: set[int] = set()
    for _ in range(MOST_SLICES):
        freed, given_up = release_expired(project_id)
        runs |= {run for run in freed if run is not None}
        if not freed and not given_up:
            break
    for run in ScoringRun.objects.filter(project_id=project_id, pk__in=runs):
        steering.ring(run)


def heal_runs() -> None:
    """Rings for runs that nobody has been seen at, and ends those that have nothing left to do."""
    for run in ScoringRun.objects.filter(status__in=UNFINISHED).select_related("project").order_by("id"):
        if run.status == RunStatus.PAUSED:
            continue
        working.settle(run.pk)
        run.refresh_from_db()
        seen = [beat for beat in (run.beat_at, run.planner_beat_at, run.started_at) if beat]
        if not run.is_over and max(seen, default=run.created_at) < timezone.now() - SILENT_AFTER:
            steering.ring(run)

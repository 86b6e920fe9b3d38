"""One scoring run that really happens: a code evaluator's new version over the newest records. Calls nobody."""

from evalhub.models import Project
from experiments.demo.setups import AUTHOR
from records.models import Record, RecordStatus
from records.selection import Selection
from scoring.evaluators import evaluator_for
from scoring.models import RunStatus
from scoring.runs.planning import plan
from scoring.runs.starting import start_run
from scoring.runs.working import take_turn
from scoring.sandbox import Sandbox, SandboxOff

RECORDS = 300


def rescore(project: Project, slug: str) -> int:
    """How many scores it made: none where this machine has no sandbox."""
    try:
        with Sandbox():
            pass
    except SandboxOff:
        return 0
    newest = Record.objects.filter(project=project, is_root=True, status=RecordStatus.COMPLETED)
    ids = newest.order_by("-created_at", "-id").values_list("id", flat=True)[:RECORDS]
    run = start_run(Selection(project, ids=tuple(ids)), [evaluator_for(project, slug)], AUTHOR)
    while not run.is_over and run.status != RunStatus.PAUSED:  # a worker that is there may help
        plan(run.pk)
        take_turn(run.pk)
        run.refresh_from_db()
    return run.completed

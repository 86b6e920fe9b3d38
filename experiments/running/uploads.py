"""Experiments that nobody created: records that came with a name of their own, from a test script; their adoption."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project, User
from experiments.models import UNFINISHED, Experiment, ExperimentState, Workflow
from experiments.running import planning, ringing
from experiments.running.starting import start
from experiments.running.wanted import Wanted
from records.filterlang import quoted
from records.search import ceiling_of
from records.selection import matching
from scoring.runs.steering import NotNow

MOST_NAMES = 2_000  # that are looked through
MOST_SHOWN = 50
MOST_COUNTED = 10_000

# A step through the index for each name, whatever the number of records; then the newest record of each
# unknown name. Only those that are shown are counted.
UPLOADED = """
WITH RECURSIVE seen AS (
  (SELECT lower(experiment) AS name FROM record WHERE project_id = %(p)s AND experiment <> ''
   ORDER BY lower(experiment) LIMIT 1)
  UNION ALL
  SELECT (SELECT lower(experiment) FROM record WHERE project_id = %(p)s AND experiment <> ''
    AND lower(experiment) > seen.name ORDER BY lower(experiment) LIMIT 1)
  FROM seen WHERE seen.name IS NOT NULL),
unknown AS (
  SELECT s.name FROM (SELECT seen.name FROM seen LIMIT %(names)s) s WHERE s.name IS NOT NULL
    AND NOT EXISTS (SELECT FROM experiment e WHERE e.project_id = %(p)s AND lower(e.label) = s.name)),
shown AS MATERIALIZED (
  SELECT unknown.name, r.experiment, r.created_at, r.created_by FROM unknown
  CROSS JOIN LATERAL (SELECT experiment, created_at, created_by FROM record
    WHERE project_id = %(p)s AND experiment <> '' AND lower(experiment) = unknown.name
    ORDER BY created_at DESC, id DESC LIMIT 1) r
  ORDER BY r.created_at DESC LIMIT %(shown)s)
SELECT shown.experiment, shown.created_at, shown.created_by, c.n FROM shown
CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM record
  WHERE project_id = %(p)s AND experiment <> '' AND lower(experiment) = shown.name AND is_root LIMIT %(counted)s) x) c
ORDER BY shown.created_at DESC
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """`records` roots of it, MOST_COUNTED at the most; `newest` when the last of them happened, `by` who sent it."""

    name: str
    newest: datetime
    by: str
    records: int

    @property
    def quoted(self) -> str:
        """As a filter takes it."""
        return quoted(self.name)


def uploads(project: Project) -> list[Upload]:
    """The newest first."""
    params = {"p": project.id, "names": MOST_NAMES, "counted": MOST_COUNTED, "shown": MOST_SHOWN}
    with connection.cursor() as cursor:
        cursor.execute(UPLOADED, params)
        return [Upload(*row) for row in cursor.fetchall()]


SINCE = """
SELECT count(*) FROM (SELECT FROM record r
  WHERE r.project_id = %(p)s AND r.experiment <> '' AND lower(r.experiment) = lower(%(label)s) AND r.is_root
    AND NOT EXISTS (SELECT FROM experiment_row x WHERE x.experiment_id = %(experiment)s AND x.record_id = r.id)
  LIMIT %(counted)s) x
"""


def came_since(experiment: Experiment) -> int:
    """Records that carry its name and are not among its rows, MOST_COUNTED at the most: a script may go on posting."""
    params = {
        "p": experiment.project_id, "label": experiment.label, "experiment": experiment.pk, "counted": MOST_COUNTED,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SINCE, params)
        return cursor.fetchone()[0]


def take_in(experiment: Experiment, by: User | str) -> None:
    """Makes rows of them, too. Raises NotNow."""
    with transaction.atomic():
        mine = Experiment.objects.filter(pk=experiment.pk, uploaded=True).exclude(state__in=UNFINISHED)
        begun = mine.update(
            state=ExperimentState.RUNNING, finished_at=None, totals={}, planned_at=None, reached="",
            ceiling=ceiling_of(), started_at=timezone.now(), beat_at=timezone.now(),
        )  # fmt: skip
        if not begun:
            raise NotNow("It is at work, or it was not uploaded.")
        audit.note(experiment.project, by, "experiment.take", experiment.slug)
    experiment.refresh_from_db()
    planning.plan(experiment, planning.AT_ONCE_SECONDS)
    ringing.ring(experiment.pk)


def adopt(project: Project, name: str, by: User | str) -> Experiment:
    """An experiment of all records that carry the name now; its results are the scores that they came with.

    Raises NotNow where there are none, or it is an experiment already.
    """
    if not name or Experiment.objects.filter(project=project, label__iexact=name).exists():
        raise NotNow(f"{name[:100]!r} is an experiment of the project already.")
    selection = matching(project, None, f"experiment:{quoted(name)}", False, timezone.now(), str(UTC), ceiling_of())
    if not next(selection.slices(size=1), []):
        raise NotNow(f"No record carries the name {name[:100]!r}.")
    try:
        return start(project, Wanted(name[:120], Workflow.EXISTING, records=selection, label=name), by)
    except ValidationError as problem:  # somebody else's click was a moment earlier
        raise NotNow(" ".join(problem.messages)) from None

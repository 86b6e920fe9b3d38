"""Starting an experiment: accepted with all its rows and frozen evaluators in one transaction, or not at all."""

from collections.abc import Sequence
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project, User
from experiments.models import Experiment, ExperimentEvaluator, ScoreSet, Workflow
from experiments.running import planning, ringing
from experiments.running.checking import TAKEN, Checked, check
from experiments.running.estimate import Estimate, estimate
from experiments.running.wanted import Wanted
from scoring.models import EvaluatorVersion
from scoring.runs.feeding import open_run

FIRST_SET = "As it was run"

# A case's epochs stand side by side, in the cases' order.
ROWS = """
INSERT INTO experiment_row (project_id, experiment_id, case_id, epoch, item_id)
SELECT %(p)s, %(experiment)s, i.case_id, e.n, i.id
FROM dataset_item i CROSS JOIN generate_series(1, %(epochs)s) AS e(n)
WHERE i.project_id = %(p)s AND i.dataset_id = %(dataset)s AND i.first_revision <= %(revision)s
  AND (i.last_revision IS NULL OR i.last_revision >= %(revision)s) AND (%(split)s = '' OR i.split = %(split)s)
ORDER BY i.position, e.n
"""


def start(project: Project, wanted: Wanted, by: User | str) -> Experiment:
    """Checks, stores and rings for workers. Raises ValidationError, having stored nothing. A bad case that there was no
    time for is found by a worker before anything is asked (`cases.look_at_all`)."""
    checked = check(project, wanted)
    expected = estimate(checked, wanted.records)
    if not expected.rows and expected.exact:
        raise ValidationError({"records": "No record matches: there is nothing to score."})
    try:
        with transaction.atomic():
            experiment = _stored(checked, expected, by)
    except IntegrityError:
        if not Experiment.objects.filter(project=project, slug=checked.experiment.slug).exists():
            raise
        said = f"The project has an experiment {checked.experiment.slug} already."
        raise ValidationError({"slug": ValidationError(said, TAKEN)}) from None
    if experiment.workflow == Workflow.EXISTING:
        planning.plan(experiment, planning.AT_ONCE_SECONDS)
    ringing.ring(experiment.pk)
    return experiment


def _stored(checked: Checked, expected: Estimate, by: User | str) -> Experiment:
    experiment = checked.experiment
    experiment.user, experiment.created_by = (by if isinstance(by, User) else None), str(by)[:160]
    experiment.estimate = expected.as_json()
    if experiment.workflow != Workflow.EXISTING and checked.whole:
        experiment.planned_at = timezone.now()
    if experiment.workflow == Workflow.CUSTOM:
        experiment.expires_at = timezone.now() + timedelta(seconds=experiment.timeout)
    experiment.save()
    if experiment.workflow != Workflow.EXISTING:
        with connection.cursor() as cursor:
            cursor.execute(
                ROWS,
                {"p": experiment.project_id, "experiment": experiment.pk, "epochs": experiment.epochs,
                 "dataset": experiment.dataset_id, "revision": experiment.dataset_revision, "split": experiment.split},
            )  # fmt: skip
    add_set(experiment, checked.versions, by, FIRST_SET)
    audit.note(
        experiment.project, by, "experiment.start", experiment.slug, workflow=experiment.workflow,
        rows=expected.rows, evaluators=[str(version) for version in checked.versions],
    )  # fmt: skip
    return experiment


def add_set(experiment: Experiment, versions: Sequence[EvaluatorVersion], by: User | str, name: str) -> ScoreSet:
    """The next set of scores, with a scoring run that waits to be fed; without evaluators, none."""
    last = ScoreSet.objects.filter(experiment=experiment).aggregate(last=Max("number"))["last"]
    made = ScoreSet(experiment=experiment, number=(last or 0) + 1, name=name, created_by=str(by)[:160])
    made.planned_at = timezone.now() if made.number == 1 else None  # the first is fed as outputs are made
    made.save()
    ExperimentEvaluator.objects.bulk_create(
        ExperimentEvaluator(
            experiment=experiment, set_number=made.number, evaluator_version=version,
            metric_id=version.evaluator.metric_id,
        )
        for version in versions
    )  # fmt: skip
    if versions:
        made.runs.add(open_run(experiment.project, versions, by, words_of(experiment)))
    return made


def words_of(experiment: Experiment) -> str:
    """What a scoring run of it scores, for its page."""
    return f"outputs of the experiment {experiment.name}"

"""Experiments: a workflow over the cases of a dataset revision, its rows, and the evaluators frozen for it.

The rows are the work and what became of it; the queue only rings.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from evalhub.models import SLUG
from experiments.models.dataset import Dataset, DatasetItem
from experiments.models.prompt import PromptVersion
from records.models import Metric
from scoring.models import EvaluatorVersion, Provider, ScoringRun

MOST_EPOCHS = 100
MOST_CONCURRENCY = 512
DAY = 24 * 3600


class Workflow(models.TextChoices):
    """How a case becomes a record."""

    PROMPT = "prompt", "Prompt"
    COMPLETION = "completion", "Completion"
    CUSTOM = "custom", "Custom"
    EXISTING = "existing", "Existing outputs"


class ExperimentState(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors", "Completed with errors"
    CANCELLED = "cancelled", "Cancelled"


class RowState(models.TextChoices):
    """`generated` has its record and waits for scores; where the experiment has no evaluators that is its end."""

    PENDING = "pending"
    RUNNING = "running"
    GENERATED = "generated"
    SCORED = "scored"
    ERRORED = "errored"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


UNFINISHED = (ExperimentState.PENDING, ExperimentState.RUNNING)
MAKES_OUTPUTS = (Workflow.PROMPT, Workflow.COMPLETION)  # workflows in which EvalHub asks a model
WAITING = (RowState.PENDING, RowState.RUNNING)  # rows without an output yet


class Experiment(models.Model):
    """Written by `experiments.running` alone.

    `dataset` at `dataset_revision`, but in `existing`: there `ids`, or all that matched `filter` when it was asked for
    (`ceiling`, `created_at`), planned slice by slice behind the cursor `reached`. There is a `planned_at` once all rows
    are there and their cases were looked at; before that no model is asked. `totals` are counted from the rows when the
    experiment ends (`running.counting.Totals`); before that they are counted where they are shown.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    slug = models.CharField(max_length=63, validators=[SLUG], help_text="Its name in addresses and in the API; stays.")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    label = models.TextField(help_text="What its records carry as their experiment.")
    workflow = models.CharField(max_length=10, choices=Workflow)
    uploaded = models.BooleanField(default=False, help_text="Its records came before it did: it was adopted.")

    dataset = models.ForeignKey(Dataset, models.RESTRICT, null=True, blank=True, related_name="+")
    dataset_revision = models.PositiveIntegerField(null=True, blank=True)
    split = models.CharField(max_length=40, blank=True, help_text="Only cases of this split; empty: all.")
    prompt_version = models.ForeignKey(PromptVersion, models.RESTRICT, null=True, blank=True, related_name="+")
    provider = models.ForeignKey(
        Provider, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Of the completion workflow."
    )
    model = models.CharField(max_length=200, blank=True, help_text="Of the completion workflow.")
    parameters = models.JSONField(default=dict, blank=True, help_text="Of the completion workflow.")

    ids = ArrayField(models.UUIDField(), null=True, help_text="Of the existing workflow: records chosen by hand.")
    filter = models.TextField(blank=True)
    all_spans = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="UTC", help_text="In which the filter's dates are read.")
    ceiling = models.UUIDField(null=True, help_text="An id above all that had arrived: later ones are left out.")
    reached = models.TextField(blank=True, help_text="Cursor: the planning of rows goes on behind it.")
    planned_at = models.DateTimeField(null=True, help_text="When the last row was planned.")

    epochs = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_EPOCHS)],
        help_text="Times each case is run.",
    )
    concurrency = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(1), MaxValueValidator(MOST_CONCURRENCY)],
        help_text="Calls at the same time; the provider's own limit counts too.",
    )  # fmt: skip
    timeout = models.PositiveIntegerField(
        default=DAY, validators=[MinValueValidator(60), MaxValueValidator(30 * DAY)],
        help_text="Custom workflow: seconds after which a row that nobody has submitted expires.",
    )  # fmt: skip
    expires_at = models.DateTimeField(null=True, help_text="When rows without an output expire; empty: never.")
    baseline = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")

    state = models.CharField(max_length=21, choices=ExperimentState, default=ExperimentState.PENDING)
    reason = models.TextField(blank=True, help_text="Why nobody goes on with it, until it is resumed.")
    estimate = models.JSONField(default=dict, blank=True, help_text="What was said before it began.")
    totals = models.JSONField(default=dict, blank=True)
    beat_at = models.DateTimeField(null=True, help_text="Last sign of life of who generates.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "experiment"
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="experiment_slug_once")]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="experiment_newest_first"),
            models.Index(fields=["id"], condition=Q(state__in=UNFINISHED), name="experiment_unfinished"),
        ]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        return self.state not in UNFINISHED


class ScoreSet(models.Model):
    """The scores of an experiment by one choice of evaluators. Number 1 came with it and is what it is judged by; each
    further one is a re-run of evaluators over the stored outputs, beside what is there.

    `runs` made its scores. Those of a further set are planned up to the row `reached`, and all of them once there is a
    `planned_at`.
    """

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="sets")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    runs = models.ManyToManyField(ScoringRun, related_name="+")
    reached = models.BigIntegerField(default=0)
    planned_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "experiment_score_set"
        constraints = [models.UniqueConstraint(fields=["experiment", "number"], name="experiment_score_set_once")]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.name} of {self.experiment}"


class ExperimentEvaluator(models.Model):
    """One evaluator of a set, frozen to a version; without one: the scores that came with the records themselves."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="evaluators")
    set_number = models.PositiveSmallIntegerField(default=1)
    evaluator_version = models.ForeignKey(EvaluatorVersion, models.RESTRICT, null=True, related_name="+")
    metric = models.ForeignKey(Metric, models.RESTRICT, related_name="+")

    class Meta:
        db_table = "experiment_evaluator"
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "set_number", "metric", "evaluator_version"], name="experiment_evaluator_once",
                nulls_distinct=False,
            )
        ]  # fmt: skip
        ordering = ["set_number", "id"]

    def __str__(self) -> str:
        return f"{self.evaluator_version or self.metric.slug} in {self.experiment}"


class ExperimentRow(models.Model):
    """One case in one epoch, and the record that came of it. Rows are the membership: a record may be in many.

    `attempts` is the fence of whoever has claimed it; `generation` counts how often it was begun anew, so that a retry
    is a record of its own. Tokens, cost (USD) and latency (milliseconds) are those of making the output.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, db_index=False, related_name="+")
    experiment = models.ForeignKey(Experiment, models.CASCADE, db_index=False, related_name="rows")
    case_id = models.TextField()
    epoch = models.PositiveIntegerField(default=1)
    item = models.ForeignKey(DatasetItem, models.RESTRICT, null=True, related_name="+")
    record_id = models.UUIDField(null=True)
    state = models.CharField(max_length=9, choices=RowState, default=RowState.PENDING, db_default=RowState.PENDING)
    error = models.TextField(blank=True, db_default="")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    generation = models.PositiveSmallIntegerField(default=1, db_default=1)
    claimed_by = models.CharField(max_length=160, blank=True, db_default="", help_text="The key of a custom client.")
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="A provider asked to wait so long.")
    generated_at = models.DateTimeField(null=True, help_text="When its output was there.")
    scores_planned = models.BooleanField(default=False, db_default=False, help_text="Its scores of set 1.")
    finish = models.CharField(max_length=40, blank=True, db_default="", help_text="Why the model stopped.")
    tokens = models.BigIntegerField(null=True)
    cost = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    latency_ms = models.IntegerField(null=True)

    class Meta:
        db_table = "experiment_row"
        constraints = [
            models.UniqueConstraint(fields=["experiment", "case_id", "epoch"], name="experiment_row_once"),
            models.UniqueConstraint(
                fields=["experiment", "record_id"], condition=~Q(record_id=None), name="experiment_row_record_once"
            ),
        ]
        indexes = [
            # Claiming, counting, and the page's list behind a state; the list of all goes by the second.
            models.Index(fields=["experiment", "state", "id"], name="experiment_row_state"),
            models.Index(fields=["experiment", "id"], name="experiment_row_in_order"),
            # Which experiments a record is in.
            models.Index(fields=["project", "record_id"], condition=~Q(record_id=None), name="experiment_row_record"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.case_id} (epoch {self.epoch}) in {self.experiment}"

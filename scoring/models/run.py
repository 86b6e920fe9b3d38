"""Scoring runs: one bulk act of scoring each. What was asked for, and how far it is.

The pending scores are the work and this row is what was asked for; the queue only rings.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring.models.evaluator import EvaluatorVersion


class RunKind(models.TextChoices):
    RESCORE = "rescore", "Re-score"
    RETRY = "retry", "Retry of what errored"
    BACKFILL = "backfill", "Score past records"
    EXPERIMENT = "experiment", "Scoring of an experiment"


class RunStatus(models.TextChoices):
    """A run is worked on from its first planned slice on, so also while it is still planning."""

    PLANNING = "planning"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FINISHED = "finished"


class RunMode(models.TextChoices):
    """Which of the records an evaluator is run on."""

    ALL = "all", "All of them"
    ERRORED = "errored", "Only where its last attempt errored"
    STALE = "stale", "Only where its present version has no value for what the record holds now"


AT_WORK = (RunStatus.PLANNING, RunStatus.RUNNING)
UNFINISHED = (*AT_WORK, RunStatus.PAUSED, RunStatus.CANCELLING)


class ScoringRun(models.Model):
    """Records: `ids` of a selection by hand; those that errored in `retry_of`; else all that matched `filter` when it
    was asked for (`ceiling`, `created_at`), the newest `limit` of them.

    `records` were planned, `planned` scores in all; of those `completed`, `errored`, `skipped` and `cancelled` are
    counted from rows. What is left when the run is finished went with its records. Cost in USD; calls whose price is
    not known count nothing, `unpriced` says how many.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(help_text="Counts the project's scoring runs.")
    kind = models.CharField(max_length=10, choices=RunKind, default=RunKind.RESCORE)
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.PLANNING)
    mode = models.CharField(max_length=7, choices=RunMode, default=RunMode.ALL)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=160, help_text="User name, or key and the key's name; outlives the user.")

    ids = ArrayField(models.UUIDField(), null=True)
    filter = models.TextField(blank=True)
    all_spans = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="UTC", help_text="In which the filter's dates are read.")
    ceiling = models.UUIDField(null=True, help_text="An id above all that had arrived: later ones are not touched.")
    limit = models.PositiveIntegerField(null=True, help_text="At most so many records, the newest.")
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    words = models.TextField(help_text="The selection as the reader saw it said.")

    reached = models.TextField(blank=True, help_text="Cursor: the planning goes on behind it.")
    attempt = models.IntegerField(default=0, help_text="Whose planning counts: one that was given up writes nothing.")
    planner_beat_at = models.DateTimeField(null=True, help_text="Last sign of life of who plans.")
    planned_at = models.DateTimeField(null=True, help_text="When the last score was planned.")
    beat_at = models.DateTimeField(null=True, help_text="Last sign of life of who evaluates.")

    looked_at = models.IntegerField(default=0, help_text="Records, with those that the mode leaves out.")
    records = models.IntegerField(default=0)
    planned = models.IntegerField(default=0)
    completed = models.IntegerField(default=0)
    errored = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    unpriced = models.IntegerField(default=0)
    cost_limit = models.DecimalField(max_digits=10, decimal_places=2, null=True, help_text="Pauses there. Empty: none.")
    estimate = models.JSONField(default=dict, blank=True, help_text="What was said before it began.")
    reason = models.TextField(blank=True, help_text="Why it is paused.")

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "scoring_run"
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="scoring_run_number_once")]
        indexes = [
            models.Index(fields=["id"], condition=Q(status__in=UNFINISHED), name="scoring_run_unfinished"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def is_over(self) -> bool:
        return self.status not in UNFINISHED

    @property
    def done(self) -> int:
        """Scores that have their result."""
        return self.completed + self.errored + self.skipped

    @property
    def left(self) -> int:
        return max(0, self.planned - self.done - self.cancelled)


class RunEvaluator(models.Model):
    """One evaluator of a run, in the version that it had when the run began."""

    run = models.ForeignKey(ScoringRun, models.CASCADE, related_name="evaluators")
    version = models.ForeignKey(EvaluatorVersion, models.CASCADE, related_name="+")

    class Meta:
        db_table = "scoring_run_evaluator"
        constraints = [models.UniqueConstraint(fields=["run", "version"], name="scoring_run_evaluator_once")]

    def __str__(self) -> str:
        return f"{self.version} in {self.run}"

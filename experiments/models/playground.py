"""The playground: variants of a prompt beside each other over a few rows. Each cell becomes a record."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring.models import ScoringRun


class CellState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    ERRORED = "errored"


class PlaygroundRun(models.Model):
    """What somebody tried, as it was asked. Written by `experiments.playground` alone.

    `columns`: [{"name", "prompt" slug or "", "version" number or null} and the fields of `prompts.versions.Content`];
    `rows`: [{"inputs", "expected", "case_id"}]; `evaluators`: slugs.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    columns = models.JSONField()
    rows = models.JSONField()
    dataset = models.CharField(max_length=63, blank=True, help_text="Slug of where the rows came from.")
    evaluators = models.JSONField(default=list, blank=True)
    scored_by = models.ForeignKey(ScoringRun, models.SET_NULL, null=True, blank=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_by = models.CharField(max_length=160)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "playground_run"
        indexes = [
            models.Index(fields=["project", "-id"], name="playground_newest"),
            models.Index(fields=["id"], condition=Q(finished_at=None), name="playground_unfinished"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Playground {self.pk}"


class PlaygroundCell(models.Model):
    """One row put to one column. `generation` counts its tries, so that a retry is a record of its own."""

    run = models.ForeignKey(PlaygroundRun, models.CASCADE, related_name="cells")
    column = models.PositiveSmallIntegerField()
    row = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=7, choices=CellState, default=CellState.PENDING)
    generation = models.PositiveSmallIntegerField(default=1)
    lease_until = models.DateTimeField(null=True)
    record_id = models.UUIDField(null=True)
    output = models.TextField(blank=True, help_text="As it is shown: its beginning.")
    error = models.TextField(blank=True)
    scored = models.BooleanField(default=False, help_text="Its record has been handed to the evaluators.")
    finish = models.CharField(max_length=40, blank=True, help_text="Why the model stopped.")
    latency_ms = models.IntegerField(null=True)
    tokens = models.IntegerField(null=True)
    cost = models.DecimalField(max_digits=24, decimal_places=8, null=True, help_text="USD.")

    class Meta:
        db_table = "playground_cell"
        constraints = [models.UniqueConstraint(fields=["run", "row", "column"], name="playground_cell_once")]
        ordering = ["row", "column"]

    def __str__(self) -> str:
        return f"Row {self.row}, column {self.column} of {self.run}"

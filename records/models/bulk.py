"""Bulk work on records: what was asked for, and how far it is. The row is the truth, the queue only rings."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class BulkKind(models.TextChoices):
    TAG = "tag"
    UNTAG = "untag"
    DELETE = "delete"


class BulkStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERRORED = "errored"


UNFINISHED = (BulkStatus.PENDING, BulkStatus.RUNNING)


class BulkJob(models.Model):
    """`ids` of a selection by hand; else all that matched `filter` when it was asked for (`ceiling`, `created_at`).

    `done` counts the selected records that were worked through, `changed` those that are different now (for a deletion
    also the spans below), `failed` those that could not be.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=BulkKind)
    tags = ArrayField(models.TextField(), default=list)
    spans_below = models.BooleanField(default=False, help_text="Delete the spans below each record too.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=160, help_text="The user's name, which outlives the user.")

    ids = ArrayField(models.UUIDField(), null=True)
    filter = models.TextField(blank=True)
    all_spans = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="UTC", help_text="In which the filter's dates are read.")
    ceiling = models.UUIDField(null=True, help_text="An id above all that had arrived: later ones are not touched.")
    words = models.TextField(help_text="The selection as the reader saw it said.")

    status = models.CharField(max_length=10, choices=BulkStatus, default=BulkStatus.PENDING)
    total = models.IntegerField(null=True, help_text="Empty until counted, and where counting takes too long.")
    done = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    error = models.TextField(blank=True)
    reached = models.TextField(blank=True, help_text="Cursor: the work goes on behind it.")
    attempt = models.IntegerField(default=0, help_text="Whose work counts: a worker that was given up writes nothing.")
    beat_at = models.DateTimeField(null=True, help_text="Last sign of life of the worker.")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    dismissed = models.BooleanField(default=False, help_text="No longer shown on the Records page.")

    class Meta:
        db_table = "bulk_job"
        indexes = [
            models.Index(fields=["project", "-id"], condition=models.Q(dismissed=False), name="bulk_job_shown"),
            models.Index(fields=["id"], condition=models.Q(status__in=UNFINISHED), name="bulk_job_unfinished"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.words}"

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED

"""Imports into a dataset: a file that was uploaded, or records that were selected. What was asked for, and how far it
is. The row is the truth, the queue only rings."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from experiments.models.dataset import Dataset


class ImportKind(models.TextChoices):
    FILE = "file"
    RECORDS = "records"


class ImportState(models.TextChoices):
    """`uploaded`: its columns are still to be mapped, and nobody is at it."""

    UPLOADED = "uploaded"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERRORED = "errored"


IMPORTING = (ImportState.PENDING, ImportState.RUNNING)


class DatasetImport(models.Model):
    """Rows are first all checked, then stored in one revision (`storing`).

    `mapping` are [column, place], places as `experiments.datasets.columns` knows them. `options`: `whole` (one refused
    row refuses all), and for records `expected`, `split` and `tags`. `problems` are [number, why] of the first refused.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="imports")
    kind = models.CharField(max_length=7, choices=ImportKind, default=ImportKind.FILE)
    state = models.CharField(max_length=9, choices=ImportState, default=ImportState.UPLOADED)
    words = models.TextField(help_text="The file's name, or the selection as the reader saw it said.")
    options = models.JSONField(default=dict)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=160, help_text="User name, or key and the key's name; outlives the user.")

    format = models.CharField(max_length=5, blank=True)
    bytes = models.BigIntegerField(default=0)
    mapping = models.JSONField(default=list, help_text="Pairs, since an object would lose the order of the columns.")

    ids = ArrayField(models.UUIDField(), null=True)
    filter = models.TextField(blank=True)
    all_spans = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="UTC", help_text="In which the filter's dates are read.")
    ceiling = models.UUIDField(null=True, help_text="An id above all that had arrived: later ones are left out.")

    total = models.IntegerField(null=True, help_text="Rows; empty until all were read.")
    done = models.IntegerField(default=0, help_text="Rows that were checked.")
    part = models.FloatField(default=0, help_text="How much of all was checked, 0 to 1.")
    storing = models.BooleanField(default=False)
    added = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    same = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    problems = models.JSONField(default=list)
    revision = models.PositiveIntegerField(null=True, help_text="That it made; empty: it changed nothing.")
    error = models.TextField(blank=True)

    attempt = models.IntegerField(default=0, help_text="Whose work counts: a worker that was given up writes nothing.")
    beat_at = models.DateTimeField(null=True, help_text="Last sign of life of the worker.")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "dataset_import"
        indexes = [
            models.Index(fields=["dataset", "-id"], name="dataset_import_newest"),
            models.Index(fields=["id"], condition=Q(state__in=IMPORTING), name="dataset_import_unfinished"),
            models.Index(fields=["created_at"], condition=Q(state="uploaded"), name="dataset_import_waiting"),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def is_over(self) -> bool:
        return self.state not in (ImportState.UPLOADED, *IMPORTING)


class FilePart(models.Model):
    """A piece of an uploaded file, kept where every worker reaches it, until the import is over."""

    upload = models.ForeignKey(DatasetImport, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "dataset_import_part"
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="dataset_import_part_once")]

    def __str__(self) -> str:
        return f"{self.upload_id}.{self.number}"

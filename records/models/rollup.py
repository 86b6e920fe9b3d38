"""Hourly counts, changed in the transaction that changes the rows, and 1 % copies for charts over any filter."""

from django.db import models

from records.models import columns
from records.models.metric import Metric
from records.models.record import RecordFacts, RecordStatus, Source
from records.models.score import Outcome


class RecordRollup(models.Model):
    pk = models.CompositePrimaryKey("project_id", "bucket", "is_root", "status", "source")
    project = columns.project()
    bucket = models.DateTimeField(help_text="Start of the hour, UTC.")
    is_root = models.BooleanField()
    status = columns.small(choices=RecordStatus)
    source = columns.small(choices=Source)
    n = models.BigIntegerField()
    cost = models.DecimalField(max_digits=24, decimal_places=8)
    tokens = models.BigIntegerField()
    latency_ms = models.BigIntegerField()
    errors = models.BigIntegerField()

    class Meta:
        db_table = "record_rollup"

    def __str__(self) -> str:
        return f"{self.bucket}: {self.n}"


class ScoreRollup(models.Model):
    """Current scores; pending ones are not counted."""

    pk = models.CompositePrimaryKey("project_id", "metric_id", "bucket", "is_root", "outcome")
    project = columns.project()
    metric = models.ForeignKey(Metric, models.CASCADE, db_index=False, db_constraint=False, related_name="+")
    bucket = models.DateTimeField(help_text="Start of the hour of the record, UTC.")
    is_root = models.BooleanField()
    outcome = columns.small(choices=Outcome)
    n = models.BigIntegerField()
    value_sum = models.FloatField()

    class Meta:
        db_table = "score_rollup"

    def __str__(self) -> str:
        return f"{self.bucket}: {self.n}"


class RecordSample(RecordFacts):
    class Meta:
        db_table = "record_sample"
        indexes = [models.Index(fields=["project", "created_at"], name="record_sample_time")]

    def __str__(self) -> str:
        return self.name or str(self.id)


class ScoreSample(models.Model):
    pk = models.CompositePrimaryKey("project_id", "record_id", "metric_id")
    project = columns.project()
    record_id = models.UUIDField()
    metric = models.ForeignKey(Metric, models.CASCADE, db_index=False, db_constraint=False, related_name="+")
    record_created_at = models.DateTimeField()
    outcome = columns.small(choices=Outcome)
    value = models.FloatField(null=True)

    class Meta:
        db_table = "score_sample"

    def __str__(self) -> str:
        return str(self.record_id)

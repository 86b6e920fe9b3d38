"""Alerts on the monitor's figures: what is watched, where it stands, what happened, and whom it was told."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from records.models import Metric


class Figure(models.TextChoices):
    """What is measured over the window. Shares are 0 to 1, durations seconds, costs USD."""

    RECORDS = "records", "Records"
    ERRORS = "errors", "Error rate"
    LATENCY_P50 = "latency_p50", "Latency, median"
    LATENCY_P95 = "latency_p95", "Latency, 95th percentile"
    TOKENS = "tokens", "Tokens"
    COST = "cost", "Cost"
    PASSES = "passes", "Pass rate of a metric"
    MEAN = "mean", "Mean of a metric"


OF_METRIC = (Figure.PASSES, Figure.MEAN)


class Side(models.TextChoices):
    BELOW = "below", "below"
    ABOVE = "above", "above"


class Certainty(models.TextChoices):
    """Which part of the 95 % interval must lie beyond the threshold. A figure without interval is compared itself."""

    SURE = "sure", "the whole interval: only what is certain"
    VALUE = "value", "the value itself"
    POSSIBLE = "possible", "any part of the interval: as soon as it may be"


class NoData(models.TextChoices):
    """What too few records or scores count as."""

    KEEP = "keep", "change nothing"
    FINE = "fine", "count as fine"
    BREACH = "breach", "count as beyond the threshold"


class AlertState(models.TextChoices):
    OK = "ok", "OK"
    PENDING = "pending", "pending"  # beyond the threshold, not yet for long enough
    FIRING = "firing", "firing"


class Alert(models.Model):
    """Written by `scoring.alerts` alone. `secret` is the webhook's as `scoring.secrets` encrypts it."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    figure = models.CharField(max_length=12, choices=Figure)
    metric = models.ForeignKey(Metric, models.CASCADE, null=True, blank=True, related_name="+")
    filter = models.TextField(blank=True, help_text="In the filter language; empty: all records.")
    all_spans = models.BooleanField(default=False, help_text="Else root records alone.")
    window_seconds = models.PositiveIntegerField(default=3600, help_text="The time before now that is measured.")
    side = models.CharField(max_length=5, choices=Side, default=Side.BELOW)
    threshold = models.FloatField(help_text="A share from 0 to 1, seconds, USD, or as the metric has it.")
    certainty = models.CharField(max_length=8, choices=Certainty, default=Certainty.SURE)
    least = models.PositiveIntegerField(
        default=15, validators=[MinValueValidator(0)], help_text="With fewer records or scores there is no data."
    )
    no_data = models.CharField(max_length=6, choices=NoData, default=NoData.KEEP)
    pending_seconds = models.PositiveIntegerField(default=0, help_text="How long it must last before it fires.")
    recovery_threshold = models.FloatField(null=True, blank=True, help_text="Empty: the threshold.")
    recovery_seconds = models.PositiveIntegerField(default=0, help_text="How long it must be fine to be over.")
    enabled = models.BooleanField(default=True)
    webhook = models.URLField(max_length=500, blank=True, help_text="Told when it fires and when it is over.")
    secret = models.TextField(blank=True, editable=False)
    emails = ArrayField(models.EmailField(), default=list, blank=True)
    by = models.CharField(max_length=160, editable=False, help_text="Who made it; outlives the user.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revision = models.PositiveIntegerField(
        default=1, editable=False, help_text="Counts changes: what was measured for an earlier one is thrown away."
    )

    state = models.CharField(max_length=7, choices=AlertState, default=AlertState.OK, editable=False)
    state_since = models.DateTimeField(default=timezone.now, editable=False)
    breached_since = models.DateTimeField(null=True, editable=False)
    fine_since = models.DateTimeField(null=True, editable=False, help_text="While firing: it seems to be over.")
    evaluated_at = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(default=timezone.now, editable=False)
    value = models.FloatField(null=True, editable=False)
    low = models.FloatField(null=True, editable=False)
    high = models.FloatField(null=True, editable=False)
    n = models.BigIntegerField(null=True, editable=False)
    problem = models.TextField(blank=True, editable=False, help_text="Why it could not be measured the last time.")

    class Meta:
        db_table = "alert"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="alert_name_once"),
            models.CheckConstraint(
                condition=Q(metric__isnull=False, figure__in=OF_METRIC) | (Q(metric=None) & ~Q(figure__in=OF_METRIC)),
                name="alert_metric_where_needed",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(enabled=True), name="alert_due")]

    def __str__(self) -> str:
        return self.name


class AlertEvent(models.Model):
    """One change of state, with what had been measured."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+", db_index=False)
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField()
    before = models.CharField(max_length=7, choices=AlertState)
    after = models.CharField(max_length=7, choices=AlertState)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.BigIntegerField(null=True)
    words = models.TextField(help_text="What was measured, or why the state changed otherwise.")

    class Meta:
        db_table = "alert_event"
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["alert", "-at", "-id"], name="alert_event_newest"),
            models.Index(fields=["project", "-at", "-id"], name="alert_event_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"

    @property
    def is_told(self) -> bool:
        return AlertState.FIRING in (self.before, self.after)


class Channel(models.TextChoices):
    WEBHOOK = "webhook", "webhook"
    EMAIL = "email", "e-mail"


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", "waiting"
    SENT = "sent", "sent"
    FAILED = "failed", "failed"


class AlertDelivery(models.Model):
    """An outbox: one message to one address, written with the change of state that it tells of."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    alert = models.ForeignKey(Alert, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(AlertEvent, models.CASCADE, related_name="deliveries")
    key = models.UUIDField(default=uuid.uuid4, unique=True, help_text="Sent along: a repeat is known by it.")
    channel = models.CharField(max_length=7, choices=Channel)
    target = models.TextField(help_text="The address.")
    status = models.CharField(max_length=7, choices=DeliveryStatus, default=DeliveryStatus.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alert_delivery"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["alert", "-created_at", "-id"], name="alert_delivery_newest"),
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="alert_delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.target}"

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

METRIC_SLUG = RegexValidator(
    r"^[a-z][a-z0-9_]{0,62}\Z", "Use a lower-case letter, then letters, digits and underscores."
)
RESERVED_SLUGS = frozenset({"status", "latest"})  # the filter language means something else by metric.<these>


class ValueType(models.TextChoices):
    NUMERICAL = "numerical"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    COMMENT = "comment"


class Direction(models.TextChoices):
    HIGHER = "higher", "higher is better"
    LOWER = "lower", "lower is better"


class Metric(models.Model):
    """What is measured: a value type, its bounds or choices, and what passes. A column of the table."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="metrics")
    slug = models.CharField(max_length=63, validators=[METRIC_SLUG])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    value_type = models.CharField(max_length=12, choices=ValueType, help_text="Fixed after the first score.")
    # numerical
    min_score = models.FloatField(null=True, blank=True)
    max_score = models.FloatField(null=True, blank=True)
    passing_score = models.FloatField(null=True, blank=True)
    direction = models.CharField(max_length=6, choices=Direction, default=Direction.HIGHER)
    # boolean
    passing_value = models.BooleanField(
        null=True, blank=True, default=True, help_text="Empty: neither passes nor fails."
    )
    # categorical
    categorical_choices = models.JSONField(
        default=list, blank=True, help_text='Objects: {"value": "good", "number": 1, "archived": false}.'
    )
    several = models.BooleanField(default=False, help_text="A score may name more than one choice.")
    passing_choices = ArrayField(models.CharField(max_length=100), default=list, blank=True)

    version = models.PositiveIntegerField(default=1, editable=False, help_text="Raised by every change of what passes.")
    primary_evaluator = models.CharField(max_length=63, blank=True, help_text="Slug of the evaluator the column shows.")
    automatic = models.BooleanField(default=False, editable=False, help_text="Made by a score of an unknown metric.")
    position = models.IntegerField(default=0, help_text="Order of the columns.")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "metric"
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="metric_slug_once")]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name

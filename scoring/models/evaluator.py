"""Evaluators: how a metric is measured. What one does lies in its versions, which never change."""

from django.db import models
from django.utils import timezone

from records.models import Metric
from records.models.metric import METRIC_SLUG


class EvaluatorType(models.TextChoices):
    """Also the source of its scores."""

    LLM = "llm", "LLM judge"
    HUMAN = "human", "People"
    CODE = "code", "Code"


class Evaluator(models.Model):
    """Written by `scoring.evaluators` alone. Type, slug and metric stay once there is a score by it."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    slug = models.CharField(
        max_length=63, validators=[METRIC_SLUG],
        help_text="Its name in filters and in the API: lower-case letters, digits, underscores. Fixed after the first "
        "score.",
    )  # fmt: skip
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    type = models.CharField(
        max_length=5, choices=EvaluatorType, default=EvaluatorType.LLM, help_text="Fixed after the first score."
    )
    metric = models.ForeignKey(
        Metric, models.RESTRICT, related_name="+", help_text="What it measures. Fixed after the first score."
    )
    current = models.ForeignKey("EvaluatorVersion", models.SET_NULL, null=True, editable=False, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "evaluator"
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="evaluator_slug_once")]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class EvaluatorVersion(models.Model):
    """What the evaluator did from one change to the next; scores name it. `definition` as `scoring.definitions`."""

    evaluator = models.ForeignKey(Evaluator, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    metric_version = models.PositiveIntegerField(help_text="Of the metric, when this was saved.")
    author = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    note = models.CharField(max_length=500, blank=True, help_text="What changed, and why.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "evaluator_version"
        constraints = [models.UniqueConstraint(fields=["evaluator", "number"], name="evaluator_version_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.evaluator.slug} v{self.number}"

    def save(self, *args: object, **kwargs: object) -> None:
        if not self._state.adding:
            raise TypeError("A version never changes: save a new one.")
        super().save(*args, **kwargs)

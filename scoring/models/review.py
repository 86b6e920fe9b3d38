"""Requests for review: records that people are asked to score. The pending scores are the work, and this row says what
was asked for; each pending score is one *slot*, for one person."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from scoring.models.evaluator import EvaluatorVersion


class ReviewStatus(models.TextChoices):
    """Reviewing begins with the first planned slice, so also while it is still planning."""

    PLANNING = "planning"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class ReviewRequest(models.Model):
    """Each record is to be scored by `reviewers` people, each by themselves; the guidelines are the version's.

    Records: `ids` of a selection by hand, else all that matched `filter` when it was asked for (`ceiling`,
    `created_at`). With `assignees` only they are asked; who of them gets a record follows from its id. `blind`: they
    are shown nobody else's score. `ended_at`: nothing waits any more. Progress is counted from the scores.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(help_text="Counts the project's requests.")
    status = models.CharField(max_length=8, choices=ReviewStatus, default=ReviewStatus.PLANNING)
    version = models.ForeignKey(EvaluatorVersion, models.CASCADE, related_name="+")
    reviewers = models.PositiveSmallIntegerField(default=1, help_text="People who score each record.")
    blind = models.BooleanField(default=False)
    assignees = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", db_table="review_assignee")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=160, help_text="User name, or key and the key's name; outlives the user.")

    ids = ArrayField(models.UUIDField(), null=True)
    filter = models.TextField(blank=True)
    all_spans = models.BooleanField(default=False)
    zone = models.CharField(max_length=64, default="UTC", help_text="In which the filter's dates are read.")
    ceiling = models.UUIDField(null=True, help_text="An id above all that had arrived: later ones are not touched.")
    words = models.TextField(help_text="The selection as the reader saw it said.")

    reached = models.TextField(blank=True, help_text="Cursor: the planning goes on behind it.")
    attempt = models.IntegerField(default=0, help_text="Whose planning counts: one that was given up writes nothing.")
    beat_at = models.DateTimeField(null=True, help_text="Last sign of life of who plans.")
    records = models.IntegerField(default=0)
    problem = models.TextField(blank=True, help_text="Why the planning stopped before its end.")

    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "review_request"
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="review_request_number_once")]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="review_request_newest"),
            models.Index(
                fields=["id"], condition=Q(status__in=["planning", "closing"]), name="review_request_unsettled"
            ),
        ]

    def __str__(self) -> str:
        return f"Review {self.number}"

    @property
    def task_keys(self) -> list[str]:
        """One for each slot of a record."""
        return [f"review:{self.pk}:{slot}" for slot in range(1, self.reviewers + 1)]

    @property
    def guidelines(self) -> str:
        return self.version.definition.get("guidelines", "")

    @property
    def takes_answers(self) -> bool:
        return self.status in (ReviewStatus.PLANNING, ReviewStatus.OPEN)

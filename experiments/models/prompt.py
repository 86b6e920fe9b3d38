"""Prompts: message templates in versions. A draft may change; what is committed never does."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from evalhub.models import SLUG
from scoring.models import Provider


class Prompt(models.Model):
    """Written by `experiments.prompts` alone."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    slug = models.CharField(max_length=63, validators=[SLUG], help_text="Its name in addresses and in the API; stays.")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "prompt"
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="prompt_slug_once")]
        indexes = [models.Index(fields=["project", "-changed_at", "-id"], name="prompt_newest_first")]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class PromptState(models.TextChoices):
    DRAFT = "draft"
    COMMITTED = "committed"


class PromptVersion(models.Model):
    """`messages` are [{"role", "content"}], the content a Jinja template; `variables` [{"name", "type", "required",
    "default"}], found in the templates. `parameters` go to the model as they are. One draft and one deployed version a
    prompt at the most; a deployed one is committed.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=PromptState, default=PromptState.DRAFT)
    deployed = models.BooleanField(default=False)
    messages = models.JSONField()
    provider = models.ForeignKey(Provider, models.SET_NULL, null=True, blank=True, related_name="+")
    model = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    response_format = models.JSONField(null=True, blank=True, help_text="JSON Schema of the answer; empty: text.")
    variables = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text="What changed, and why.")
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    committed_at = models.DateTimeField(null=True, blank=True, editable=False)
    deployed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "prompt_version"
        constraints = [
            models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_once"),
            models.UniqueConstraint(fields=["prompt"], condition=Q(state="draft"), name="prompt_one_draft"),
            models.UniqueConstraint(fields=["prompt"], condition=Q(deployed=True), name="prompt_one_deployed"),
            models.CheckConstraint(
                condition=Q(deployed=False) | Q(state="committed"), name="prompt_deployed_is_committed"
            ),
        ]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.prompt.slug} v{self.number}"

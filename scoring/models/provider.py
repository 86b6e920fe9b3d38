"""Providers of language models: where calls go, with which key, and how fast."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone


class ProviderKind(models.TextChoices):
    """Which API the provider speaks."""

    OPENAI = "openai", "OpenAI, or any server that speaks its API"
    AZURE = "azure", "Azure OpenAI"
    ANTHROPIC = "anthropic", "Anthropic"


class Provider(models.Model):
    """Written by `scoring.providers` alone. Without a project it is shared by all projects.

    `secret` is the key as `scoring.secrets` encrypts it. Prices are USD per million tokens, by model:
    {"my-model": {"input": 0.1, "output": 0.4, "cached_input": 0.05}}.
    """

    project = models.ForeignKey(
        "evalhub.Project", models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Empty: shared by all projects.",
    )  # fmt: skip
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=ProviderKind, default=ProviderKind.OPENAI)
    base_url = models.URLField(
        max_length=500, blank=True,
        help_text="Such as https://api.openai.com/v1 or http://localhost:11434/v1; empty: the kind's own. "
        "For Azure the resource's address, such as https://name.openai.azure.com.",
    )  # fmt: skip
    api_version = models.CharField(
        max_length=40, blank=True, help_text="Azure only, such as 2024-10-21; empty: Azure's v1 API, which needs none."
    )
    secret = models.TextField(blank=True, editable=False)
    model_names = ArrayField(
        models.CharField(max_length=200), default=list, blank=True, help_text="To choose from; a judge may name others."
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: no limit of ours."
    )
    tokens_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: no limit of ours."
    )
    concurrency = models.PositiveIntegerField(
        default=32, validators=[MinValueValidator(1), MaxValueValidator(512)], help_text="Calls at the same time."
    )
    prices = models.JSONField(default=dict, blank=True)
    paused_reason = models.TextField(blank=True, editable=False, help_text="Why no calls are made; empty: they are.")
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "provider"
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="provider_name_once", nulls_distinct=False)
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

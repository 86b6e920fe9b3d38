"""Who may do what: users, projects, memberships, API keys and the audit trail."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

SLUG = RegexValidator(r"^[a-z0-9][a-z0-9-]{0,62}\Z", "Use lower-case letters, digits and hyphens, at most 63 of them.")


class Role(models.IntegerChoices):
    """Each role may do all that the ones before it may."""

    VIEWER = 1
    REVIEWER = 2
    EDITOR = 3
    ADMIN = 4


class Scope(models.TextChoices):
    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class User(AbstractUser):
    time_zone = models.CharField(max_length=64, blank=True, help_text="Such as Europe/Berlin; empty: the project's.")
    must_change_password = models.BooleanField(default=False, help_text="The password was made for one sign-in.")


class Project(models.Model):
    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    reviewer_cost_limit = models.DecimalField(
        max_digits=10, decimal_places=2, default=5, help_text="USD a reviewer may spend in one scoring run."
    )
    payload_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Inputs and outputs are kept so long after they arrive; empty: for ever."
    )
    record_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Records and their scores are kept so long after they arrive; empty: for ever.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.SmallIntegerField(choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.get_role_display()}"


class ApiKey(models.Model):
    """`ehk_<lookup>_<secret>`: the lookup finds the row, of the whole key only an HMAC is kept."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    lookup = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="api_key_name_once")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """What a call with an `Idempotency-Key` was answered, for its repeats (evalhub/idempotency.py)."""

    api_key = models.ForeignKey(ApiKey, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255, help_text="The sender's key.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "name"], name="kept_answer_once")]
        indexes = [models.Index(fields=["at"], name="kept_answer_age")]

    def __str__(self) -> str:
        return self.name


class AuditEvent(models.Model):
    """Something that somebody did and others may ask about. Written once, never changed."""

    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="audit_events")
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    action = models.CharField(max_length=60, help_text="A verb and its object, such as key.revoke.")
    target = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["project", "-at", "-id"], name="audit_newest_first")]
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.target}"

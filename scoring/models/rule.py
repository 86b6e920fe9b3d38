"""Online scoring rules: which new records get which evaluators, and what became of the records that passed by.

The rule is what holds now, its versions say what held when. Counts are hourly and written in the transaction that they
count; what was drawn but not scored has a row of its own.
"""

import secrets

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from records.models import columns
from records.models.metric import METRIC_SLUG
from scoring.models.evaluator import Evaluator


class SpansMode(models.TextChoices):
    """Which spans a rule looks at. Always chosen, never assumed."""

    ROOT = "root", "Root spans"
    NAMED = "named", "Spans with certain names"
    ALL = "all", "All spans"


class RuleScope(models.TextChoices):
    """What is judged: each span when it has ended, or a trace once nothing has come for it for a while."""

    SPAN = "span", "Each span"
    TRACE = "trace", "Whole traces"


class Counted(models.TextChoices):
    """What a rule counts. Up to `unchanged` in records; `calls` and what follows in scores."""

    SEEN = "seen", "Ended"
    SPANS = "spans", "Passed the choice of spans"
    FILTER = "filter", "Passed the filter"
    SAMPLED = "sampled", "Drawn"
    PLANNED = "planned", "Planned"
    OVER_BUDGET = "over_budget", "Over budget"
    CHANGED = "changed", "Changed after scoring"
    UNCHANGED = "unchanged", "Scored before on the same inputs and outputs"
    CALLS = "calls", "Evaluations planned"
    COMPLETED = "completed", "Scored"
    ERRORED = "errored", "Errored"
    SKIPPED = "skipped", "Declined by the evaluator"


class Why(models.TextChoices):
    """Why a record that a rule had drawn has no score, or an outdated one."""

    OVER_BUDGET = "over_budget", "The rule's budget of the day was spent"
    CHANGED = "changed", "Inputs or outputs changed after it was scored"


def new_salt() -> str:
    return secrets.token_hex(8)


class RuleTerms(models.Model):
    """What a rule and its versions share: all that decides about a record (`scoring.rules.gates`)."""

    filter = models.TextField(blank=True, help_text="In the language of the Records page. Empty: every record.")
    spans_mode = models.CharField(max_length=5, choices=SpansMode, default=SpansMode.ROOT)
    span_names = ArrayField(models.TextField(), default=list, blank=True, help_text="Where spans are chosen by name.")
    scope = models.CharField(max_length=5, choices=RuleScope, default=RuleScope.SPAN)
    quiet_seconds = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="A whole trace, or a span whose parent is missing, is judged once nothing has come for so long.",
    )  # fmt: skip
    rate = models.FloatField(
        default=0.1, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of the traces that are drawn, 0 to 1.",
    )  # fmt: skip
    salt = models.CharField(max_length=32, default=new_salt, editable=False, help_text="Whose hash draws the traces.")
    include_experiments = models.BooleanField(default=False, help_text="Records of experiments too.")
    judge_again = models.BooleanField(default=False, help_text="When inputs or outputs change after they were scored.")
    enabled = models.BooleanField(default=False)

    class Meta:
        abstract = True


class Rule(RuleTerms):
    """Written by `scoring.rules.editing` alone. `paused_reason`: EvalHub itself had to stop it, and why.

    The slug is made from the first name and stays: scores bear it. Budgets are for a day in UTC; a call is one
    evaluation. `version` is the number of the version in force.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    slug = models.CharField(max_length=63, validators=[METRIC_SLUG], editable=False)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    evaluators = models.ManyToManyField(Evaluator, related_name="rules", db_table="rule_evaluator")
    budget_usd_day = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text="USD a day (UTC). Empty: no limit.",
    )  # fmt: skip
    budget_calls_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="Evaluations a day (UTC). Empty: no limit."
    )
    paused_reason = models.TextField(blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    created_by = models.CharField(max_length=160, editable=False, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    enabled_at = models.DateTimeField(null=True, editable=False, help_text="Records that came before are not its.")

    class Meta:
        db_table = "rule"
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="rule_name_once"),
            models.UniqueConstraint(fields=["project", "slug"], name="rule_slug_once"),
        ]
        indexes = [
            # Asked at every ingest: whether anybody waits for its records.
            models.Index(fields=["project"], name="rule_at_work", condition=Q(enabled=True, paused_reason="")),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def at_work(self) -> bool:
        return self.enabled and not self.paused_reason


class RuleVersion(RuleTerms):
    """What a rule's terms were from one change to the next; `evaluator_ids` in no order. `enabled` is False too while
    EvalHub itself had paused it, and `note` says why."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    evaluator_ids = ArrayField(models.BigIntegerField(), default=list)
    note = models.TextField(blank=True)
    author = models.CharField(max_length=160)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, help_text="Empty: in force.")

    class Meta:
        db_table = "rule_version"
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.rule.slug} v{self.number}"


class RuleCount(models.Model):
    """How many, in one hour (UTC) of planning or of scoring. `cost` in USD of what was scored; calls without a known
    price add nothing."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="counts", db_index=False)
    hour = models.DateTimeField()
    gate = models.CharField(max_length=12, choices=Counted)
    count = models.BigIntegerField(default=0, db_default=0)
    cost = models.DecimalField(max_digits=16, decimal_places=8, default=0, db_default=0)

    class Meta:
        db_table = "rule_count"
        constraints = [models.UniqueConstraint(fields=["rule", "hour", "gate"], name="rule_count_once")]

    def __str__(self) -> str:
        return f"{self.count} {self.gate}"


class Unscored(models.Model):
    """A record that a rule had drawn and did not score, for a reason that cannot be found out again later."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+", db_index=False)
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="unscored", db_index=False)
    record_id = models.UUIDField()
    reason = models.CharField(max_length=12, choices=Why)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "unscored"
        constraints = [models.UniqueConstraint(fields=["rule", "reason", "record_id"], name="unscored_once")]
        indexes = [models.Index(fields=["project", "record_id"], name="unscored_record")]

    def __str__(self) -> str:
        return f"{self.record_id} {self.reason}"


class OpenTrace(models.Model):
    """A trace that a rule has yet to wait for: to judge it as a whole, or because parents of its records are missing,
    which would be its roots. Due once nothing has come for a while."""

    pk = models.CompositePrimaryKey("rule_id", "trace_id")
    project = columns.project()
    rule = models.ForeignKey(Rule, models.CASCADE, related_name="+", db_index=False)
    trace_id = models.TextField()
    due_at = models.DateTimeField()
    after = models.UUIDField(null=True, help_text="Of many records those up to here have been decided.")

    class Meta:
        db_table = "open_trace"
        indexes = [models.Index(fields=["project", "due_at"], name="open_trace_due")]

    def __str__(self) -> str:
        return self.trace_id

"""Gates: whether an experiment may take its baseline's place, under conditions stated before."""

from django.db import models
from django.utils import timezone

from experiments.models.experiment import Experiment


class GateOutcome(models.TextChoices):
    PASS = "pass", "passes"  # noqa: S105
    FAIL = "fail", "fails"
    INCONCLUSIVE = "inconclusive", "cannot tell"


class Gate(models.Model):
    """Written once, by `experiments.gate.judging`. `asked` are the conditions, `checks` what became of each, `evidence`
    the values case by case: `judging.recomputed` needs no other table.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="gates")
    baseline = models.ForeignKey(Experiment, models.SET_NULL, null=True, related_name="+")
    baseline_slug = models.CharField(max_length=63, help_text="Outlives the baseline.")
    outcome = models.CharField(max_length=12, choices=GateOutcome)
    asked = models.JSONField(help_text='{"metrics": [condition], "missing": "fail"}')
    checks = models.JSONField()
    evidence = models.JSONField()
    by = models.CharField(max_length=160, help_text="User name, or key and the key's name; gate for the command.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "experiment_gate"
        indexes = [models.Index(fields=["experiment", "-id"], name="experiment_gate_newest")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Gate {self.pk}: {self.experiment} against {self.baseline_slug}"

    @property
    def together(self) -> str:
        """What cases belonged together by; empty where each stood by itself."""
        return self.asked.get("together", "")

    @property
    def warnings(self) -> list[str]:
        """What made the two less comparable than they look, such as other versions of an evaluator."""
        return self.evidence["warnings"]

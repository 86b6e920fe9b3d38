"""What may be changed of an experiment that was run: what it is called, what it is compared with; and its deletion."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from evalhub import audit
from experiments.models import Experiment
from experiments.running.checking import EXCLUDED
from scoring.runs.steering import NotNow

EDITABLE = frozenset({"name", "description", "baseline"})


def change_experiment(experiment: Experiment, actor: object, **fields: Any) -> None:
    """`baseline` is a slug, empty for none. Raises ValidationError."""
    if strange := set(fields) - EDITABLE:
        raise ValidationError({name: "Cannot be changed." for name in sorted(strange)})
    said = {name: value for name, value in fields.items() if value is not None}
    if "baseline" in said:
        said["baseline"] = _baseline(experiment, said["baseline"])
    for name, value in said.items():
        setattr(experiment, name, value)
    experiment.clean_fields(exclude=EXCLUDED)
    with transaction.atomic():
        experiment.save(update_fields=list(said))
        audit.note(experiment.project, actor, "experiment.change", experiment.slug, fields=sorted(said))


def delete_experiment(experiment: Experiment, actor: object) -> None:
    """With its rows and sets; records, their scores and the scoring runs stay. Raises NotNow while it is at work."""
    if not experiment.is_over:
        raise NotNow("It is at work: cancel it first.")
    with transaction.atomic():
        audit.note(experiment.project, actor, "experiment.delete", experiment.slug, name=experiment.name)
        experiment.delete()


def _baseline(experiment: Experiment, slug: str) -> Experiment | None:
    if not slug:
        return None
    its = Experiment.objects.filter(project=experiment.project, slug=slug).exclude(pk=experiment.pk).first()
    if its is None:
        raise ValidationError({"baseline": f"The project has no other experiment {slug[:100]!r}."})
    return its

"""Whether an experiment can be run, before it is accepted: all that it names exists and is frozen, and its cases make
questions (`cases`). What is wrong is said by field, as forms and the API need it (ValidationError)."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from pydantic import ValidationError as Invalid

from evalhub.models import Project
from experiments.models import Dataset, Experiment, PromptState, PromptVersion, Workflow
from experiments.prompts.versions import RESERVED_PARAMETERS, Parameters
from experiments.running.cases import cases_of, in_time, look
from experiments.running.generating import CannotAsk, call_of
from experiments.running.wanted import Wanted
from experiments.slugs import named
from experiments.workflows.asking import Call
from scoring.models import EvaluatorVersion
from scoring.providers import usable_by
from scoring.runs.starting import RunProblem, evaluators_named, versions_now

SAID = frozenset({
    "name", "slug", "description", "workflow", "split", "model", "parameters", "epochs", "concurrency", "timeout",
})  # fmt: skip
EXCLUDED = {field.name for field in Experiment._meta.fields} - SAID
TAKEN_BY_PAGES = frozenset({"compare", "new", "uploaded", "adopt", "gate"})
TAKEN = "taken"  # the code of a slug that another experiment has
MOST_ROWS = 200_000  # that are made; outputs that are there already may be more


@dataclass(slots=True)
class Checked:
    """An experiment that may begin, not stored yet. `versions` are its evaluators, frozen; `cases` how many there are;
    `chars` the mean length of what is sent to the model for one. Not `whole`: there was no time to look at all of them.
    `warnings` are no obstacle."""

    experiment: Experiment
    versions: list[EvaluatorVersion]
    call: Call | None = None
    cases: int = 0
    chars: float = 0.0
    whole: bool = True
    warnings: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.cases * self.experiment.epochs


def check(project: Project, wanted: Wanted) -> Checked:
    """Raises ValidationError."""
    problems: dict[str, Any] = {}
    experiment = Experiment(
        project=project, workflow=wanted.workflow, description=wanted.description, epochs=wanted.epochs,
        concurrency=wanted.concurrency, timeout=wanted.timeout, split=wanted.split, **named(wanted.name, wanted.slug),
    )  # fmt: skip
    experiment.slug = experiment.slug or ("uploaded" if wanted.label else "")
    experiment.label, experiment.uploaded = wanted.label or experiment.slug, bool(wanted.label)
    steps = [_slug, _baseline, _dataset if wanted.workflow != Workflow.EXISTING else _records]
    if wanted.workflow in (Workflow.PROMPT, Workflow.COMPLETION):
        steps.append(_prompt if wanted.workflow == Workflow.PROMPT else _completion)
    for step in steps:
        try:
            step(experiment, wanted)
        except ValidationError as problem:
            problems |= problem.error_dict
    versions: list[EvaluatorVersion] = []
    try:
        if wanted.evaluators:
            versions = versions_now(evaluators_named(project, wanted.evaluators))
    except RunProblem as problem:
        problems["evaluators"] = str(problem)
    try:
        experiment.clean_fields(exclude=EXCLUDED | set(problems))
    except ValidationError as problem:
        problems |= problem.error_dict
    if problems:
        raise ValidationError(problems)
    checked = Checked(experiment, versions)
    if wanted.workflow == Workflow.EXISTING:
        checked.warnings += [] if versions else ["Without evaluators its results are the scores that are there."]
    else:
        _cases(checked)
    return checked


def _slug(experiment: Experiment, wanted: Wanted) -> None:
    if not experiment.slug:
        raise ValidationError({"name": "Give it a name with letters or digits."})
    if experiment.slug in TAKEN_BY_PAGES and wanted.slug:
        raise ValidationError({"slug": f"{experiment.slug} is the address of a page of EvalHub."})
    there = Experiment.objects.filter(project=experiment.project)
    if experiment.slug not in TAKEN_BY_PAGES and not there.filter(slug=experiment.slug).exists():
        return
    if wanted.slug:
        raise ValidationError({"slug": ValidationError(f"The project has an experiment {wanted.slug} already.", TAKEN)})
    stem = experiment.slug[:58]
    taken = set(there.filter(slug__startswith=f"{stem}-").values_list("slug", flat=True))
    experiment.slug = next(slug for n in range(2, len(taken) + 3) if (slug := f"{stem}-{n}") not in taken)
    experiment.label = wanted.label or experiment.slug


def _baseline(experiment: Experiment, wanted: Wanted) -> None:
    if wanted.baseline:
        experiment.baseline = Experiment.objects.filter(project=experiment.project, slug=wanted.baseline).first()
        if experiment.baseline is None:
            raise ValidationError({"baseline": f"The project has no experiment {wanted.baseline[:100]!r}."})


def _dataset(experiment: Experiment, wanted: Wanted) -> None:
    if not wanted.dataset:
        raise ValidationError({"dataset": "Choose a dataset."})
    dataset = Dataset.objects.filter(project=experiment.project, slug=wanted.dataset).first()
    if dataset is None:
        raise ValidationError({"dataset": f"The project has no dataset {wanted.dataset[:100]!r}."})
    if dataset.archived_at:
        raise ValidationError({"dataset": f"The dataset {dataset.slug} is archived."})
    revision = dataset.revision if wanted.revision is None else wanted.revision
    if not 0 < revision <= dataset.revision:
        known = f"Its newest revision is {dataset.revision}." if dataset.revision else "It has no cases yet."
        raise ValidationError({"dataset" if wanted.revision is None else "revision": f"{dataset.slug}: {known}"})
    experiment.dataset, experiment.dataset_revision = dataset, revision


def _prompt(experiment: Experiment, wanted: Wanted) -> None:
    if not wanted.prompt:
        raise ValidationError({"prompt": "Choose a prompt."})
    versions = PromptVersion.objects.select_related("prompt", "provider").filter(
        project=experiment.project, prompt__slug=wanted.prompt, prompt__archived_at=None
    )
    if not versions.exists():
        raise ValidationError({"prompt": f"The project has no prompt {wanted.prompt[:100]!r}, or it is archived."})
    if wanted.version is None:
        version = versions.filter(deployed=True).first()
        if version is None:
            said = f"{wanted.prompt} has no deployed version: deploy one, or name a committed one."
            raise ValidationError({"prompt": said})
    else:
        version = versions.filter(number=wanted.version).first()
        if version is None:
            raise ValidationError({"version": f"{wanted.prompt} has no version {wanted.version}."})
        if version.state != PromptState.COMMITTED:
            said = f"Version {version.number} is a draft, which may still change: commit it first."
            raise ValidationError({"version": said})
    if not version.model:
        raise ValidationError({"prompt": f"{version} names no model."})
    _usable(experiment.project, version.provider_id, "prompt", f"{version}: its provider")
    experiment.prompt_version = version


def _completion(experiment: Experiment, wanted: Wanted) -> None:
    if not wanted.model:
        raise ValidationError({"model": "Name a model."})
    _usable(experiment.project, wanted.provider_id, "provider_id", "The provider")
    try:
        Parameters.model_validate(wanted.parameters)
        json.dumps(wanted.parameters, allow_nan=False)
    except Invalid as problem:
        said = " ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}." for one in problem.errors())
        raise ValidationError({"parameters": said}) from None
    except ValueError:
        raise ValidationError({"parameters": "NaN and infinity are no numbers of JSON."}) from None
    if taken := RESERVED_PARAMETERS & set(wanted.parameters):
        raise ValidationError({"parameters": f"EvalHub itself says {', '.join(sorted(taken))}."})
    experiment.provider = usable_by(experiment.project.id).get(pk=wanted.provider_id)
    experiment.model, experiment.parameters = wanted.model, wanted.parameters


def _usable(project: Project, provider_id: int | None, field: str, words: str) -> None:
    provider = usable_by(project.id).filter(pk=provider_id).first() if provider_id else None
    if provider is None:
        raise ValidationError({field: f"{words} is not there, or archived."})


def _records(experiment: Experiment, wanted: Wanted) -> None:
    selection = wanted.records
    if selection is None:
        raise ValidationError({"records": 'Name the records by q or by ids; q "" is all of them.'})
    if selection.search is None:
        experiment.ids = sorted(set(selection.ids))
        return
    search = selection.search
    experiment.filter, experiment.all_spans, experiment.ceiling = selection.text, selection.all_spans, search.ceiling
    experiment.zone, experiment.created_at = str(search.zone), search.now


def _cases(checked: Checked) -> None:
    """Raises ValidationError where there are none, too many, or a bad one among those that are looked at."""
    experiment = checked.experiment
    there = cases_of(experiment).count()
    if there * experiment.epochs > MOST_ROWS:
        raise ValidationError({"epochs": f"More than {MOST_ROWS:,} rows: take fewer cases or epochs."})
    if not there:
        which = f" of the split {experiment.split}" if experiment.split else ""
        raise ValidationError({"dataset": f"{experiment.dataset.slug} has no cases{which}: put some in first."})
    checked.cases = there
    if experiment.workflow == Workflow.CUSTOM:
        return
    try:
        checked.call = call_of(experiment)
    except CannotAsk as why:
        raise ValidationError({"prompt" if experiment.prompt_version else "provider_id": str(why)}) from None
    seen = look(experiment, checked.call, in_time())
    if seen.bad:
        raise ValidationError({"dataset": seen.problems})
    checked.chars, checked.whole = seen.chars, seen.whole
    if not seen.whole:
        checked.warnings.append(
            f"The first {seen.n:,} of {there:,} cases were looked at; the others are before the first call."
        )
    if seen.unknown:
        names = ", ".join(list(seen.unknown)[:5])
        checked.warnings.append(f"The cases hold what the prompt does not use: {names}.")

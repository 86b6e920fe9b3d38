"""Evaluators: made, given versions, changed and archived; used alike by the admin, the API and the demo. All audited.

Wrong fields raise django.core.exceptions.ValidationError with a message for each, as forms and the API need; those of
the definition by their own names, `settings.pattern` for one inside another.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project
from records.models import Metric, Score
from records.models.metric import RESERVED_SLUGS
from scoring.definitions import (
    CodeDefinition,
    Definition,
    JudgeDefinition,
    definition_json,
    load_definition,
    read_definition,
)
from scoring.models import Evaluator, EvaluatorType, EvaluatorVersion
from scoring.providers import usable_by
from scoring.sandbox import Sandbox, SandboxOff

FIXED = {"slug": "The slug", "type": "The type", "metric": "The metric"}
EDITABLE = frozenset({"slug", "name", "description", "type", "metric"})


class UnknownEvaluator(LookupError):
    """The project has no such evaluator, or has archived it."""


def evaluator_for(project: Project, slug: str) -> Evaluator:
    """The evaluator that new scores may come from, with metric and current version, or UnknownEvaluator."""
    found = Evaluator.objects.select_related("metric", "current").filter(project=project, slug=slug).first()
    if found is None:
        raise UnknownEvaluator(f"{project.slug} has no evaluator {slug[:100]!r}.")
    if found.archived_at:
        raise UnknownEvaluator(f"The evaluator {slug} is archived.")
    return found


def definition_of(version: EvaluatorVersion, type: str) -> Definition:
    return load_definition(type, version.definition)


def checked_definition(project: Project, type: str, metric: Metric, sent: Mapping[str, Any]) -> Definition:
    """What may be saved as a version, or tried. Raises ValidationError."""
    if metric.project_id != project.id:
        raise ValidationError({"metric": "The project has no such metric."})
    definition = read_definition(type, sent, metric)
    if isinstance(definition, CodeDefinition) and (problem := _found_by_loading(definition.eval_code_snippet)):
        raise ValidationError({"eval_code_snippet": problem})
    provider = _provider_named(definition)
    if provider and not usable_by(project.id).filter(pk=provider[1]).exists():
        raise ValidationError({provider[0]: "The project has no such provider, or it is archived."})
    return definition


def create_evaluator(
    project: Project,
    actor: object,
    *,
    slug: str,
    type: str,
    metric: Metric,
    definition: Mapping[str, Any],
    name: str = "",
    description: str = "",
    note: str = "",
) -> Evaluator:
    """With its first version. A machine's evaluator is its metric's primary one if there was none."""
    evaluator = Evaluator(
        project=project, slug=slug, type=type, metric=metric, description=description,
        name=name or slug.replace("_", " ").capitalize(),
    )  # fmt: skip
    _check(evaluator)
    checked = checked_definition(project, type, metric, definition)
    with transaction.atomic():
        evaluator.save()
        _add_version(evaluator, actor, checked, note)
        if type != EvaluatorType.HUMAN:
            # Nothing is to be ranked anew: no score bears this slug yet.
            Metric.objects.filter(project=project, id=metric.id, primary_evaluator="").update(primary_evaluator=slug)
        audit.note(project, actor, "evaluator.create", slug, type=str(type), metric=metric.slug)
    return evaluator


def save_version(
    evaluator: Evaluator, actor: object, definition: Mapping[str, Any], note: str = "", **fields: Any
) -> EvaluatorVersion:
    """The new version, or the current one if the definition says the same; `fields` change the evaluator itself.

    Once there is a score by it, slug, type and metric stay. Raises ValidationError, changing nothing.
    """
    with transaction.atomic():
        _change(evaluator, actor, fields)
        checked = checked_definition(evaluator.project, evaluator.type, evaluator.metric, definition)
        current = evaluator.current
        if current is not None and current.definition == definition_json(checked):
            return current
        version = _add_version(evaluator, actor, checked, note)
        audit.note(evaluator.project, actor, "evaluator.version", evaluator.slug, number=version.number)
    return version


def change_evaluator(evaluator: Evaluator, actor: object, **fields: Any) -> None:
    """Changes what lies outside the versions, in place; see `save_version`. The definition must fit what it is then."""
    with transaction.atomic():
        if _change(evaluator, actor, fields) & {"type", "metric"}:
            checked_definition(evaluator.project, evaluator.type, evaluator.metric, evaluator.current.definition)


def archive_evaluator(evaluator: Evaluator, actor: object) -> None:
    """It scores no more and is offered no more; its scores and versions stay."""
    _put_away(evaluator, actor, timezone.now())


def restore_evaluator(evaluator: Evaluator, actor: object) -> None:
    _put_away(evaluator, actor, None)


def is_scored(evaluator: Evaluator) -> bool:
    """Whether a score names it, in whatever state."""
    return Score.objects.filter(
        project_id=evaluator.project_id, metric_id=evaluator.metric_id, evaluator=evaluator.slug
    ).exists()


def _change(evaluator: Evaluator, actor: object, fields: Mapping[str, Any]) -> set[str]:
    """Which fields were changed. Locks the evaluator and reads it anew: two who save at once make two versions."""
    if strange := set(fields) - EDITABLE:
        raise ValidationError({name: "An evaluator has no such field." for name in sorted(strange)})
    stored = Evaluator.objects.select_for_update().get(project_id=evaluator.project_id, pk=evaluator.pk)
    evaluator.current = stored.current
    changed = {name for name, value in fields.items() if getattr(stored, name) != value}
    if (fixed := changed & set(FIXED)) and is_scored(stored):
        raise ValidationError({name: f"{FIXED[name]} stays once there are scores by it." for name in fixed})
    for name in EDITABLE:
        setattr(evaluator, name, fields.get(name, getattr(stored, name)))
    if changed:
        _check(evaluator)
        evaluator.save(update_fields=sorted(EDITABLE))
        if "slug" in changed:
            metrics = Metric.objects.filter(project_id=evaluator.project_id, primary_evaluator=stored.slug)
            metrics.update(primary_evaluator=evaluator.slug)
        audit.note(evaluator.project, actor, "evaluator.change", evaluator.slug, fields=sorted(changed))
    return changed


def _check(evaluator: Evaluator) -> None:
    problems: dict[str, Any] = {}
    try:
        evaluator.full_clean(exclude=["current"])
    except ValidationError as error:
        problems = dict(error.error_dict)
    if evaluator.slug in RESERVED_SLUGS:
        problems["slug"] = f"The filter language keeps {' and '.join(sorted(RESERVED_SLUGS))} for itself."
    if problems:
        raise ValidationError(problems)


def _add_version(evaluator: Evaluator, actor: object, definition: Definition, note: str) -> EvaluatorVersion:
    if len(note) > 500 or "\0" in note:
        raise ValidationError({"note": "At most 500 characters."})
    last = evaluator.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = EvaluatorVersion.objects.create(
        evaluator=evaluator,
        number=last + 1,
        definition=definition_json(definition),
        metric_version=evaluator.metric.version,
        author=str(actor)[:160],
        note=note,
    )
    evaluator.current = version
    evaluator.save(update_fields=["current"])
    return version


@lru_cache(maxsize=128)
def _found_by_loading(snippet: str) -> str:
    """What the sandbox finds wrong when it loads a snippet, such as an import that is not there. Where the sandbox is
    off nothing is found, and nothing will be run."""
    if not snippet:
        return ""
    try:
        with Sandbox() as sandbox:
            return " ".join(str(problem) for problem in sandbox.check(snippet))
    except SandboxOff:
        return ""


def _provider_named(definition: Definition) -> tuple[str, int] | None:
    if isinstance(definition, JudgeDefinition):
        return "provider_id", definition.provider_id
    settings = getattr(definition, "settings", {})
    return ("settings.provider_id", settings["provider_id"]) if "provider_id" in settings else None


def _put_away(evaluator: Evaluator, actor: object, at: Any) -> None:
    with transaction.atomic():
        Evaluator.objects.filter(project_id=evaluator.project_id, pk=evaluator.pk).update(archived_at=at)
        evaluator.archived_at = at
        audit.note(evaluator.project, actor, "evaluator.archive" if at else "evaluator.restore", evaluator.slug)
